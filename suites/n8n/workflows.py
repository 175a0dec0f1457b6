"""n8n as its editor talks to it: the owner's session, workflows, credentials, executions and their files."""

import hashlib
import json
import time
import uuid

BAD_REQUEST = 400
NOT_FOUND = 404
CONFLICT = 409
SESSION = "n8n-auth"
"""The cookie by which n8n knows who is there."""
PUBLISHED_WITHIN = 20
NOT_YET = ("not_published", "in_progress")
"""What n8n says meanwhile: the editor's dialog may be gone before its request has come."""
BETWEEN_LOOKS = 0.1
API_KEY = "X-N8N-API-KEY"


def owner(app):
    """Who owns this instance. The password is the run's own, and known to every test and seed of it."""
    digest = hashlib.sha256(f"owner {app.secret('encrypt_key')}".encode()).hexdigest()
    return {
        "email": "owner@example.com",
        "firstName": "Olive",
        "lastName": "Owner",
        "password": f"Aa1{digest[:30]}",
    }


def log_in(app, http):
    """Be the owner, and become it first where n8n has none yet; the run keeps the session of the first time.

    n8n lets one person in five times a minute, and seeds come more often.
    """
    if SESSION in app.kept:
        http.cookies.set(SESSION, app.kept[SESSION], domain=app.domain)
        return
    if has_no_owner(http):
        set_up(app, http)
    else:
        person = owner(app)
        credentials = {"emailOrLdapLoginId": person["email"], "password": person["password"]}
        http.post("/rest/login", json=credentials).raise_for_status()
    app.kept[SESSION] = http.cookies[SESSION]


def has_no_owner(http):
    settings = http.get("/rest/settings").raise_for_status().json()["data"]
    return settings["userManagement"]["showSetupOnFirstLoad"]


def set_up(app, http):
    http.post("/rest/owner/setup", json=owner(app)).raise_for_status()


def call(http, method, path, **options):
    """One request of the API; what its answer holds."""
    return http.request(method, f"/rest{path}", **options).raise_for_status().json()["data"]


def add_api_key(http, *, label):
    """A key of the owner's for the public API, without an end."""
    scopes = call(http, "GET", "/api-keys/scopes")
    return call(http, "POST", "/api-keys", json={"label": label, "scopes": scopes, "expiresAt": None})


def ask_api(http, path, *, key=None):
    """The public API, which knows nobody's session."""
    http.cookies.clear()
    return http.get(f"/api/v1{path}", headers={API_KEY: key} if key else {})


def add_credential(http, *, name, user, password):
    data = {"user": user, "password": password}
    return call(http, "POST", "/credentials", json={"name": name, "type": "httpBasicAuth", "data": data})


def add_header_credential(http, *, name, header, value):
    data = {"name": header, "value": value}
    return call(http, "POST", "/credentials", json={"name": name, "type": "httpHeaderAuth", "data": data})


def add_workflow(http, *, name, marker, credential, note="", letters="", path=None):
    """A webhook that asks for the credential, then a node that sets `marker`; it answers what that gives.

    `note` is stuck on the canvas, and `letters` is a further field that is set.
    """
    hook = {
        "id": str(uuid.uuid4()),
        "name": "Asked",
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2,
        "position": [0, 0],
        "webhookId": str(uuid.uuid4()),
        "parameters": {
            "path": path or str(uuid.uuid4()),
            "httpMethod": "POST",
            "authentication": "basicAuth",
            "responseMode": "lastNode",
            "options": {},
        },
        "credentials": {"httpBasicAuth": {"id": credential["id"], "name": credential["name"]}},
    }
    fields = [
        {"id": str(uuid.uuid4()), "name": "marker", "type": "string", "value": marker},
        {"id": str(uuid.uuid4()), "name": "said", "type": "string", "value": "={{ $json.body.word }}"},
        {"id": str(uuid.uuid4()), "name": "letters", "type": "string", "value": letters},
    ]
    sticker = {
        "id": str(uuid.uuid4()),
        "name": "Sticker",
        "type": "n8n-nodes-base.stickyNote",
        "typeVersion": 1,
        "position": [0, 220],
        "parameters": {"content": note},
    }
    answer = {
        "id": str(uuid.uuid4()),
        "name": "Marked",
        "type": "n8n-nodes-base.set",
        "typeVersion": 3.4,
        "position": [220, 0],
        "parameters": {"assignments": {"assignments": fields}, "options": {}},
    }
    return call(
        http,
        "POST",
        "/workflows",
        json={
            "name": name,
            "nodes": [hook, answer, sticker],
            "connections": {"Asked": {"main": [[{"node": "Marked", "type": "main", "index": 0}]]}},
            "settings": {"executionOrder": "v1"},
            "active": False,
        },
    )


