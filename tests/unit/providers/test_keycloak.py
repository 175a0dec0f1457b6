"""The adapter against a scripted Keycloak that keeps realms, clients and roles as the real one's API does."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from cc_ci.errors import InfrastructureError, Unverified
from cc_ci.probes.answers import Answer
from cc_ci.providers.api import SignOn
from cc_ci.providers.keycloak import Keycloak
from cc_ci.providers.known import planned, reach
from cc_ci.system.units import Seconds

URL = "https://keyc-1.example"


class ScriptedKeycloak:
    """Answers as Keycloak's admin API does, rights included: an account sees no realm but its own."""

    def __init__(self) -> None:
        self.realms: dict[str, Any] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.down: str | None = None

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
        self.asked.append(f"{method} {path}")
        if self.down:
            return Answer(url=url, status=503, body=self.down)
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        for pattern, answer in self.routes.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return answer(url, content or "", bearer, *found.groups())
        return Answer(url=url, status=404, body="no such path")

    @property
    def routes(self) -> dict[str, Callable[..., Answer]]:
        return {
            r"POST /realms/([^/]+)/protocol/openid-connect/token": self.token,
            r"GET /realms/([^/]+)/\.well-known/openid-configuration": self.discovery,
            r"POST /admin/realms/master/clients": self.make_account,
            r"DELETE /admin/realms/master/clients/(.+)": self.delete_account,
            r"GET /admin/realms/master/clients/(.+)/service-account-user": self.service_user,
            r"GET /admin/realms/master/roles/(.+)": self.role,
            r"POST /admin/realms/master/users/(.+)/role-mappings/realm": self.grant,
            r"POST /admin/realms": self.make_realm,
            r"DELETE /admin/realms/(.+)": self.delete_realm,
        }

    def token(self, url: str, content: str, _bearer: str, realm: str) -> Answer:
        form = dict(parse_qsl(content))
        if realm == "master" and form["grant_type"] == "password":
            right = (form["username"], form["password"]) == ("admin", "a-secret")
            return self._issue(url, "administrator") if right else Answer(url=url, status=401)
        if realm == "master":
            account = self.accounts[form["client_id"]]
            return (
                self._issue(url, account["clientId"])
                if account["secret"] == form["client_secret"]
                else _no(url)
            )
        users = {user["username"]: user["credentials"][0]["value"] for user in self.realms[realm]["users"]}
        right = users.get(form["username"]) == form["password"]
        return self._issue(url, "member") if right else Answer(url=url, status=401, body="invalid_grant")

    def _issue(self, url: str, who: str) -> Answer:
        return Answer(url=url, status=200, body=msgspec.json.encode({"access_token": who}).decode())

    def discovery(self, url: str, _content: str, _bearer: str, realm: str) -> Answer:
        if realm not in self.realms:
            return Answer(url=url, status=404)
        return Answer(url=url, status=200, body=f'{{"issuer":"{URL}/realms/{realm}"}}')

    def make_account(self, url: str, content: str, bearer: str) -> Answer:
        client = msgspec.json.decode(content)
        self.accounts[client["clientId"]] = client
        location = {"location": f"{URL}/admin/realms/master/clients/{client['clientId']}"}
        return Answer(url=url, status=201 if bearer == "administrator" else 403, headers=location)

    def delete_account(self, url: str, _content: str, bearer: str, name: str) -> Answer:
        found = self.accounts.pop(name, None)
        return Answer(url=url, status=403 if bearer != "administrator" else 204 if found else 404)

    def service_user(self, url: str, _content: str, _bearer: str, name: str) -> Answer:
        return Answer(url=url, status=200, body=f'{{"id":"user-of-{name}"}}')

    def role(self, url: str, _content: str, _bearer: str, name: str) -> Answer:
        return Answer(url=url, status=200, body=f'{{"name":"{name}"}}')

    def grant(self, url: str, content: str, bearer: str, user: str) -> Answer:
        self.roles[user] = [role["name"] for role in msgspec.json.decode(content)]
        return Answer(url=url, status=204 if bearer == "administrator" else 403)

    def make_realm(self, url: str, content: str, bearer: str) -> Answer:
        if "create-realm" not in self.roles.get(f"user-of-{bearer}", []):
            return _no(url)
        realm = msgspec.json.decode(content)
        self.realms[realm["realm"]] = {**realm, "owner": bearer}
        return Answer(url=url, status=201)

    def delete_realm(self, url: str, _content: str, bearer: str, name: str) -> Answer:
        if name in self.realms and self.realms[name]["owner"] != bearer:
            return _no(url)
        return Answer(url=url, status=204 if self.realms.pop(name, None) else 404)


