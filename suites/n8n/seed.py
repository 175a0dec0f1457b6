"""A marker is all that a user of n8n can lose: a workflow, its credentials, a run of it, a file, and a table.

The workflow has a long note and a text in many scripts. One credential opens its webhook, the other is long;
n8n keeps both encrypted. The run was started by the webhook and came with a picture, which n8n keeps as a
file of its own. The table has rows of several types, and text of every kind.

To read it is to use it: with the session and the API key from before an upgrade or a restore, and the webhook
runs once more with its old credential. Owner and mode of files can't be set or seen by a user of n8n.
"""

import tables
import workflows as n8n

from cc_ci.suite.contents import contents, difference

PASSWORD = "from outside"  # noqa: S105 - of a webhook that the seed makes
KEY = "api key"
"""What the run keeps the API key as, from the first marker on."""
AGAIN = "asked again"


def write(app, http, key, value):
    n8n.log_in(app, http)
    if KEY not in app.kept:
        app.kept[KEY] = n8n.add_api_key(http, label=name(key))["rawApiKey"]
    remove(http, key)
    made = contents(value)
    credential = n8n.add_credential(http, name=name(key), user=value, password=PASSWORD)
    n8n.add_header_credential(http, name=long_name(key), header=made.long, value=made.letters)
    workflow = n8n.add_workflow(
        http,
        name=name(key),
        marker=value,
        credential=credential,
        note=made.long,
        letters=made.letters,
    )
    tables.add(http, name=name(key), rows=rows(value))
    n8n.activate(http, workflow)
    require_runs(http, workflow, value, word=value, picture=made.binary)


def read(app, http, key):
    n8n.log_in(app, http)
    workflow = n8n.find(http, "workflows", name(key))
    credential = n8n.find(http, "credentials", name(key))
    long = n8n.find(http, "credentials", long_name(key))
    table = tables.rows_of(http, name(key))
    parts = {"workflow": workflow, "credential": credential, "long credential": long, "table": table}
    gone = [part for part, found in parts.items() if found is None]
    if len(gone) == len(parts):
        return None
    assert not gone, f"{' and '.join(gone)} gone, and the rest of the marker is there"
    value = n8n.field_of(workflow, "marker")
    assert value is not None, "the workflow is there without what it sets"
    require_same("credential", value, shown(credential, "user"))
    require_same("long credential", contents(value).long, shown(long, "name"))
    require_workflow(http, workflow, value)
    require_table(table, value)
    require_runs(http, workflow, value, word=AGAIN)
    require_api_key(app, http)
    return value


def require_workflow(http, workflow, value):
    """The workflow is as it was made, and so is what its first run left."""
    made = contents(value)
    assert workflow["active"], "the workflow is not active any more"
    require_same("workflow: its note", made.long, n8n.note_of(workflow))
    require_same("workflow: its letters", made.letters, n8n.field_of(workflow, "letters"))
    runs = n8n.executions(http, workflow)
    assert runs, "its executions are gone"
    first = n8n.outcome(http, runs[-1])
    assert first == {"marker": value, "said": value, "letters": made.letters}, f"its first run gave {first}"
    require_same("the picture of its first run", made.binary, n8n.picture_of(http, runs[-1]))


def shown(credential, field):
    """What a credential shows once n8n has decrypted it; None where it could not."""
    return (credential.get("data") or {}).get(field)


def require_table(table, value):
    assert len(table) == len(rows(value)), f"table: {len(table)} rows instead of {len(rows(value))}"
    for wanted, found in zip(rows(value), table, strict=True):
        assert found == wanted, f"table: row {wanted['kind']} is another than was written"


def require_runs(http, workflow, value, *, word, picture=None):
    answer = n8n.ask(http, workflow, user=value, password=PASSWORD, word=word, picture=picture)
    assert answer.status_code == 200, f"its webhook, with its own password: {answer.status_code}"
    assert answer.json() == {"marker": value, "said": word, "letters": contents(value).letters}


def require_api_key(app, http):
    status = n8n.ask_api(http, "/workflows?limit=1", key=app.kept[KEY]).status_code
    assert status == 200, f"the API key that was made before: {status}"


def require_same(what, wanted, found):
    lost = difference(wanted, found)
    assert lost is None, f"{what}: {lost}"


def rows(value):
    made = contents(value)
    texts = {"short": value, "letters": made.letters, "long": made.long, "empty": ""}
    numbered = enumerate(texts.items())
    of_texts = [
        {"kind": kind, "text": text, "number": number + 0.5, "yes": number % 2 == 0}
        for number, (kind, text) in numbered
    ]
    return [*of_texts, {"kind": "nothing", "text": None, "number": None, "yes": None}]


def delete(app, http, key):
    n8n.log_in(app, http)
    remove(http, key)


def remove(http, key):
    if workflow := n8n.find(http, "workflows", name(key)):
        n8n.remove_workflow(http, workflow)
    for one in (name(key), long_name(key)):
        if credential := n8n.find(http, "credentials", one):
            n8n.remove_credential(http, credential)
    tables.remove(http, name(key))


def name(key):
    return f"marker {key}"


def long_name(key):
    return f"long marker {key}"
