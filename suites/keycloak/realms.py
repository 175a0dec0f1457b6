"""What tests and seeds ask of Keycloak: realms with one client and one user, through the admin API."""

CREATED = 201
PATIENCE = 90
"""Seconds: a realm's keys take one, and half a minute on a machine that is busy."""
NOT_FOUND = 404
CLIENT = "site"
CLIENT_SECRET = "a secret between the site and its realm"  # noqa: S105 - of made-up realms alone
USERNAME = "member"


def administrator(app, http):
    """Headers for the admin API."""
    given = {"username": app.env["ADMIN_USERNAME"], "password": app.secret("admin_password")}
    answer = grant(http, "master", client_id="admin-cli", grant_type="password", **given)
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def grant(http, realm, **form):
    return http.post(f"/realms/{realm}/protocol/openid-connect/token", data=form)


def log_in(http, realm, password, *, username=USERNAME):
    """The member's log-in by the realm's own client."""
    given = {"username": username, "password": password, "scope": "openid"}
    return grant(http, realm, grant_type="password", **own_client(), **given)


def renew(http, realm, refresh_token):
    return grant(http, realm, grant_type="refresh_token", refresh_token=refresh_token, **own_client())


def own_client():
    return {"client_id": CLIENT, "client_secret": CLIENT_SECRET}


def make(app, http, realm, *, password, attributes=None):
    """A realm with a client and a user, who has attributes that no profile knows of."""
    headers = administrator(app, http)
    create(http, {"realm": realm, "enabled": True}, headers)
    headers = administrator(app, http)
    profile = http.get(f"/admin/realms/{realm}/users/profile", headers=headers).raise_for_status().json()
    profile["unmanagedAttributePolicy"] = "ADMIN_EDIT"
    http.put(f"/admin/realms/{realm}/users/profile", json=profile, headers=headers).raise_for_status()
    for kind, made in (("clients", client(app)), ("users", member(password, attributes or {}))):
        answer = http.post(f"/admin/realms/{realm}/{kind}", json=made, headers=headers)
        answer.raise_for_status()
        assert answer.status_code == CREATED


def create(http, realm, headers):
    """The realm as it is given; the rights to it are only in tokens that are newer."""
    http.post("/admin/realms", json=realm, headers=headers, timeout=PATIENCE).raise_for_status()


def remove(app, http, realm):
    headers = administrator(app, http)
    http.delete(f"/admin/realms/{realm}", headers=headers, timeout=PATIENCE).raise_for_status()


def client(app):
    """Its tokens name it as their audience: Keycloak tells nobody else whether one is active."""
    audience = {"included.client.audience": CLIENT, "access.token.claim": "true"}
    mapper = {"protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper", "name": "audience"}
    return {
        "clientId": CLIENT,
        "secret": CLIENT_SECRET,
        "redirectUris": [f"{app.url}/back"],
        "directAccessGrantsEnabled": True,
        "protocolMappers": [{**mapper, "config": audience}],
    }


def member(password, attributes):
    return {
        "username": USERNAME,
        "email": "member@example.org",
        "firstName": "Ada",
        "lastName": "Member",
        "enabled": True,
        "attributes": attributes,
        "credentials": [{"type": "password", "value": password, "temporary": False}],
    }


def user(http, realm, headers, *, username=USERNAME):
    """The realm's member, as an administrator sees them."""
    asked = {"username": username, "exact": "true"}
    found = http.get(f"/admin/realms/{realm}/users", params=asked, headers=headers)
    known = found.raise_for_status().json()
    assert len(known) == 1, f"realm {realm} has {len(known)} users by the name {username}"
    whole = http.get(f"/admin/realms/{realm}/users/{known[0]['id']}", headers=headers)
    return whole.raise_for_status().json()


def change(http, realm, headers, *, username=USERNAME, **fields):
    """Change the member; a password among `fields` becomes theirs."""
    now = user(http, realm, headers, username=username)
    password = fields.pop("password", None)
    if password is not None:
        fields["credentials"] = [{"type": "password", "value": password, "temporary": False}]
    place = f"/admin/realms/{realm}/users/{now['id']}"
    http.put(place, json={**now, **fields}, headers=headers).raise_for_status()
