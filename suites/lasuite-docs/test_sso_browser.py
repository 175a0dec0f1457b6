import re

import pytest
from account import API
from playwright.sync_api import expect

SLOW = 30_000
"""A page of this size, the first time, on two CPUs; milliseconds."""


@pytest.fixture
def page(app, browser, sso):
    """A browser in which the run's user has logged in through the provider."""
    page = browser.new_page()
    # what greets a new user lies over the page, on some versions and not on others
    greeting = page.get_by_test_id("onboarding-modal")
    page.add_locator_handler(
        greeting, lambda: page.get_by_role("button", name=re.compile("skip", re.IGNORECASE)).click()
    )
    page.goto(f"{API}/authenticate/")
    expect(page).to_have_url(re.compile(re.escape(sso.issuer)), timeout=SLOW)
    page.locator("input[name=username]").fill(sso.username)
    page.locator("input[name=password]").fill(sso.password)
    page.locator("[type=submit]").first.click()
    expect(page).to_have_url(re.compile(re.escape(app.url)), timeout=SLOW)
    return page


def test_who_logs_in_through_the_provider_is_known_to_the_app(page, sso):
    assert page.request.get(f"{API}/users/me/").json()["email"] == sso.email


def test_a_document_that_is_begun_in_the_browser_is_in_the_api(page):
    page.goto("/")
    page.get_by_test_id("new-doc-button").first.click(timeout=SLOW)
    expect(page).to_have_url(re.compile(r"/docs/[0-9a-f-]{36}/?"), timeout=SLOW)
    title = page.get_by_role("textbox", name="Document title")
    expect(title).to_be_visible(timeout=SLOW)
    with page.expect_response(
        lambda answer: answer.request.method == "PATCH" and "/documents/" in answer.url
    ):
        title.fill("Written in a browser")
        title.blur()
    document = re.search(r"/docs/([0-9a-f-]{36})", page.url)[1]
    seen = page.request.get(f"{API}/documents/{document}/").json()
    assert seen["title"] == "Written in a browser"


def test_a_wrong_password_opens_no_session(app, browser, sso):
    page = browser.new_page()
    page.goto(f"{API}/authenticate/")
    page.locator("input[name=username]").fill(sso.username)
    page.locator("input[name=password]").fill("not-the-password")
    page.locator("[type=submit]").first.click()
    expect(page.locator("input[name=password]")).to_be_visible()
    assert page.request.get(f"{app.url}{API}/users/me/").status == 401
