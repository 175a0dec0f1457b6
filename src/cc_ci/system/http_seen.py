"""An HTTP exchange as people are shown it: the request, the status, the first lines of the answer."""

from collections.abc import Callable

import msgspec

from cc_ci.system.printable import one_line

MOST_LINES = 10
LONGEST = 300
"""Characters of one line."""


class HttpSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request and the first lines of its answer; `problem` says why there is no answer."""

    request: str
    """Method and address."""
    status: int | None = None
    lines: tuple[str, ...] = ()
    problem: str | None = None


def first_lines(body: str) -> tuple[str, ...]:
    """The first lines of a body that have something in them."""
    said = (line.strip() for line in body[: 2 * MOST_LINES * LONGEST].splitlines())
    return tuple(line for line in said if line)[:MOST_LINES]


def fitted(seen: HttpSeen, redact: Callable[[str], str]) -> HttpSeen:
    """What an app or a suite said, made fit for a terminal: without secrets, in lines of a bounded length."""

    def line(text: str) -> str:
        return one_line(redact(text), most=LONGEST)

    return HttpSeen(
        request=line(seen.request),
        status=seen.status if seen.status and 0 < seen.status < 1000 else None,  # noqa: PLR2004 - three digits
        lines=tuple(map(line, seen.lines[:MOST_LINES])),
        problem=seen.problem and line(seen.problem),
    )
