"""The request by which a test or a seed failed."""

import contextlib
from collections.abc import Iterator

import httpx2

from cc_ci.suite.answers import Exchanged
from cc_ci.system.http_seen import HttpSeen, first_lines


def exchange_of(error: BaseException | None, last: Exchanged | None) -> HttpSeen | None:
    """That of the error itself, or of one that it came of, else the last; None where nothing was asked."""
    for one in _with_causes(error):
        if isinstance(one, httpx2.HTTPStatusError):
            return _answered(one.response)
        if isinstance(one, httpx2.RequestError):
            with contextlib.suppress(RuntimeError):  # one that belongs to no request says so by this
                return HttpSeen(request=_asked(one.request), problem=f"{type(one).__name__}: {one}")
    if last is None:
        return None
    return HttpSeen(request=f"{last.method} {last.url}", status=last.status, lines=first_lines(last.body))


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _answered(response: httpx2.Response) -> HttpSeen:
    body = ""
    with contextlib.suppress(httpx2.ResponseNotRead, httpx2.DecodingError, LookupError):
        body = response.text
    return HttpSeen(request=_asked(response.request), status=response.status_code, lines=first_lines(body))


def _asked(request: httpx2.Request) -> str:
    return f"{request.method} {request.url}"
