import seed
from playwright.sync_api import expect


def publish(browser, app, *, name, text, password):
    page = browser.new_page()
    page.goto("/edit")
    page.get_by_label("Page").fill(name)
    page.get_by_label("Text").fill(text)
    page.get_by_label("User").fill(app.env["UPLOAD_USER"])
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Publish").click()
    return page


def test_a_page_written_in_the_browser_is_published(app, http, browser):
    _user, password = seed.editor(app)
    page = publish(browser, app, name="minutes", text="We meet on <Monday>.", password=password)
    expect(page.get_by_role("status")).to_have_text("Published at /minutes.html")
    expect(page.frame_locator("#preview").get_by_text("We meet on <Monday>.")).to_be_visible()
    assert "We meet on &lt;Monday&gt;." in http.get("/minutes.html").text


def test_a_wrong_password_publishes_nothing(app, http, browser):
    page = publish(browser, app, name="rumour", text="Not so.", password="not-the-password")
    expect(page.get_by_role("status")).to_have_text("Refused: 401")
    assert http.get("/rumour.html").status_code == 404
