"""Keycloak as a provider: a realm, a client and a user per run, through its admin API.

Facts from Keycloak's published admin REST API: POST /admin/realms takes a whole realm with clients and users
in it, and whoever makes a realm with the role `create-realm` may administer that realm and no other.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from cc_ci.errors import Unverified
from cc_ci.probes.answers import Requester
from cc_ci.providers.api import Shown, SignOn
from cc_ci.providers.conversation import Conversation, reason

MASTER = "/realms/master/protocol/openid-connect/token"
GONE = 404


class Keycloak:
    """One Keycloak that is up; `username` and `password` are its administrator's."""

    def __init__(self, requester: Requester, *, url: str, username: str, password: str) -> None:
        self._talk = Conversation(requester, name="keycloak", url=url)
        self._administrator = {"client_id": "admin-cli", "username": username, "password": password}
        self._account: dict[str, str] | None = None

    def set_up(self, sign_on: SignOn, *, redirects: Sequence[str]) -> None:
        """Make the run's account with nothing but `create-realm`, and with it the realm."""
        self._account = self._make_account(f"cc-ci-{sign_on.realm}")
        realm = realm_of(sign_on, redirects=redirects)
        self._talk.ask("POST", "/admin/realms", body=realm, bearer=self._as_account(), expect=(201,))

    def check(self, sign_on: SignOn) -> tuple[Shown, ...]:
        return shown(self._talk, sign_on)

    def take_down(self, sign_on: SignOn) -> None:
        """Delete the run's realm and its account; what is gone is no error."""
        if self._account is None:
            return
        realm = f"/admin/realms/{sign_on.realm}"
        self._talk.ask("DELETE", realm, bearer=self._as_account(), expect=(204, GONE))
        client = f"/admin/realms/master/clients/{self._account['id']}"
        self._talk.ask("DELETE", client, bearer=self._as_administrator(), expect=(204, GONE))
        self._account = None

    def _make_account(self, name: str) -> dict[str, str]:
        bearer, secret = self._as_administrator(), secrets.token_urlsafe(24)
        client = {
            "clientId": name,
            "secret": secret,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "directAccessGrantsEnabled": False,
        }
        master = "/admin/realms/master"
        made = self._talk.ask("POST", f"{master}/clients", body=client, bearer=bearer, expect=(201,))
        identity = made.headers.get("location", "").rpartition("/")[2]
        user = self._ask_json(f"{master}/clients/{identity}/service-account-user", bearer=bearer)
        role = self._ask_json(f"{master}/roles/create-realm", bearer=bearer)
        roles = f"{master}/users/{user['id']}/role-mappings/realm"
        self._talk.ask("POST", roles, body=[role], bearer=bearer, expect=(204,))
        return {"id": identity, "client_id": name, "client_secret": secret}

    def _as_administrator(self) -> str:
        return self._token(MASTER, grant_type="password", **self._administrator)

    def _as_account(self) -> str:
        """A new token each time: the rights to a realm that was just made are in no older one."""
        account = self._account or {}
        return self._token(
            MASTER,
            grant_type="client_credentials",
            client_id=account.get("client_id", ""),
            client_secret=account.get("client_secret", ""),
        )

    def _token(self, path: str, **form: str) -> str:
        return token(self._talk, path, **form)

    def _ask_json(self, path: str, *, bearer: str | None = None) -> dict[str, Any]:
        return self._talk.json(self._talk.ask("GET", path, bearer=bearer))


def token(talk: Conversation, path: str, **form: str) -> str:
    return str(talk.json(talk.ask("POST", path, form=form))["access_token"])


def shown(talk: Conversation, sign_on: SignOn) -> tuple[Shown, ...]:
    """What a realm was seen to do for its run's user."""
    return (
        Shown(what="discovery names the issuer", reason=reason(lambda: _discovery(talk, sign_on))),
        Shown(what="the user gets a token", reason=reason(lambda: _user_token(talk, sign_on))),
    )


def _discovery(talk: Conversation, sign_on: SignOn) -> None:
    found = talk.json(talk.ask("GET", f"{sign_on.issuer}/.well-known/openid-configuration"))
    if found.get("issuer") != sign_on.issuer:
        raise Unverified(f"keycloak: issuer {found.get('issuer')!r} instead of {sign_on.issuer!r}")


def _user_token(talk: Conversation, sign_on: SignOn) -> None:
    token(
        talk,
        f"{sign_on.issuer}/protocol/openid-connect/token",
        grant_type="password",
        scope="openid",
        client_id=sign_on.client_id,
        client_secret=sign_on.client_secret,
        username=sign_on.username,
        password=sign_on.password,
    )


def realm_of(sign_on: SignOn, *, redirects: Sequence[str]) -> dict[str, Any]:
    """The representation of a run's realm, as POST /admin/realms takes it."""
    client = {
        "clientId": sign_on.client_id,
        "secret": sign_on.client_secret,
        "redirectUris": list(redirects),
        "webOrigins": ["+"],
        "publicClient": False,
        "standardFlowEnabled": True,
        "directAccessGrantsEnabled": True,
    }
    user = {
        "username": sign_on.username,
        "email": sign_on.email,
        "emailVerified": True,
        "firstName": "Test",
        "lastName": "Member",
        "enabled": True,
        "credentials": [{"type": "password", "value": sign_on.password, "temporary": False}],
    }
    return {"realm": sign_on.realm, "enabled": True, "clients": [client], "users": [user]}
