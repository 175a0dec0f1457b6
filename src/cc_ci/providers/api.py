"""What a run gets from a provider of single sign-on, and what a provider must be able to do.

Light: the sandbox of a suite imports it, too.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class SignOn(msgspec.Struct, frozen=True, kw_only=True):
    """One run's own part of a provider: a realm, a client and a user; known before any of it exists."""

    provider: str
    provider_url: str
    issuer: str
    realm: str
    client_id: str
    client_secret: str
    username: str
    password: str
    email: str

    def fill(self, text: str) -> str:
        """`text` with {issuer}, {client_id}, {client_secret}, {provider_url} and {realm} filled in."""
        for name in PLACEHOLDERS:
            text = text.replace(f"{{{name}}}", getattr(self, name))
        return text


PLACEHOLDERS = ("issuer", "client_id", "client_secret", "provider_url", "realm")
"""What the wiring of a suite may ask for; the user's name and password are for its tests alone."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a provider was seen to do; `reason` is None if it did."""

    what: str
    reason: str | None = None


class Provider(Protocol):
    """A provider that is up. Every method raises Unverified, one line, when the provider does not do it."""

    def set_up(self, sign_on: SignOn, *, redirects: Sequence[str]) -> None:
        """Make the realm, the client and the user, by an account that may make realms and nothing more."""
        ...

    def check(self, sign_on: SignOn) -> tuple[Shown, ...]:
        """Discovery names the issuer, and the user gets a token."""
        ...

    def take_down(self, sign_on: SignOn) -> None:
        """Delete the realm and the account; a realm that is gone is no error."""
        ...
