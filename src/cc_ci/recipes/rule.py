"""Rules of Traefik's routers, in the syntax of its versions 2 and 3, as a tree. Pure.

A rule is an expression of Go: matchers with texts as arguments, `&&`, `||`, `!` and parentheses. `!` is
pushed down to the matchers, so that a tree has only `All`, `Any` and matchers, which may be negated.
"""

import ipaddress
import re
import sys
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

Syntax = Literal["v2", "v3"]
SYNTAXES: tuple[Syntax, ...] = ("v3", "v2")

LONGEST_RULE = 4096
DEEPEST = 40
"""Nested parentheses: no rule in use has five."""
ANY = range(1, LONGEST_RULE)
ONE, TWO, ONE_OR_TWO = range(1, 2), range(2, 3), range(1, 3)

_BOTH = ("ClientIP", "Method", "Host", "HostRegexp", "Path", "PathPrefix", "HostSNI", "HostSNIRegexp", "ALPN")
MATCHERS: dict[Syntax, dict[str, range]] = {
    "v3": {
        **dict.fromkeys((*_BOTH, "PathRegexp"), ONE),
        **dict.fromkeys(("Header", "HeaderRegexp"), TWO),
        **dict.fromkeys(("Query", "QueryRegexp"), ONE_OR_TWO),
    },
    "v2": {
        **dict.fromkeys((*_BOTH, "HostHeader", "Query"), ANY),
        **dict.fromkeys(("Headers", "HeadersRegexp"), TWO),
    },
}
"""Each matcher with how many arguments it takes (pkg/muxer of traefik)."""

TOKEN = re.compile(
    r"""\s*(?:
        (?P<word>[A-Za-z]+) | (?P<raw>`[^`]*`) | (?P<quoted>"(?:[^"\\\n]|\\.)*") | (?P<sign>&&|\|\||[!(),])
    )""",
    re.VERBOSE,
)
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))")
PLAIN_ESCAPES = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))


class Matcher(msgspec.Struct, frozen=True, kw_only=True):
    """Such as Host(`a`), or with `negated` !Host(`a`)."""

    name: str
    values: tuple[str, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{'!' * self.negated}{self.name}({', '.join(f'`{value}`' for value in self.values)})"


class All(msgspec.Struct, frozen=True, kw_only=True):
    parts: tuple["RouterRule", ...]


class Any(msgspec.Struct, frozen=True, kw_only=True):
    parts: tuple["RouterRule", ...]


RouterRule = Matcher | All | Any


class RuleFault(ValueError):  # noqa: N818 - as KeyFault: whoever knows the label makes it an error
    """A rule that Traefik, too, can't read; one line."""


def parse_rule(text: str, *, syntax: Syntax = "v3") -> RouterRule:
    """The tree of a rule. Raises RuleFault."""
    if not text.strip():
        raise RuleFault("it is empty")
    if len(text) > LONGEST_RULE:
        raise RuleFault(f"it has {len(text)} characters, and no rule needs more than {LONGEST_RULE}")
    return _Parser(text, syntax).whole()


class _Parser:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, text: str, syntax: Syntax) -> None:
        self._tokens = list(_tokens(text))
        self._known = {alias: name for name in MATCHERS[syntax] for alias in _spellings(name)}
        self._syntax: Syntax = syntax
        self._at = 0
        self._depth = 0

    def whole(self) -> RouterRule:
        rule = self._either()
        if self._at < len(self._tokens):
            raise RuleFault(f"{self._peek()!r} is not expected there")
        return rule

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._peek()
        if wanted is not None and token != wanted:
            raise RuleFault(f"{wanted!r} is missing" + (f" before {token!r}" if token else " at its end"))
        self._at += 1
        return token

    def _either(self) -> RouterRule:
        return self._row("||", self._both, lambda parts: Any(parts=parts))

    def _both(self) -> RouterRule:
        return self._row("&&", self._single, lambda parts: All(parts=parts))

    def _row(
        self, sign: str, part: Callable[[], RouterRule], made: Callable[[tuple[RouterRule, ...]], RouterRule]
    ) -> RouterRule:
        parts = [part()]
        while self._peek() == sign:
            self._take()
            parts.append(part())
        return made(tuple(parts)) if len(parts) > 1 else parts[0]

    def _single(self) -> RouterRule:
        self._depth += 1
        if self._depth > DEEPEST:
            raise RuleFault(f"it is nested more than {DEEPEST} deep")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> RouterRule:
        if self._peek() == "!":
            self._take()
            return negated(self._single())
        if self._peek() == "(":
            self._take()
            rule = self._either()
            self._take(")")
            return rule
        return self._matcher()

    def _matcher(self) -> RouterRule:
        word = self._take()
        if not word:
            raise RuleFault("a matcher such as Host(`...`) is missing at its end")
        if word not in self._known:
            known = ", ".join(MATCHERS[self._syntax])
            raise RuleFault(f"{word!r} is no matcher of Traefik {self._syntax}; there are {known}")
        self._take("(")
        values = tuple(self._values())
        return self._checked(Matcher(name=self._known[word], values=values))

    def _values(self) -> Iterator[str]:
        while self._peek() != ")":
            token = self._take()
            if not token.startswith(("`", '"')):
                raise RuleFault(f"{token!r} stands where a text in backticks belongs")
            yield _unquoted(token)
            if self._peek() != ")":
                self._take("," if self._peek() else ")")
        self._take(")")

    def _checked(self, matcher: Matcher) -> Matcher:
        if not matcher.values or not all(matcher.values):
            raise RuleFault(f"{matcher}: an argument is empty")
        takes = MATCHERS[self._syntax][matcher.name]
        if (had := len(matcher.values)) not in takes:
            wanted = " or ".join(map(str, takes))
            raise RuleFault(f"{matcher}: has {had} arguments, and Traefik {self._syntax} takes {wanted}")
        for value in matcher.values:
            if fault := _value_fault(matcher.name, value):
                raise RuleFault(f"{matcher}: {value!r} {fault}")
        return matcher


