import uuid

import workflows as n8n

from cc_ci.suite.contents import contents, difference

VISITOR = {"user": "visitor", "password": "ring twice"}
MEBIBYTE = 1024 * 1024
BEYOND_A_SERVER_S_DEFAULT = 3 * MEBIBYTE
"""Of a request's text: the server below n8n takes 100 kB, and many a proxy 1 MiB, unless told otherwise."""
BEYOND_A_REQUEST = 20 * MEBIBYTE
"""n8n takes 16 MiB of a request, and more where a form brings files."""


def open_workflow(http, *, name, **options):
    credential = n8n.add_credential(http, name=name, **VISITOR)
    workflow = n8n.add_workflow(http, name=name, marker=name, credential=credential, **options)
    n8n.activate(http, workflow)
    return workflow


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
    said = {"marker": "by webhook", "said": "good day", "letters": ""}
    assert answer.json() == said
    run, *others = n8n.executions(http, workflow)
    assert not others
    assert run["mode"] == "webhook"
    assert n8n.outcome(http, run) == said
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


def test_a_long_text_goes_through_a_webhook(app, http):
    n8n.log_in(app, http)
    workflow = open_workflow(http, name=f"long text {uuid.uuid4()}")
    word = contents("a long text", long=BEYOND_A_SERVER_S_DEFAULT).long
    answer = n8n.ask(http, workflow, **VISITOR, word=word)
    assert answer.status_code == 200
    assert difference(word, answer.json()["said"]) is None


def test_a_large_file_is_kept_with_the_run_that_it_came_with(app, http):
    n8n.log_in(app, http)
    workflow = open_workflow(http, name=f"large file {uuid.uuid4()}")
    picture = contents("a large file", binary=BEYOND_A_REQUEST).binary
    assert n8n.ask(http, workflow, **VISITOR, picture=picture).status_code == 200
    (run,) = n8n.executions(http, workflow)
    assert difference(picture, n8n.picture_of(http, run)) is None


def test_names_and_addresses_that_differ_in_case_are_two_workflows(app, http):
    n8n.log_in(app, http)
    name = f"case-{uuid.uuid4().hex}"
    lower = open_workflow(http, name=name, path=name)
    upper = open_workflow(http, name=name.upper(), path=name.upper())
    assert n8n.find(http, "workflows", name)["id"] == lower["id"]
    assert n8n.find(http, "workflows", name.upper())["id"] == upper["id"]
    assert n8n.ask(http, lower, **VISITOR).json()["marker"] == name
    assert n8n.ask(http, upper, **VISITOR).json()["marker"] == name.upper()


def test_an_api_key_opens_the_api_until_it_is_deleted(app, http):
    n8n.log_in(app, http)
    key = n8n.add_api_key(http, label=f"key {uuid.uuid4()}")
    assert n8n.ask_api(http, "/workflows?limit=1", key=key["rawApiKey"]).status_code == 200
    n8n.log_in(app, http)
    n8n.call(http, "DELETE", f"/api-keys/{key['id']}")
    assert n8n.ask_api(http, "/workflows?limit=1", key=key["rawApiKey"]).status_code == 401
