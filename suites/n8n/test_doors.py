import pytest
import workflows as n8n

CLOSED = [
    ("GET", "/rest/workflows"),
    ("POST", "/rest/workflows"),
    ("GET", "/rest/credentials"),
    ("POST", "/rest/credentials"),
    ("GET", "/rest/executions"),
    ("GET", "/rest/users"),
    ("GET", "/rest/api-keys"),
    ("POST", "/rest/api-keys"),
    ("GET", "/rest/projects/personal"),
    ("GET", "/rest/data-tables-global"),
    ("GET", "/rest/binary-data?id=filesystem-v2:x&action=download"),
    ("POST", "/rest/invitations"),
    ("PATCH", "/rest/me"),
    ("PATCH", "/rest/me/password"),
]
USUAL = [
    ("admin@example.com", "admin"),
    ("admin@localhost.localdomain", "password"),
    ("n8n@n8n.io", "n8n"),
]
OUTSIDE = [
    "/home/node/.n8n/config",
    "/..%2f..%2frun/secrets/encrypt_key",
    "/assets/%2e%2e/%2e%2e/package.json",
]


def test_the_first_to_come_is_the_owner_and_nobody_after(app, http):
    n8n.log_in(app, http)
    me = n8n.call(http, "GET", "/login")
    assert me["email"] == n8n.owner(app)["email"]
    assert me["role"] == "global:owner"
    again = http.post("/rest/owner/setup", json=n8n.owner(app) | {"email": "other@example.com"})
    assert again.status_code == 400
    assert n8n.call(http, "GET", "/login")["email"] == n8n.owner(app)["email"]
    assert len(n8n.call(http, "GET", "/users")["items"]) == 1


def test_only_the_right_password_opens_it_and_who_logs_out_is_out(app, http):
    n8n.log_in(app, http)
    http.cookies.clear()
    wrong = {"emailOrLdapLoginId": n8n.owner(app)["email"], "password": "Not-the-passw0rd"}
    assert http.post("/rest/login", json=wrong).status_code == 401
    assert http.get("/rest/workflows").status_code == 401
    entered = http.post("/rest/login", json=wrong | {"password": n8n.owner(app)["password"]})
    assert entered.is_success
    given = entered.headers["set-cookie"]
    assert "; Secure" in given
    assert "; HttpOnly" in given
    assert http.get("/rest/workflows").is_success
    session = http.cookies[n8n.SESSION]
    assert http.post("/rest/logout").is_success
    http.cookies.clear()
    http.cookies.set(n8n.SESSION, session, domain=app.domain)
    assert http.get("/rest/workflows").status_code == 401


@pytest.mark.parametrize(("method", "address"), CLOSED)
def test_nothing_is_answered_to_who_has_not_logged_in(app, http, method, address):
    n8n.log_in(app, http)
    http.cookies.clear()
    assert http.request(method, address, json={}).status_code == 401
    http.cookies.set(n8n.SESSION, "no.such.session", domain=app.domain)
    assert http.request(method, address, json={}).status_code == 401


@pytest.mark.parametrize(("email", "password"), USUAL)
def test_there_is_no_usual_account(app, http, email, password):
    n8n.log_in(app, http)
    http.cookies.clear()
    known = {"emailOrLdapLoginId": email, "password": password}
    assert http.post("/rest/login", json=known).status_code == 401


def test_nobody_can_register(app, http):
    n8n.log_in(app, http)
    http.cookies.clear()
    person = n8n.owner(app) | {"email": "stranger@example.com"}
    for address in ("/rest/users", "/rest/signup", "/rest/register", "/rest/invitations/accept"):
        assert http.post(address, json=person).status_code in (400, 401, 403, 404)
    known = {"emailOrLdapLoginId": person["email"], "password": person["password"]}
    assert http.post("/rest/login", json=known).status_code == 401


def test_the_api_wants_a_key(app, http):
    # or the session of who has logged in, which `ask_api` leaves out
    n8n.log_in(app, http)
    for key in (None, "", "n8n_api_0000", "null"):
        assert n8n.ask_api(http, "/workflows", key=key).status_code == 401
    assert http.post("/api/v1/users", json=[{"email": "stranger@example.com"}]).status_code == 401


def test_strangers_learn_no_key_and_no_measurement(app, http):
    assert app.secret("encrypt_key") not in http.get("/rest/settings").text
    assert "process_cpu" not in http.get("/metrics").text


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_file_outside_of_the_editor_is_served(app, http, path):
    said = http.get(path).text
    assert app.secret("encrypt_key") not in said
    assert "encryptionKey" not in said
    assert '"dependencies"' not in said


def test_a_webhook_that_nobody_made_is_not_there(http):
    for address in ("/webhook/none", "/webhook-test/none", "/form/none"):
        assert http.get(address).status_code == 404