def activate(http, workflow):
    """Make its webhook reachable."""
    version = {"versionId": workflow["versionId"]}
    call(http, "POST", f"/workflows/{workflow['id']}/activate", json=version)
    status = published(http, workflow)
    assert status == "published", f"the workflow is {status} {PUBLISHED_WITHIN} s after its activation"


def published(http, workflow):
    """What has become of its activation: n8n publishes after it has answered."""
    ends = time.monotonic() + PUBLISHED_WITHIN
    while (status := publication(http, workflow)) in NOT_YET and time.monotonic() < ends:
        time.sleep(BETWEEN_LOOKS)
    return status


def publication(http, workflow):
    """Before 2.40 there is nothing to ask: activation is over when it is answered."""
    answer = http.get(f"/rest/workflows/{workflow['id']}/publication-status")
    if answer.status_code == NOT_FOUND:
        return "published"
    return answer.raise_for_status().json()["data"]["status"]


def ask(http, workflow, *, user, password, word="hello", picture=None):
    """Run the workflow as the world outside does: the answer of its webhook. A picture comes in a form."""
    address = f"/webhook/{node(workflow, 'Asked')['parameters']['path']}"
    if picture is None:
        return http.post(address, json={"word": word}, auth=(user, password))
    files = {"picture": ("picture.png", picture, "image/png")}
    return http.post(address, data={"word": word}, files=files, auth=(user, password))


def node(workflow, name):
    return next((one for one in workflow["nodes"] if one["name"] == name), {"parameters": {}})


def field_of(workflow, name):
    """What the workflow sets; None if it has no such field any more."""
    fields = node(workflow, "Marked")["parameters"].get("assignments", {}).get("assignments", [])
    return next((field["value"] for field in fields if field["name"] == name), None)


def note_of(workflow):
    return node(workflow, "Sticker")["parameters"].get("content")


def find(http, kind, name):
    """The one workflow or credential of that name, whole and decrypted; None if there is none."""
    listed = call(http, "GET", f"/{kind}", params={"filter": json.dumps({"name": name})})
    ids = [one["id"] for one in listed if one["name"] == name]
    if not ids:
        return None
    return call(http, "GET", f"/{kind}/{ids[0]}", params={"includeData": "true"})


def executions(http, workflow):
    """The workflow's runs that are over, the latest first."""
    wanted = {"filter": json.dumps({"workflowId": workflow["id"], "status": ["success"]}), "limit": 20}
    return call(http, "GET", "/executions", params=wanted)["results"]


def outcome(http, execution):
    """What the last node gave in this run."""
    run = call(http, "GET", f"/executions/{execution['id']}")["data"]
    path = ("resultData", "runData", "Marked", 0, "data", "main", 0, 0, "json")
    return {name: follow(run, *path, name) for name in ("marker", "said", "letters")}


def picture_of(http, execution):
    """The bytes of the picture that came with the call; None where n8n has it no more, or knows of none."""
    run = call(http, "GET", f"/executions/{execution['id']}")["data"]
    path = ("resultData", "runData", "Asked", 0, "data", "main", 0, 0, "binary", "picture", "id")
    wanted = {"id": follow(run, *path) or "", "action": "download"}
    answer = http.get("/rest/binary-data", params=wanted)
    return None if answer.status_code in (BAD_REQUEST, NOT_FOUND) else answer.raise_for_status().content


def follow(flatted, *path):
    """The value at `path` where each string, list and object stands apart and is named by its number.

    None where the path ends before: what a run left may be there in part.
    """
    table = json.loads(flatted)
    here = table[0]
    for key in path:
        try:
            here = here[key]
        except (KeyError, IndexError, TypeError):
            return None
        if isinstance(here, str):
            here = table[int(here)]
    return here


def remove_workflow(http, workflow):
    """Executions go with it. Only what is archived may be deleted, and only once n8n has unpublished it."""
    call(http, "POST", f"/workflows/{workflow['id']}/archive")
    ends = time.monotonic() + PUBLISHED_WITHIN
    path = f"/rest/workflows/{workflow['id']}"
    while (answer := http.delete(path)).status_code == CONFLICT and time.monotonic() < ends:
        time.sleep(BETWEEN_LOOKS)
    answer.raise_for_status()


def remove_credential(http, credential):
    call(http, "DELETE", f"/credentials/{credential['id']}")
