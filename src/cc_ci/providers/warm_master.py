"""What is asked of a warm Keycloak's realm `master`, by whom: once its first user, then one account for good.

Facts from Keycloak's published guides: whoever makes a realm with the role `create-realm` may administer that
realm and no other; a realm's own `realm-management` client has a role `realm-admin` for it alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cc_ci.probes.answers import Requester
from cc_ci.providers.api import SignOn
from cc_ci.providers.conversation import Conversation
from cc_ci.providers.keycloak import GONE, MASTER, realm_of, token

ACCOUNT = "cc-ci-runs"
"""The client in `master` that may make realms, and look after those that it made."""
RUN_ACCOUNT = "cc-ci-run"
"""The client in a run's realm that may do all in it, and nothing elsewhere."""
RUN_ATTRIBUTE = "cc-ci.run"
"""Of a realm: the run that it was made for."""

NONE_TO_SEE = 403
"""What an account is answered that asks for all realms and may see none."""


class Realm(msgspec.Struct, frozen=True, kw_only=True):
    """One realm of a run; `run` is None where nothing says which."""

    name: str
    run: str | None


def make_account(requester: Requester, *, url: str, username: str, password: str) -> str:
    """Make the account by the first user, shut that one out for good, and hand the account's secret back."""
    talk = Conversation(requester, name="keycloak", url=url)
    form = {"client_id": "admin-cli", "username": username, "password": password}
    bearer = token(talk, MASTER, grant_type="password", **form)
    master = "/admin/realms/master"
    secret = secrets.token_urlsafe(32)
    client = _service_account(ACCOUNT, secret)
    made = talk.ask("POST", f"{master}/clients", body=client, bearer=bearer, expect=(201,))
    identity = made.headers.get("location", "").rpartition("/")[2]
    service = talk.json(talk.ask("GET", f"{master}/clients/{identity}/service-account-user", bearer=bearer))
    role = talk.json(talk.ask("GET", f"{master}/roles/create-realm", bearer=bearer))
    roles = f"{master}/users/{service['id']}/role-mappings/realm"
    talk.ask("POST", roles, body=[role], bearer=bearer, expect=(204,))
    _shut_out(talk, username, bearer=bearer)
    return secret


def _shut_out(talk: Conversation, username: str, *, bearer: str) -> None:
    """A user that is gone would be made anew at the next start, by what the container was started with."""
    users = "/admin/realms/master/users"
    found = talk.ask("GET", f"{users}?username={username}&exact=true", bearer=bearer)
    (user,) = msgspec.json.decode(found.body, type=list[dict[str, Any]])
    password = {"type": "password", "temporary": False, "value": secrets.token_urlsafe(32)}
    place = f"{users}/{user['id']}"
    talk.ask("PUT", f"{place}/reset-password", body=password, bearer=bearer, expect=(204,))
    talk.ask("PUT", place, body={**user, "enabled": False}, bearer=bearer, expect=(204,))


class RealmKeeper:
    """Makes and removes runs' realms, by the account whose `secret` this is."""

    def __init__(self, requester: Requester, *, url: str, secret: str) -> None:
        self._talk = Conversation(requester, name="keycloak", url=url)
        self._secret = secret

    def make(self, sign_on: SignOn, *, run: str, redirects: Sequence[str], run_secret: str) -> None:
        realm = realm_for(sign_on, run=run, redirects=redirects, run_secret=run_secret)
        self._talk.ask("POST", "/admin/realms", body=realm, bearer=self._bearer(), expect=(201,))

    def realms(self) -> tuple[Realm, ...]:
        """All realms of runs that there are: those that the account made."""
        bearer, path = self._bearer(), "/admin/realms?briefRepresentation=true"
        found = self._talk.ask("GET", path, bearer=bearer, expect=(200, NONE_TO_SEE))
        if found.status == NONE_TO_SEE:
            return ()
        names = (one["realm"] for one in msgspec.json.decode(found.body, type=list[dict[str, Any]]))
        return tuple(self._realm(name, bearer=bearer) for name in names)

    def _realm(self, name: str, *, bearer: str) -> Realm:
        answer = self._talk.ask("GET", f"/admin/realms/{name}", bearer=bearer, expect=(200, GONE))
        gone = answer.status == GONE
        attributes = {} if gone else self._talk.json(answer).get("attributes") or {}
        return Realm(name=name, run=attributes.get(RUN_ATTRIBUTE))

    def remove(self, realm: str) -> None:
        """Remove a realm; one that is gone is no error."""
        self._talk.ask("DELETE", f"/admin/realms/{realm}", bearer=self._bearer(), expect=(204, GONE))

    def _bearer(self) -> str:
        """A new one each time: the rights to a realm that was just made are in no older one."""
        form = {"client_id": ACCOUNT, "client_secret": self._secret}
        return token(self._talk, MASTER, grant_type="client_credentials", **form)


def run_bearer(talk: Conversation, sign_on: SignOn, *, secret: str) -> str:
    """A token of the run's own account, good for its realm alone."""
    path = f"/realms/{sign_on.realm}/protocol/openid-connect/token"
    form = {"client_id": RUN_ACCOUNT, "client_secret": secret}
    return token(talk, path, grant_type="client_credentials", **form)


def realm_for(sign_on: SignOn, *, run: str, redirects: Sequence[str], run_secret: str) -> dict[str, Any]:
    """A run's realm, with an account in it that may do all in this realm and nothing elsewhere."""
    realm = realm_of(sign_on, redirects=redirects)
    account = {
        "username": f"service-account-{RUN_ACCOUNT}",
        "enabled": True,
        "serviceAccountClientId": RUN_ACCOUNT,
        "clientRoles": {"realm-management": ["realm-admin"]},
    }
    return {
        **realm,
        "attributes": {RUN_ATTRIBUTE: run},
        "clients": [*realm["clients"], _service_account(RUN_ACCOUNT, run_secret)],
        "users": [*realm["users"], account],
    }


def _service_account(name: str, secret: str) -> Mapping[str, Any]:
    return {
        "clientId": name,
        "secret": secret,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False,
    }
