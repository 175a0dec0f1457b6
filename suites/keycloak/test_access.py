"""What somebody from outside must not get at, and what keeps them out."""

import base64
import json

import pytest
import realms

COMMON = ("admin", "password", "keycloak", "changeme", "Pa55w0rd", "")
UNSIGNED = {"alg": "none", "typ": "JWT"}


def part(said):
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


@pytest.mark.parametrize("password", COMMON)
def test_no_common_password_opens_the_administrators_account(app, http, password):
    for name in {"admin", app.env["ADMIN_USERNAME"]}:
        answer = realms.grant(
            http, "master", client_id="admin-cli", grant_type="password", username=name, password=password
        )
        assert answer.json().get("error") == "invalid_grant"


def test_a_log_in_needs_a_password(http, realm):
    without = {**realms.own_client(), "grant_type": "password", "username": realms.USERNAME}
    assert realms.grant(http, realm.name, **without).json()["error"] == "invalid_grant"
    no_user = {**realms.own_client(), "grant_type": "password", "password": realm.password}
    assert realms.grant(http, realm.name, **no_user).status_code in (400, 401)
    no_secret = {**without, "client_secret": "", "password": realm.password}
    assert realms.grant(http, realm.name, **no_secret).json()["error"] == "unauthorized_client"


def test_nobody_registers_by_themselves(app, http):
    headers = realms.administrator(app, http)
    assert http.get("/admin/realms/master", headers=headers).json()["registrationAllowed"] is False
    asked = {
        "client_id": "account",
        "response_type": "code",
        "redirect_uri": f"{app.url}/realms/master/account/",
    }
    form = http.get("/realms/master/protocol/openid-connect/registrations", params=asked)
    assert form.status_code >= 400
    assert 'name="password-confirm"' not in form.text


@pytest.mark.parametrize("way", ["default", "openid-connect"])
def test_no_stranger_registers_a_client(http, way):
    asked = {
        "clientId": "intruder",
        "client_name": "intruder",
        "redirect_uris": ["https://elsewhere.example/"],
    }
    answer = http.post(f"/realms/master/clients-registrations/{way}", json=asked)
    assert answer.status_code in (400, 401, 403), answer.text


def test_a_second_first_administrator_is_not_made(http):
    """The page that makes the first one is for a server that has none, and for its own machine."""
    form = {"username": "second", "password": "a second one", "passwordConfirmation": "a second one"}
    answer = http.post("/", data=form)
    assert answer.status_code >= 300
    given = {"username": "second", "password": "a second one", "grant_type": "password"}
    assert realms.grant(http, "master", client_id="admin-cli", **given).json().get("error") == "invalid_grant"


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/live", "/metrics", "/management"])
def test_what_is_for_the_operator_is_not_on_the_public_port(http, path):
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_the_admin_api_takes_nobody_without_a_token(http, method):
    for path in ("/admin/realms/master", "/admin/realms/master/users"):
        assert http.request(method, path, json={}).status_code in (401, 405)
    assert http.request(method, "/admin/realms/master/clients", json={}).status_code == 401


def test_a_token_of_one_realm_opens_no_other(http, realm):
    token = realms.log_in(http, realm.name, realm.password).raise_for_status().json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert http.get("/admin/realms/master", headers=bearer).status_code in (401, 403)
    place = "/realms/master/protocol/openid-connect/userinfo"
    assert http.get(place, headers=bearer).status_code == 401
    head, claims, _ = token.split(".")
    mine = f"/realms/{realm.name}/protocol/openid-connect/userinfo"
    for forged in (f"{part(UNSIGNED)}.{claims}.", f"{head}.{claims}."):
        assert http.get(mine, headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    assert http.get(mine, headers=bearer).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"])
def test_a_request_can_not_say_where_tokens_come_from(app, http, header):
    said = "host=elsewhere.example" if header == "Forwarded" else "elsewhere.example"
    answer = http.get("/realms/master/.well-known/openid-configuration", headers={header: said})
    assert answer.raise_for_status().json()["issuer"] == f"{app.url.rstrip('/')}/realms/master"
    assert "elsewhere.example" not in answer.text


def test_names_that_differ_in_case_are_one_user(app, http, realm):
    headers = realms.administrator(app, http)
    other = {**realms.member("another one", {}), "username": "MEMBER", "email": "other@example.org"}
    again = http.post(f"/admin/realms/{realm.name}/users", json=other, headers=headers)
    assert again.status_code == 409, again.text
    token = realms.log_in(http, realm.name, realm.password, username="Member")
    bearer = {"Authorization": f"Bearer {token.raise_for_status().json()['access_token']}"}
    known = http.get(f"/realms/{realm.name}/protocol/openid-connect/userinfo", headers=bearer)
    assert known.json()["preferred_username"] == realms.USERNAME


def test_who_guesses_is_locked_out(app, http, own_realm):
    limits = {"bruteForceProtected": True, "failureFactor": 2, "waitIncrementSeconds": 600}
    place = f"/admin/realms/{own_realm.name}"
    headers = realms.administrator(app, http)
    http.put(place, json={"realm": own_realm.name, **limits}, headers=headers).raise_for_status()
    for _ in range(3):
        realms.log_in(http, own_realm.name, "a guess")
    locked = realms.log_in(http, own_realm.name, own_realm.password)
    assert locked.status_code in (400, 401), "the right password still opens the account"
    user = realms.user(http, own_realm.name, headers)
    status = http.get(f"{place}/attack-detection/brute-force/users/{user['id']}", headers=headers)
    assert status.raise_for_status().json()["disabled"] is True