def _no(url: str) -> Answer:
    return Answer(url=url, status=403, body="HTTP 403 Forbidden")


@pytest.fixture
def server() -> ScriptedKeycloak:
    return ScriptedKeycloak()


@pytest.fixture
def keycloak(server: ScriptedKeycloak) -> Keycloak:
    return Keycloak(server, url=URL, username="admin", password="a-secret")


@pytest.fixture
def sign_on() -> SignOn:
    return planned("keycloak", domain="keyc-1.example", run="notes-1")


def test_a_realm_a_client_and_a_user_are_made(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    keycloak.set_up(sign_on, redirects=["https://note-1.example/callback"])
    realm = server.realms[sign_on.realm]
    assert realm["clients"][0]["redirectUris"] == ["https://note-1.example/callback"]
    assert realm["clients"][0]["secret"] == sign_on.client_secret
    assert [one.reason for one in keycloak.check(sign_on)] == [None, None]


def test_the_account_may_make_realms_and_nothing_more(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    keycloak.set_up(sign_on, redirects=[])
    assert list(server.roles.values()) == [["create-realm"]]
    assert server.realms[sign_on.realm]["owner"] == f"cc-ci-{sign_on.realm}"


def test_nothing_of_a_run_stays_and_other_realms_do(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    server.realms["another"] = {"owner": "another-run"}
    keycloak.set_up(sign_on, redirects=[])
    keycloak.take_down(sign_on)
    keycloak.take_down(sign_on)
    assert list(server.realms) == ["another"]
    assert server.accounts == {}
    assert not [asked for asked in server.asked if asked == "DELETE /admin/realms/master"]


def test_a_realm_that_is_gone_already_is_no_error(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    keycloak.set_up(sign_on, redirects=[])
    server.realms.clear()
    keycloak.take_down(sign_on)
    assert server.accounts == {}


def test_what_it_refuses_is_told_in_one_line(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    server.down = "starting up"
    with pytest.raises(
        Unverified, match=r"^keycloak: POST https://keyc-1.example/realms/master/.*503: starting up$"
    ):
        keycloak.set_up(sign_on, redirects=[])


def test_a_user_who_gets_no_token_is_seen(
    server: ScriptedKeycloak, keycloak: Keycloak, sign_on: SignOn
) -> None:
    keycloak.set_up(sign_on, redirects=[])
    server.realms[sign_on.realm]["users"] = []
    discovery, token = keycloak.check(sign_on)
    assert discovery.reason is None
    assert "401: invalid_grant" in (token.reason or "")


def test_the_administrator_is_the_recipe_s(server: ScriptedKeycloak, sign_on: SignOn) -> None:
    values = {"admin_password": "a-secret"}
    provider = reach("keycloak", requester=server, sign_on=sign_on, env={}, values=values)
    provider.set_up(sign_on, redirects=[])
    assert sign_on.realm in server.realms
    with pytest.raises(InfrastructureError, match="no secret 'admin_password'"):
        reach("keycloak", requester=server, sign_on=sign_on, env={}, values={})


def test_a_provider_that_is_not_known_is_named() -> None:
    with pytest.raises(InfrastructureError, match="no provider 'okta'; there is keycloak, authentik"):
        planned("okta", domain="okta-1.example", run="notes-1")
