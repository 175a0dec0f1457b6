"""What passes between a run and the sandbox of its suite; light, as both sides import it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.providers.api import SignOn
from cc_ci.system.http_seen import HttpSeen

BROKER_SOCKET = Path("/run/cc-ci/broker.sock")
ORDER_PIPE = Path("/run/cc-ci/order")
SUITE_FOLDER = Path("/suite")
EVIDENCE_FOLDER = Path("/evidence")
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where these are inside the sandbox."""

SuitePart = Literal["app", "sso"]
"""Which of a suite's tests: those in `SSO_TESTS`, or all others."""
SSO_TESTS = "test_sso*.py"

REPORT_FILE = "report.jsonl"
LOG_FILE = "pytest.log"
BROWSER_FOLDER = "browser"

REQUEST_LIMIT = 4096
ANSWER_LIMIT = 512 * 1024
"""Bytes of one line; logs are cut to fit."""


class AppFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run knows of the app under test; give all there is.

    A suite gets the secrets that it declares (by compose name) and the env values that it set.
    """

    domain: str
    stack_name: str
    services: tuple[str, ...] = ()
    secrets: Mapping[str, str] = {}
    env: Mapping[str, str] = {}
    version: str | None = None
    variant: str | None = None
    further_hosts: tuple[str, ...] = ()
    sso: SignOn | None = None
    data_of: str = ""
    """The deployment whose data the app has: what seeds remember goes with the data."""
    address: str | None = None
    """Where its names lead, if not where everybody's do: two apps of one domain are there at once."""


class ToldFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite is told of the app; secrets by name only."""

    domain: str
    url: str
    services: tuple[str, ...]
    secrets: tuple[str, ...]
    env: Mapping[str, str]
    version: str | None
    seeds: str | None
    variant: str | None = None
    sso: SignOn | None = None


class AskFacts(msgspec.Struct, tag="facts", tag_field="verb", forbid_unknown_fields=True):
    """Everything of `ToldFacts`."""


class AskSecret(msgspec.Struct, tag="secret", tag_field="verb", forbid_unknown_fields=True):
    """The value of one secret that suite.toml declares."""

    name: str


class AskLogs(msgspec.Struct, tag="logs", tag_field="verb", forbid_unknown_fields=True):
    """The last lines of one service's log, redacted."""

    service: str
    lines: int = 200


class SayLoaded(msgspec.Struct, tag="loaded", tag_field="verb", forbid_unknown_fields=True):
    """A call that was begun ahead has loaded what it needs, and waits for its order."""


BrokerRequest = AskFacts | AskSecret | AskLogs | SayLoaded
"""The only verbs: no exec and no restart, since a suite tests with the rights of a user of the app."""


class BrokerAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the three, or none: `problem` says why the others are not there."""

    facts: ToldFacts | None = None
    text: str | None = None
    problem: str | None = None


class SeedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a suite's seed module."""

    verb: str
    key: str
    value: str | None = None
    kept: Mapping[str, str] = {}
    """What earlier calls on this app asked the run to remember."""


class SeedAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`failure` blames the app, `problem` the suite."""

    value: str | None = None
    kept: Mapping[str, str] = {}
    failure: str | None = None
    problem: str | None = None
    exchange: HttpSeen | None = None
    """The request by which it failed."""


CallKind = Literal["session", "seeding"]
"""What a call of a suite does: its tests, or one verb of its seed module; the names of two modules inside."""


class CallOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one call is to do: the program's arguments, and what it reads at its stdin."""

    arguments: tuple[str, ...] = ()
    line: str | None = None
