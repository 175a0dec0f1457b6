"""What a router's rule lets through: which hosts it is confined to, and one request that it takes. Pure.

Nothing here runs a recipe's regular expressions: what would take that is answered with "maybe" (None).
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import NamedTuple

import msgspec

from cc_ci.recipes.host_names import at_or_below, host_fault
from cc_ci.recipes.rule import Any, Matcher, RouterRule, Syntax

WAYS_LOOKED_AT = 200
"""A rule of n pairs of alternatives has 2^n ways; the first of them say enough."""
HOSTS = ("Host", "HostHeader", "HostSNI")
HOST_PATTERNS = ("HostRegexp", "HostSNIRegexp")
WILDCARD = re.compile(r"\*\*?\.")
"""`*.a.test` and `**.a.test`, which Traefik takes from 3.7 on."""

GO_ATOM = re.compile(r"\\[.\-/]|\\[dDwWsSbB]|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?[:imsU]+:?)?|[^\\\[]")
"""One piece of a Go expression; other escapes, such as \\Q, are not looked into."""
LITERAL_HEAD = re.compile(r"\^?((?:[A-Za-z0-9/_~-]|\\[.\-/])+)")
WIDE = 256
"""Addresses of a private range that may be a node's own network."""
END = ("$", r"\z")
NEEDS_A_BRACE = re.compile(r"[A-Za-z0-9.-]*\{[A-Za-z][^|]*")
"""To Go a letter makes a brace one of the text: what version 2 calls `{name:expression}` is in no host."""
PLAIN_HOST = re.compile(r"[A-Za-z0-9.-]+")


class RoutedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for; `query` and `headers` are what a rule wants to see."""

    host: str
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def stray_ways(rule: RouterRule, *, domain: str, syntax: Syntax) -> Iterator[Matcher | None]:
    """For each way past the run's domain: the matcher that names another host, None if none names any.

    Empty for a rule whose every request has a host at or below `domain`.
    """
    if isinstance(rule, Matcher):
        if not _confines(rule, domain=domain, syntax=syntax):
            yield rule if rule.name in (*HOSTS, *HOST_PATTERNS) else None
    elif isinstance(rule, Any):
        for part in rule.parts:
            yield from stray_ways(part, domain=domain, syntax=syntax)
    else:
        each = [list(stray_ways(part, domain=domain, syntax=syntax)) for part in rule.parts]
        if all(each):
            yield next((one for ways in each for one in ways if one), None)


def _confines(matcher: Matcher, *, domain: str, syntax: Syntax) -> bool:
    if matcher.negated:
        return False
    if matcher.name in HOSTS:
        return all(at_or_below(WILDCARD.sub("", host, count=1), domain) for host in matcher.values)
    if matcher.name in HOST_PATTERNS:
        ends = _template_ends_at if syntax == "v2" else _pattern_ends_at
        return all(ends(pattern, domain) for pattern in matcher.values)
    return False


def _pattern_ends_at(pattern: str, domain: str) -> bool:
    """Whether all that a Go expression matches ends with the domain; a dot of it may be any character.

    A recipe gets its domain from a variable, so that it can't escape its dots.
    """
    if NEEDS_A_BRACE.fullmatch(pattern):
        return True
    pieces = GO_ATOM.findall(pattern)
    if "".join(pieces) != pattern or pieces[-1:] not in ([END[0]], [END[1]]):
        return False
    tail = pieces[-1 - len(domain) : -1]
    depth = 0
    for piece in pieces:
        depth += piece.startswith("(") - (piece == ")")
        if depth < 0 or (depth == 0 and piece == "|"):
            return False
    return depth == 0 and [piece.removeprefix("\\").lower() for piece in tail] == list(domain.lower())


def _template_ends_at(template: str, domain: str) -> bool:
    """As above for version 2's `{name:expression}.domain`: anchored, and literal outside of the braces.

    What is literal, and no host's name, is asked for by nobody.
    """
    head, brace, tail = template.rpartition("}")
    if not brace:
        return at_or_below(template, domain) or not PLAIN_HOST.fullmatch(template)
    return head.count("{") > head.count("}") and tail.lower().endswith(f".{domain.lower()}")


def named_hosts(rule: RouterRule) -> tuple[str, ...]:
    """The hosts that a rule names in full, in order; what only an expression matches is none of them."""
    return tuple(dict.fromkeys(host.lower() for one in _positive(rule, HOSTS) for host in one.values))


def _positive(rule: RouterRule, names: Sequence[str]) -> Iterator[Matcher]:
    if isinstance(rule, Matcher):
        if rule.name in names and not rule.negated:
            yield rule
    else:
        for part in rule.parts:
            yield from _positive(part, names)


def ways(rule: RouterRule) -> Iterator[tuple[Matcher, ...]]:
    """The ways through a rule: matchers that must hold together. Lazy: there may be very many."""
    if isinstance(rule, Matcher):
        yield (rule,)
    elif isinstance(rule, Any):
        for part in rule.parts:
            yield from ways(part)
    else:
        # product() would make all of a part's ways before the first one is taken
        limited = [tuple(islice(ways(part), WAYS_LOOKED_AT)) for part in rule.parts]
        for chosen in product(*limited):
            yield tuple(matcher for way in chosen for matcher in way)


def requests(rule: RouterRule, *, domain: str, syntax: Syntax) -> tuple[RoutedRequest, ...]:
    """Requests by GET that the rule takes, for hosts at or below `domain`, the plainest first."""
    found = (_request(way, domain=domain, syntax=syntax) for way in islice(ways(rule), WAYS_LOOKED_AT))
    possible = dict.fromkeys(one for one in found if one is not None)
    return tuple(sorted(possible, key=lambda one: _plainness(one, domain)))


def _plainness(request: RoutedRequest, domain: str) -> tuple[bool, int, bool, int]:
    needed = len(request.headers) + len(request.query)
    return (request.host != domain, needed, request.path != "/", len(request.path))


def _request(way: tuple[Matcher, ...], *, domain: str, syntax: Syntax) -> RoutedRequest | None:
    host = _host([one for one in way if one.name in HOSTS], domain=domain)
    path = _path(way)
    wanted = [one for one in way if not one.negated]
    methods = [one for one in wanted if one.name == "Method"]
    if host is None or path is None or not all(_has_get(one) for one in methods):
        return None
    request = RoutedRequest(
        host=host,
        path=path,
        query=tuple(pair for one in wanted if one.name == "Query" for pair in _pairs(one, syntax)),
        headers=tuple((one.values[0], one.values[1]) for one in wanted if one.name in ("Header", "Headers")),
    )
    return request if all(holds(one, request, syntax=syntax) is not False for one in way) else None


def _has_get(method: Matcher) -> bool:
    return "GET" in map(str.upper, method.values)


def _host(named: Sequence[Matcher], *, domain: str) -> str | None:
    """The domain where the rule takes it, else a name below it that it takes."""
    wanted = [_concrete(host) for one in named if not one.negated for host in one.values]
    own = [host for host in wanted if at_or_below(host, domain) and host_fault(host) is None]
    if not wanted:
        return domain
    return domain if domain in own else next(iter(own), None)


def _concrete(host: str) -> str:
    return WILDCARD.sub("www.", host.lower(), count=1)


def _path(way: tuple[Matcher, ...]) -> str | None:
    """A path that starts with all prefixes; what only an expression says is tried with its literal head."""
    wanted = [one for one in way if not one.negated]
    exact = [value for one in wanted if one.name == "Path" for value in one.values[:1]]
    prefixes = [value for one in wanted if one.name == "PathPrefix" for value in one.values[:1]]
    heads = [_literal_head(value) for one in wanted if one.name == "PathRegexp" for value in one.values]
    plain = [_before_template(one) for one in [*exact, *prefixes, *heads] if one]
    chosen = max(plain, key=len, default="/")
    return chosen if chosen.startswith("/") and all(chosen.startswith(one) for one in plain) else None


def _before_template(path: str) -> str:
    return path.partition("{")[0] or "/"


def _literal_head(pattern: str) -> str:
    match = LITERAL_HEAD.match(pattern)
    head = match[1].replace("\\", "") if match else ""
    return head if head.startswith("/") else ""


def _pairs(query: Matcher, syntax: Syntax) -> list[tuple[str, str]]:
    if syntax == "v2":
        return [(key, value) for key, _, value in (text.partition("=") for text in query.values)]
    return [(query.values[0], query.values[1] if len(query.values) > 1 else "")]


def takes(rule: RouterRule, request: RoutedRequest, *, syntax: Syntax) -> bool | None:
    """Whether the rule takes the request; None where only running an expression would tell."""
    if isinstance(rule, Matcher):
        return holds(rule, request, syntax=syntax)
    answers = [takes(part, request, syntax=syntax) for part in rule.parts]
    decides = isinstance(rule, Any)
    if decides in answers:
        return decides
    return None if None in answers else not decides


def holds(matcher: Matcher, request: RoutedRequest, *, syntax: Syntax) -> bool | None:
    answer = _HOLDS[matcher.name](_Seen(matcher.values, request, syntax)) if matcher.name in _HOLDS else None
    return answer if answer is None else answer is not matcher.negated


class _Seen(NamedTuple):
    values: tuple[str, ...]
    request: RoutedRequest
    syntax: Syntax


def _host_holds(seen: _Seen) -> bool | None:
    return any(_same_host(host.lower().rstrip("."), seen.request.host.lower()) for host in seen.values)


def _same_host(written: str, host: str) -> bool:
    if written.startswith("**."):
        return host.endswith(written[2:])
    if written.startswith("*."):
        return "." in host and f"*.{host.partition('.')[2]}" == written
    return written == host


def _path_holds(seen: _Seen) -> bool | None:
    return _templated(seen, lambda written: seen.request.path == written)


def _prefix_holds(seen: _Seen) -> bool | None:
    return _templated(seen, seen.request.path.startswith)


def _templated(seen: _Seen, matches: Callable[[str], bool]) -> bool | None:
    """Version 2's paths may hold expressions in braces."""
    if any(matches(value) for value in seen.values):
        return True
    return None if seen.syntax == "v2" and any("{" in value for value in seen.values) else False


