"""authentik as a provider, through its published API (version 3); not run against a real one yet.

authentik has no realms: what a run gets is a provider, an application whose slug stands for the realm, and a
user. It has no right to make these and nothing else either, so the adapter acts as administrator, on an
instance that was deployed for the run. Its password grant takes an app password, never the user's own.
"""

import re
from collections.abc import Sequence
from typing import Any

from cc_ci.errors import Unverified
from cc_ci.probes.answers import Requester
from cc_ci.providers.api import Shown, SignOn
from cc_ci.providers.conversation import Conversation, reason

API = "/api/v3"
SCOPES = "goauthentik.io/providers/oauth2/scope-"
CONSENT = "default-provider-authorization-implicit-consent"
SIGN_OUT = "default-provider-invalidation-flow"
GRANTS = ("authorization_code", "refresh_token", "client_credentials", "password")
"""From 2026.5 on, a provider that names none allows none; older releases pass over the field."""
VERIFIED = 'return {"email": request.user.email, "email_verified": True}'
"""From 2025.10 on, the mapping that ships says of every address that it is not verified."""
GONE = 404


class Authentik:
    """One authentik that is up; `token` is an administrator's, such as AUTHENTIK_BOOTSTRAP_TOKEN."""

    def __init__(self, requester: Requester, *, url: str, token: str) -> None:
        self._talk = Conversation(requester, name="authentik", url=url)
        self._url = url
        self._token = token
        self._made: list[str] = []
        self._app_password: str | None = None

    def set_up(self, sign_on: SignOn, *, redirects: Sequence[str]) -> None:
        """Make provider, application and user; what was made is known even if the rest fails."""
        email = {"name": f"{sign_on.realm} email", "scope_name": "email", "expression": VERIFIED}
        verified = self._make("/propertymappings/provider/scope/", email)
        self._made.append(f"/propertymappings/provider/scope/{verified['pk']}/")
        provider = self._make(
            "/providers/oauth2/", self._provider_of(sign_on, redirects, email=verified["pk"])
        )
        self._made.append(f"/providers/oauth2/{provider['pk']}/")
        application = {"name": sign_on.realm, "slug": sign_on.realm, "provider": provider["pk"]}
        self._make("/core/applications/", application)
        self._made.append(f"/core/applications/{sign_on.realm}/")
        person = {
            "username": sign_on.username,
            "name": "Test Member",
            "email": sign_on.email,
            "is_active": True,
        }
        user = self._make("/core/users/", person)
        self._made.append(f"/core/users/{user['pk']}/")
        password = {"password": sign_on.password}
        self._api("POST", f"/core/users/{user['pk']}/set_password/", body=password, expect=(204,))
        self._app_password = self._make_app_password(sign_on, user=user["pk"])

    def check(self, sign_on: SignOn) -> tuple[Shown, ...]:
        return (
            Shown(what="discovery names the issuer", reason=reason(lambda: self._discovery(sign_on))),
            Shown(what="the user gets a token", reason=reason(lambda: self._user_token(sign_on))),
        )

    def take_down(self, sign_on: SignOn) -> None:
        """Delete what was made, last in first out; what is gone is no error."""
        del sign_on
        while self._made:
            self._api("DELETE", self._made[-1], expect=(204, GONE))
            self._made.pop()

    def _provider_of(self, sign_on: SignOn, redirects: Sequence[str], *, email: str) -> dict[str, Any]:
        mappings = (
            self._first(f"/propertymappings/provider/scope/?managed={SCOPES}{name}") for name in _SCOPES
        )
        return {
            "name": sign_on.realm,
            "authorization_flow": self._first(f"/flows/instances/?slug={CONSENT}"),
            "invalidation_flow": self._first(f"/flows/instances/?slug={SIGN_OUT}"),
            "client_type": "confidential",
            "grant_types": GRANTS,
            "client_id": sign_on.client_id,
            "client_secret": sign_on.client_secret,
            "redirect_uris": [redirect_rule(address) for address in redirects],
            "property_mappings": [*mappings, email],
            "signing_key": self._first("/crypto/certificatekeypairs/?has_key=true"),
        }

    def _make_app_password(self, sign_on: SignOn, *, user: int) -> str:
        identifier = f"{sign_on.realm}-check"
        self._make("/core/tokens/", {"identifier": identifier, "intent": "app_password", "user": user})
        return str(self._talk.json(self._api("GET", f"/core/tokens/{identifier}/view_key/"))["key"])

    def _discovery(self, sign_on: SignOn) -> None:
        # the issuer ends in a slash, which is part of its name
        address = f"{sign_on.issuer}.well-known/openid-configuration"
        found = self._talk.json(self._talk.ask("GET", address))
        if found.get("issuer") != sign_on.issuer:
            raise Unverified(f"authentik: issuer {found.get('issuer')!r} instead of {sign_on.issuer!r}")

    def _user_token(self, sign_on: SignOn) -> None:
        form = {
            "grant_type": "password",
            "client_id": sign_on.client_id,
            "client_secret": sign_on.client_secret,
            "username": sign_on.username,
            "password": self._app_password or "",
            "scope": "openid",
        }
        if "access_token" not in self._talk.json(self._talk.ask("POST", "/application/o/token/", form=form)):
            raise Unverified("authentik: /application/o/token/: no access_token in its answer")

    def _make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._talk.json(self._api("POST", path, body=body, expect=(201,)))

    def _first(self, path: str) -> str:
        """The primary key of the first object that a list has."""
        results = self._talk.json(self._api("GET", path)).get("results") or []
        if not results:
            raise Unverified(f"authentik: {path}: it has none")
        return str(results[0]["pk"])

    def _api(self, method: str, path: str, *, body: object = None, expect: tuple[int, ...] = (200,)) -> Any:
        return self._talk.ask(method, f"{API}{path}", body=body, bearer=self._token, expect=expect)


_SCOPES = ("openid", "profile")


def redirect_rule(address: str) -> dict[str, str]:
    """Where Keycloak has a wildcard at the end of an address, authentik has expressions."""
    if address.endswith("*"):
        return {"matching_mode": "regex", "url": f"{re.escape(address[:-1])}.*"}
    return {"matching_mode": "strict", "url": address}
