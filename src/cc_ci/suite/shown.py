"""Which of the app's secrets its answers and pages showed to the tests of a suite."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from cc_ci.suite.answers import ANSWERS_FILE, MOST_BYTES, AnswerLine, Exchanged, Full, Page
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.system.clearing import clear_away
from cc_ci.system.printable import one_line
from cc_ci.system.reading import Unreadable, read_plain
from cc_ci.system.showing import SecretWatch, Sighting

CREDENTIAL_HEADER = re.compile(r"authori[sz]ation|token|key|secret|session|passw", re.IGNORECASE)
CREDENTIAL_FIELD = re.compile(
    r"(?:pass|pwd|passphrase|token|secret|api_?key|code|otp|assertion|ticket|credential|signature)\w*"
    r"[\"']?\s*[=:]",
    re.IGNORECASE,
)
"""The name of a field in a query, a form or JSON by which one shows who one is."""


SLACK = 1024
"""For the line that says that there was more."""


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` says what could not be looked through."""

    sightings: tuple[Sighting, ...] = ()
    problem: str | None = None


def take_answers(evidence: Path, *, suite: Suite | None, app: AppFacts) -> Looked:
    """Look through what the sandbox wrote down of the app's answers; it goes then, being full of sessions."""
    path = evidence / ANSWERS_FILE
    try:
        lines = _read(path)
    except FileNotFoundError:
        return Looked(problem="its app's answers were not looked through for secrets: they are not there")
    except (Unreadable, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        said = one_line(str(error), most=200)
        return Looked(problem=f"its app's answers were not looked through for secrets: {said}")
    finally:
        clear_away(path)
    full = any(isinstance(line, Full) for line in lines)
    told = f"only the first {MOST_BYTES >> 20} MiB of its app's answers were looked through for secrets"
    return Looked(sightings=tuple(sightings(lines, suite=suite, app=app)), problem=told if full else None)


def _read(path: Path) -> list[AnswerLine]:
    content = read_plain(path, most=MOST_BYTES + SLACK)
    # the last line of a suite that was killed may be half a line
    whole = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    return [msgspec.json.decode(line, type=AnswerLine) for line in whole]


def guarded(suite: Suite | None, app: AppFacts, *, from_users: bool = True) -> dict[str, str]:
    """The app's secrets that nobody is to be shown, or nobody but users who have logged in.

    What suite.toml lets it show, and what the suite itself says in words, is none of them.
    """
    if suite is None:
        return dict(app.secrets)
    spoken = {name for name, text in suite.wiring.secrets.items() if "{client_secret}" not in text}
    may = {name for name, one in suite.shown.items() if one.to == "everyone" or not from_users}
    return {name: value for name, value in app.secrets.items() if name not in spoken | may}


def sightings(lines: Iterable[AnswerLine], *, suite: Suite | None, app: AppFacts) -> Iterator[Sighting]:
    """In answers to requests without credentials, and on pages, of the app's own hosts; once each."""
    everything = SecretWatch(app.secrets)
    strict, lenient = (SecretWatch(guarded(suite, app, from_users=kind)) for kind in (True, False))
    asking = _Asking(everything)
    hosts = {app.domain, *app.further_hosts}
    told: set[tuple[str, str]] = set()
    for line in lines:
        for seen in _of_line(line, asking, strict=strict, lenient=lenient, hosts=hosts):
            if (seen.secret, seen.where) not in told:
                told.add((seen.secret, seen.where))
                yield seen


def _of_line(
    line: AnswerLine, asking: "_Asking", *, strict: SecretWatch, lenient: SecretWatch, hosts: set[str]
) -> Iterator[Sighting]:
    match line:
        case Exchanged():
            known = asking.knows_more(line)
            if not known and _own(line.url, hosts):
                body = asking.new_body(line)
                where = f"{strict.shown(line.url)} ({strict.shown(line.test)})"
                yield from strict.answer(where, headers=line.answered, body=body)
        case Page() if _own(line.url, hosts):
            watch = lenient if line.client in asking.logged_in else strict
            where = f"{watch.shown(f'{line.part} {line.url}')} ({watch.shown(line.test)})"
            yield from watch.text(line.text, where=where)
        case _:
            pass


def _own(url: str, hosts: set[str]) -> bool:
    return _part(url, "hostname") in hosts


def _part(url: str, name: str) -> str:
    try:
        return str(getattr(urlsplit(url), name))
    except ValueError:
        return ""


class _Asking:
    """Who of those who asked has shown who they are, and what was answered to them."""

    def __init__(self, secrets: SecretWatch) -> None:
        self._secrets = secrets
        self._looked_at: set[tuple[str, str]] = set()
        self._given: dict[str, str] = {}
        """By client: the cookies that it got without having logged in."""
        self.logged_in: set[str] = set()

    def knows_more(self, line: Exchanged) -> bool:
        """Whether a request came with credentials, by itself or by what its client did before."""
        if self._shows_credentials(line):
            self.logged_in.add(line.client)
        known = line.client in self.logged_in and bool(_values(line.asked, "cookie"))
        if not known and line.client not in self.logged_in:
            self._given[line.client] = self._given.get(line.client, "") + _values(line.answered, "set-cookie")
        return known or self._shows_credentials(line)

    def new_body(self, line: Exchanged) -> str:
        """Nothing of a body that was there before: pages load the same files again and again."""
        mark = (line.url, line.body)
        if mark in self._looked_at:
            return ""
        self._looked_at.add(mark)
        return line.body

    def _shows_credentials(self, line: Exchanged) -> bool:
        if line.sent is None or any(CREDENTIAL_HEADER.search(name) for name, _ in line.asked):
            return True
        words = f"{_part(line.url, 'query')}\n{line.sent}"
        if CREDENTIAL_FIELD.search(words) or self._secrets.knows(f"{line.url}\n{line.asked}\n{line.sent}"):
            return True
        given = self._given.get(line.client, "")
        return any(one.strip() not in given for one in _values(line.asked, "cookie").split(";"))


def _values(headers: Iterable[tuple[str, str]], name: str) -> str:
    return "; ".join(value for key, value in headers if key.lower() == name)
