"""A marker is a credential, a workflow that asks for it, and one run of it: all three have to be there."""

import workflows as n8n

PASSWORD = "from outside"  # noqa: S105 - of a webhook that the seed makes


def write(app, http, key, value):
    n8n.log_in(app, http)
    remove(http, key)
    credential = n8n.add_credential(http, name=name(key), user=value, password=PASSWORD)
    workflow = n8n.add_workflow(http, name=name(key), marker=value, credential=credential)
    n8n.activate(http, workflow)
    answer = n8n.ask(http, workflow, user=value, password=PASSWORD, word=value)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"marker": value, "said": value}


def read(app, http, key):
    n8n.log_in(app, http)
    workflow = n8n.find(http, "workflows", name(key))
    credential = n8n.find(http, "credentials", name(key))
    if workflow is None and credential is None:
        return None
    assert workflow is not None, "the credential is there, the workflow is not"
    assert credential is not None, "the workflow is there, the credential is not"
    assert workflow["active"], "the workflow is not active any more"
    runs = n8n.executions(http, workflow)
    assert len(runs) == 1, f"{len(runs)} executions instead of 1"
    ran = n8n.outcome(http, runs[0])
    found = {n8n.marker_of(workflow), credential["data"]["user"], ran["marker"], ran["said"]}
    assert len(found) == 1, f"workflow, credential and execution disagree: {found}"
    return found.pop()


def delete(app, http, key):
    n8n.log_in(app, http)
    remove(http, key)


def remove(http, key):
    if workflow := n8n.find(http, "workflows", name(key)):
        n8n.remove_workflow(http, workflow)
    if credential := n8n.find(http, "credentials", name(key)):
        n8n.remove_credential(http, credential)


def name(key):
    return f"marker {key}"