def _query_holds(seen: _Seen) -> bool | None:
    pairs = _pairs(Matcher(name="Query", values=seen.values), seen.syntax)
    return all(pair in seen.request.query for pair in pairs)


def _header_holds(seen: _Seen) -> bool | None:
    name, value = seen.values
    if name.lower() in _SENT_ANYWAY:
        return None
    return any(key.lower() == name.lower() and sent == value for key, sent in seen.request.headers)


def _method_holds(seen: _Seen) -> bool | None:
    return "GET" in map(str.upper, seen.values)


def _client_holds(seen: _Seen) -> bool | None:
    """A request of cc-ci's comes from a node's own address, which only a private range may have in it."""
    ranges = [ipaddress.ip_network(value, strict=False) for value in seen.values]
    if any(one.prefixlen == 0 for one in ranges):
        return True
    wide = any(one.is_private and one.num_addresses >= WIDE for one in ranges)
    return None if wide else False


_SENT_ANYWAY = ("host", "user-agent", "accept", "accept-encoding", "connection")
"""A client sends these by itself, and what is in them is not known here."""
_HOLDS: dict[str, Callable[[_Seen], bool | None]] = {
    **dict.fromkeys(HOSTS, _host_holds),
    "Path": _path_holds,
    "PathPrefix": _prefix_holds,
    "Query": _query_holds,
    **dict.fromkeys(("Header", "Headers"), _header_holds),
    "Method": _method_holds,
    "ClientIP": _client_holds,
}
