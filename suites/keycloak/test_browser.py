import re

import realms
from playwright.sync_api import expect


def open_account(browser, realm, password):
    page = browser.new_page()
    page.goto(f"/realms/{realm.name}/account")
    page.get_by_label("Username or email").fill(realms.USERNAME)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign In").click()
    return page


def test_a_member_changes_their_name_in_the_account_console(app, http, browser, own_realm):
    page = open_account(browser, own_realm, own_realm.password)
    name = page.get_by_role("textbox", name="First name")
    expect(name).to_have_value("Ada")
    name.fill("Grace")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your account has been updated.")).to_be_visible()
    assert realms.user(http, own_realm.name, realms.administrator(app, http))["firstName"] == "Grace"


def test_a_wrong_password_does_not_open_the_account(app, http, browser, own_realm):
    page = open_account(browser, own_realm, "not-the-password")
    expect(page.get_by_text("Invalid username or password.")).to_be_visible()
    expect(page).to_have_url(re.compile("/login-actions/authenticate"))
    headers = realms.administrator(app, http)
    member = realms.user(http, own_realm.name, headers)
    sessions = http.get(f"/admin/realms/{own_realm.name}/users/{member['id']}/sessions", headers=headers)
    assert sessions.raise_for_status().json() == []


def test_an_administrator_opens_the_admin_console(app, browser):
    page = browser.new_page()
    page.goto("/admin/master/console/")
    page.get_by_label("Username or email").fill(app.env["ADMIN_USERNAME"])
    page.get_by_role("textbox", name="Password").fill(app.secret("admin_password"))
    page.get_by_role("button", name="Sign In").click()
    expect(page.get_by_role("link", name="Manage realms")).to_be_visible(timeout=30_000)
