import re
import uuid

import workflows as n8n
from playwright.sync_api import expect

SLOW = 60_000
"""Milliseconds: the editor is some 30 MB of JavaScript, and a small machine takes its time."""


def log_in(page, person):
    page.set_default_timeout(SLOW)
    page.goto("/signin")
    page.get_by_label("Email").fill(person["email"])
    page.get_by_label("Password").fill(person["password"])
    page.get_by_role("button", name="Sign in").click()


def test_a_workflow_published_in_the_editor_can_be_called(app, http, browser):
    n8n.log_in(app, http)
    name = f"drawn {uuid.uuid4()}"
    credential = n8n.add_credential(http, name=name, user="visitor", password="ring twice")
    workflow = n8n.add_workflow(http, name=name, marker="by hand", credential=credential)
    page = browser.new_page()
    log_in(page, n8n.owner(app))
    expect(page).not_to_have_url(re.compile("/signin"), timeout=SLOW)
    page.goto(f"/workflow/{workflow['id']}")
    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog").filter(has_text="Publish workflow")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("dialog").filter(has_text="Version name")).to_be_hidden(timeout=SLOW)
    assert n8n.published(http, workflow) == "published"
    answer = n8n.ask(http, workflow, user="visitor", password="ring twice")
    assert answer.json() == {"marker": "by hand", "said": "hello", "letters": ""}
    run = n8n.executions(http, workflow)[0]
    assert n8n.outcome(http, run)["marker"] == "by hand"


def test_a_wrong_password_leads_nowhere(app, http, browser):
    n8n.log_in(app, http)
    page = browser.new_page()
    log_in(page, n8n.owner(app) | {"password": "Not-the-passw0rd"})
    expect(page.get_by_text("Wrong username or password")).to_be_visible(timeout=SLOW)
    expect(page).to_have_url(re.compile("/signin"))