def _value_fault(name: str, value: str) -> str | None:
    """What Traefik refuses as it reads a rule; whether an expression is one of Go's is not known here."""
    if name in ("Path", "PathPrefix") and not value.startswith("/"):
        return "does not start with /"
    if name.startswith("Host") and not value.isascii():
        return "has letters beyond a to z; write such names as xn--..."
    if name == "ClientIP":
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            return "is no address"
    return None


def _spellings(name: str) -> set[str]:
    """Traefik knows each matcher by four spellings (pkg/rules/parser.go)."""
    return {name, name.lower(), name.upper(), name.capitalize()}


def _tokens(text: str) -> Iterator[str]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            hint = "; put texts in backticks" if rest.startswith("'") else ""
            raise RuleFault(f"{rest[:20]!r} can't be read{hint}")
        yield match[match.lastgroup or 0]
        at = match.end()


def _unquoted(token: str) -> str:
    if token.startswith("`"):
        return token[1:-1].replace("\r", "")
    return ESCAPE.sub(_character, token[1:-1])


def _character(match: re.Match[str]) -> str:
    if number := match[1] or match[2] or match[3]:
        if int(number, 16) > sys.maxunicode:
            raise RuleFault(f"{match[0]!r} is no character")
        return chr(int(number, 16))
    if match[4]:
        return chr(int(match[4], 8))
    if match[5] not in PLAIN_ESCAPES:
        raise RuleFault(f"{match[0]!r} is no escape in a text; use backticks")
    return PLAIN_ESCAPES[match[5]]


def negated(rule: RouterRule) -> RouterRule:
    if isinstance(rule, Matcher):
        return msgspec.structs.replace(rule, negated=not rule.negated)
    parts = tuple(map(negated, rule.parts))
    return Any(parts=parts) if isinstance(rule, All) else All(parts=parts)


def matchers(rule: RouterRule) -> Iterator[Matcher]:
    if isinstance(rule, Matcher):
        yield rule
    else:
        for part in rule.parts:
            yield from matchers(part)
