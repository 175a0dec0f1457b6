import uuid

import workflows as n8n


def test_the_first_to_come_is_the_owner_and_nobody_after(app, http):
    n8n.log_in(app, http)
    me = n8n.call(http, "GET", "/login")
    assert me["email"] == n8n.owner(app)["email"]
    assert me["role"] == "global:owner"
    again = http.post("/rest/owner/setup", json=n8n.owner(app) | {"email": "other@example.com"})
    assert again.status_code == 400
    assert n8n.call(http, "GET", "/login")["email"] == n8n.owner(app)["email"]


def test_only_the_right_password_opens_it(app, http):
    n8n.log_in(app, http)
    http.cookies.clear()
    wrong = {"emailOrLdapLoginId": n8n.owner(app)["email"], "password": "Not-the-passw0rd"}
    assert http.post("/rest/login", json=wrong).status_code == 401
    assert http.get("/rest/workflows").status_code == 401
    assert http.post("/rest/login", json=wrong | {"password": n8n.owner(app)["password"]}).is_success
    assert http.get("/rest/workflows").is_success


def test_a_workflow_runs_by_its_webhook_and_is_seen_to_have_run(app, http):
    n8n.log_in(app, http)
    name = f"greeting {uuid.uuid4()}"
    credential = n8n.add_credential(http, name=name, user="visitor", password="ring twice")
    workflow = n8n.add_workflow(http, name=name, marker="by webhook", credential=credential)
    visitor = {"user": "visitor", "password": "ring twice"}
    assert n8n.ask(http, workflow, **visitor).status_code == 404
    n8n.activate(http, workflow)
    assert n8n.ask(http, workflow, user="visitor", password="wrong").status_code in (401, 403)
    answer = n8n.ask(http, workflow, **visitor, word="good day")
    assert answer.status_code == 200
    assert answer.json() == {"marker": "by webhook", "said": "good day"}
    run, *others = n8n.executions(http, workflow)
    assert not others
    assert run["mode"] == "webhook"
    assert n8n.outcome(http, run) == {"marker": "by webhook", "said": "good day"}
    n8n.remove_workflow(http, workflow)
    assert n8n.find(http, "workflows", name) is None
    assert n8n.ask(http, workflow, **visitor).status_code == 404
    n8n.remove_credential(http, credential)


def test_a_credential_does_not_give_its_password_away(app, http):
    n8n.log_in(app, http)
    name = f"vault {uuid.uuid4()}"
    credential = n8n.add_credential(http, name=name, user="visitor", password="ring twice")
    shown = http.get(f"/rest/credentials/{credential['id']}", params={"includeData": "true"})
    assert shown.json()["data"]["data"]["user"] == "visitor"
    assert "ring twice" not in shown.text
    n8n.remove_credential(http, credential)
    assert n8n.find(http, "credentials", name) is None
