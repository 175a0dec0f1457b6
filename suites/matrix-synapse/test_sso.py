import matrix
import pytest
from playwright.sync_api import expect

SIGNED_ON = "**/signed-on*"


@pytest.fixture
def form(app, sso, browser):
    """Keycloak's log-in form, reached from the app in a real browser."""
    page = browser.new_page()
    # what the log-in comes back to is a client's page, which this server does not have
    page.route(SIGNED_ON, lambda route: route.fulfill(body="signed on", content_type="text/plain"))
    page.goto(matrix.sign_on_address(f"{app.url}/signed-on"))
    assert page.url.startswith(f"{sso.issuer}/")
    return page


def sign_on(page, *, username, password):
    page.get_by_label("Username or email").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign In").click()


def test_a_member_signs_on_in_a_browser_and_chats(app, sso, http, form):
    sign_on(form, username=sso.username, password=sso.password)
    form.wait_for_url(SIGNED_ON)
    user = matrix.User(http, matrix.exchange(http, form.url))
    assert user.name == f"@{sso.username}:{app.domain}"
    room = user.make_room("from the browser")
    event = user.send(room, "hello")
    assert user.message(room, event) == "hello"
    picture = b"\x89PNG\r\n" + bytes(range(256))
    assert user.download(user.upload(picture, name="picture.png")) == picture


def test_a_wrong_password_does_not_sign_on(sso, form):
    sign_on(form, username=sso.username, password="not-the-password")
    expect(form.get_by_text("Invalid username or password")).to_be_visible()
    assert form.url.startswith(f"{sso.provider_url}/")
