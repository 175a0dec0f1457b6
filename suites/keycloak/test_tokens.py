import base64
import json

import realms


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_discovery_names_the_public_address(app, http):
    found = http.get("/realms/master/.well-known/openid-configuration").raise_for_status().json()
    issuer = f"{app.url.rstrip('/')}/realms/master"
    assert found["issuer"] == issuer
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert found[name].startswith(f"{issuer}/protocol/openid-connect/")
    keys = http.get(found["jwks_uri"]).raise_for_status().json()["keys"]
    assert "RS256" in {key["alg"] for key in keys}


def test_a_password_gives_a_token_that_the_realm_stands_by(app, http, realm):
    token = realms.log_in(http, realm.name, realm.password).raise_for_status().json()["access_token"]
    assert claims(token)["iss"] == f"{app.url.rstrip('/')}/realms/{realm.name}"
    assert claims(token)["azp"] == realms.CLIENT
    place = f"/realms/{realm.name}/protocol/openid-connect"
    found = http.get(f"{place}/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert found.raise_for_status().json()["email"] == "member@example.org"
    client = (realms.CLIENT, realms.CLIENT_SECRET)
    seen = http.post(f"{place}/token/introspect", data={"token": token}, auth=client)
    assert seen.raise_for_status().json()["active"] is True


def test_what_is_wrong_gets_no_token(http, realm):
    wrong_password = realms.log_in(http, realm.name, "not-the-password")
    assert wrong_password.json()["error"] == "invalid_grant"
    form = {"client_id": realms.CLIENT, "client_secret": "not-the-secret", "username": realms.USERNAME}
    wrong_secret = realms.grant(http, realm.name, grant_type="password", password=realm.password, **form)
    assert wrong_secret.json()["error"] == "unauthorized_client"


def test_a_session_that_was_ended_is_not_renewed(http, realm):
    first = realms.log_in(http, realm.name, realm.password).raise_for_status().json()
    renewed = realms.renew(http, realm.name, first["refresh_token"])
    token = renewed.raise_for_status().json()["refresh_token"]
    place = f"/realms/{realm.name}/protocol/openid-connect/logout"
    http.post(place, data={"refresh_token": token, **realms.own_client()}).raise_for_status()
    again = realms.renew(http, realm.name, token)
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


def test_a_return_address_that_the_client_did_not_name_is_refused(http, realm):
    asked = {
        "client_id": realms.CLIENT,
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": "https://elsewhere.example/back",
    }
    answer = http.get(f"/realms/{realm.name}/protocol/openid-connect/auth", params=asked)
    assert answer.status_code == 400
    assert "location" not in answer.headers
