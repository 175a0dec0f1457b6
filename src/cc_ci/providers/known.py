"""The providers that cc-ci knows: what a run's part of each is called, and who works with it."""

import secrets
from collections.abc import Callable, Mapping

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import Requester
from cc_ci.providers.api import Provider, SignOn
from cc_ci.providers.authentik import Authentik
from cc_ci.providers.keycloak import Keycloak


class Administrator(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do everything on a provider that was deployed for the run."""

    username: str
    password: str


class ProviderKind(msgspec.Struct, frozen=True, kw_only=True):
    """`issuer` has {url} and {realm}; `admin_env` and `admin_secret` are names in the provider's recipe."""

    issuer: str
    admin_env: str
    admin_user: str
    admin_secret: str
    reach: Callable[[Requester, str, Administrator], Provider]


def _keycloak(requester: Requester, url: str, administrator: Administrator) -> Provider:
    return Keycloak(requester, url=url, username=administrator.username, password=administrator.password)


def _authentik(requester: Requester, url: str, administrator: Administrator) -> Provider:
    return Authentik(requester, url=url, token=administrator.password)


KINDS: Mapping[str, ProviderKind] = {
    "keycloak": ProviderKind(
        issuer="{url}/realms/{realm}",
        admin_env="ADMIN_USERNAME",
        admin_user="admin",
        admin_secret="admin_password",  # noqa: S106 - a name
        reach=_keycloak,
    ),
    "authentik": ProviderKind(
        issuer="{url}/application/o/{realm}/",
        admin_env="AUTHENTIK_BOOTSTRAP_EMAIL",
        admin_user="akadmin",
        admin_secret="admin_token",  # noqa: S106 - a name
        reach=_authentik,
    ),
}


def kind(name: str) -> ProviderKind:
    """The kind of provider that a suite names; raises InfrastructureError for one that is not known."""
    if name not in KINDS:
        raise InfrastructureError(f"suite.toml: needs: no provider {name!r}; there is {', '.join(KINDS)}")
    return KINDS[name]


def planned(name: str, *, domain: str, run: str) -> SignOn:
    """What a run will have of provider `name` at `domain`; nothing is made by this."""
    url, realm = f"https://{domain}", f"run-{secrets.token_hex(4)}"
    return SignOn(
        provider=name,
        provider_url=url,
        issuer=kind(name).issuer.format(url=url, realm=realm),
        realm=realm,
        client_id="app",
        client_secret=secrets.token_urlsafe(24),
        username="member",
        password=secrets.token_urlsafe(16),
        email=f"member@{run}.example",
    )


def reach(
    name: str, *, requester: Requester, sign_on: SignOn, env: Mapping[str, str], values: Mapping[str, str]
) -> Provider:
    """Work with a provider that is up; `env` and `values` are its app's env and secrets."""
    known = kind(name)
    if known.admin_secret not in values:
        raise InfrastructureError(f"{name}: its recipe has no secret {known.admin_secret!r}")
    administrator = Administrator(
        username=env.get(known.admin_env) or known.admin_user, password=values[known.admin_secret]
    )
    return known.reach(requester, sign_on.provider_url, administrator)
