"""The adapter against a scripted authentik that keeps objects by path, as the real one's API does."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from cc_ci.errors import Unverified
from cc_ci.probes.answers import Answer
from cc_ci.providers.api import SignOn
from cc_ci.providers.authentik import Authentik, redirect_rule
from cc_ci.providers.known import planned, reach
from cc_ci.system.units import Seconds

URL = "https://auth-1.example"
REQUIRED = {
    "providers/oauth2/": {"name", "authorization_flow", "invalidation_flow", "redirect_uris"},
    "core/applications/": {"name", "slug"},
    "core/users/": {"username", "name"},
    "core/tokens/": {"identifier"},
    "propertymappings/provider/scope/": {"name", "scope_name", "expression"},
}
LISTS = ("flows/instances", "propertymappings/provider/scope", "crypto/certificatekeypairs")


class ScriptedAuthentik:
    """Objects that were made, by their path; a password grant takes the app password alone."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.passwords: dict[str, str] = {}
        self.broken: str | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        del timeout
        path = url.removeprefix(URL)
        if path.startswith("/api/v3/"):
            if headers.get("authorization") != "Bearer a-token":
                return Answer(
                    url=url, status=403, body='{"detail":"Authentication credentials were not provided."}'
                )
            return self._api(method, url, path.removeprefix("/api/v3/"), content)
        if path == "/application/o/token/":
            form = dict(parse_qsl(content or ""))
            right = (
                form["password"] == "app-password"
                and form["username"] in self.users()
                and self.allows(form["grant_type"], client=form["client_id"])
            )
            return (
                _json(url, 200, {"access_token": "t"})
                if right
                else _json(url, 400, {"error": "invalid_grant"})
            )
        slug = path.split("/")[3]
        known = f"core/applications/{slug}/" in self.objects
        return (
            _json(url, 200, {"issuer": f"{URL}/application/o/{slug}/"})
            if known
            else Answer(url=url, status=404)
        )

    def users(self) -> set[str]:
        return {one["username"] for path, one in self.objects.items() if path.startswith("core/users/")}

    def allows(self, grant: str, *, client: str) -> bool:
        """As of 2026.5: what a provider does not name, it does not allow."""
        providers = [one for path, one in self.objects.items() if path.startswith("providers/oauth2/")]
        return any(one["client_id"] == client and grant in one.get("grant_types", []) for one in providers)

    def _api(self, method: str, url: str, path: str, content: str | None) -> Answer:
        if self.broken and path.startswith(self.broken):
            return _json(url, 500, {"detail": "broken"})
        if method == "GET" and path.startswith(LISTS):
            return _json(url, 200, {"results": [{"pk": f"pk-of-{path.partition('=')[2]}"}]})
        if method == "GET" and path.endswith("/view_key/"):
            return _json(url, 200, {"key": "app-password"})
        if method == "DELETE":
            return Answer(url=url, status=204 if self.objects.pop(path, None) else 404)
        body = msgspec.json.decode(content or "{}")
        if set_for := re.fullmatch(r"core/users/(\d+)/set_password/", path):
            self.passwords[set_for[1]] = body["password"]
            return Answer(url=url, status=204)
        return self._make(url, path, body)

    def _make(self, url: str, path: str, body: dict[str, Any]) -> Answer:
        if missing := REQUIRED[path] - body.keys():
            return _json(url, 400, {key: ["This field is required."] for key in missing})
        identity = len(self.objects) + 1
        self.objects[f"{path}{body.get('slug') or identity}/"] = body
        return _json(url, 201, {**body, "pk": identity})


def _json(url: str, status: int, body: object) -> Answer:
    return Answer(url=url, status=status, body=msgspec.json.encode(body).decode())


@pytest.fixture
def server() -> ScriptedAuthentik:
    return ScriptedAuthentik()


@pytest.fixture
def authentik(server: ScriptedAuthentik) -> Authentik:
    return Authentik(server, url=URL, token="a-token")


@pytest.fixture
def sign_on() -> SignOn:
    return planned("authentik", domain="auth-1.example", run="notes-1")


def test_a_provider_an_application_and_a_user_are_made(
    server: ScriptedAuthentik, authentik: Authentik, sign_on: SignOn
) -> None:
    authentik.set_up(sign_on, redirects=["https://note-1.example/callback"])
    provider = server.objects["providers/oauth2/2/"]
    assert provider["client_secret"] == sign_on.client_secret
    assert provider["redirect_uris"] == [
        {"matching_mode": "strict", "url": "https://note-1.example/callback"}
    ]
    assert provider["property_mappings"] == [
        "pk-of-goauthentik.io/providers/oauth2/scope-openid",
        "pk-of-goauthentik.io/providers/oauth2/scope-profile",
        1,
    ]
    assert list(server.passwords.values()) == [sign_on.password]
    assert [one.reason for one in authentik.check(sign_on)] == [None, None]


def test_the_member_s_address_counts_as_verified(
    server: ScriptedAuthentik, authentik: Authentik, sign_on: SignOn
) -> None:
    authentik.set_up(sign_on, redirects=[])
    mapping = server.objects["propertymappings/provider/scope/1/"]
    assert mapping["scope_name"] == "email"
    assert '"email_verified": True' in mapping["expression"]


def test_a_provider_that_allows_no_password_grant_is_seen(
    server: ScriptedAuthentik, authentik: Authentik, sign_on: SignOn
) -> None:
    authentik.set_up(sign_on, redirects=[])
    server.objects["providers/oauth2/2/"]["grant_types"] = ["authorization_code"]
    discovery, token = authentik.check(sign_on)
    assert discovery.reason is None
    assert "invalid_grant" in (token.reason or "")


def test_the_issuer_ends_in_a_slash(sign_on: SignOn) -> None:
    assert sign_on.issuer == f"{URL}/application/o/{sign_on.realm}/"


def test_nothing_of_a_run_stays_even_if_it_was_half_made(
    server: ScriptedAuthentik, authentik: Authentik, sign_on: SignOn
) -> None:
    server.broken = "core/users"
    with pytest.raises(Unverified, match=r"^authentik: POST .*/core/users/: 500: "):
        authentik.set_up(sign_on, redirects=[])
    assert server.objects
    authentik.take_down(sign_on)
    assert server.objects == {}


def test_what_is_gone_already_is_no_error(
    server: ScriptedAuthentik, authentik: Authentik, sign_on: SignOn
) -> None:
    authentik.set_up(sign_on, redirects=[])
    server.objects.clear()
    authentik.take_down(sign_on)


def test_a_wildcard_becomes_an_expression() -> None:
    assert redirect_rule("https://a.example/*") == {"matching_mode": "regex", "url": r"https://a\.example/.*"}


def test_another_token_is_refused_in_one_line(server: ScriptedAuthentik, sign_on: SignOn) -> None:
    values = {"admin_token": "wrong"}
    provider = reach("authentik", requester=server, sign_on=sign_on, env={}, values=values)
    with pytest.raises(Unverified, match=r"403: .*credentials were not provided"):
        provider.set_up(sign_on, redirects=[])
