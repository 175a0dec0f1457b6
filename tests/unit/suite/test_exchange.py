"""By which request a test or a seed failed."""

import httpx2
import pytest

from cc_ci.suite.answers import Exchanged, LastAnswer, listen
from cc_ci.suite.inside.exchange import exchange_of
from cc_ci.system.http_seen import HttpSeen, fitted

REQUEST = httpx2.Request("POST", "https://app.ci.test/notes?a")


def caught(call: object) -> Exception:
    try:
        call()  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 - any
        return error
    raise AssertionError


def test_a_status_error_has_request_status_and_the_first_lines() -> None:
    answer = httpx2.Response(409, request=REQUEST, text="\n\nlocked\nby somebody\n" + "x\n" * 50)
    found = exchange_of(caught(answer.raise_for_status), None)
    assert found is not None
    assert (found.request, found.status) == ("POST https://app.ci.test/notes?a", 409)
    assert (found.lines[:2], len(found.lines)) == (("locked", "by somebody"), 10)


def test_a_request_without_an_answer_says_why() -> None:
    refused = httpx2.ConnectError("[Errno 111] Connection refused", request=REQUEST)
    found = exchange_of(refused, None)
    said = "ConnectError: [Errno 111] Connection refused"
    assert found == HttpSeen(request="POST https://app.ci.test/notes?a", problem=said)
    assert exchange_of(httpx2.ConnectError("of no request"), None) is None


def test_an_error_that_came_of_one_is_known_by_it() -> None:
    answer = httpx2.Response(500, request=REQUEST, text="boom")
    error = AssertionError("the note is gone")
    error.__cause__ = caught(answer.raise_for_status)
    found = exchange_of(error, None)
    assert found is not None
    assert (found.status, found.lines) == (500, ("boom",))


def test_an_assertion_has_the_last_answer_and_none_where_nothing_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(_transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        body = httpx2.ByteStream(f"says {request.url.path}".encode())
        return httpx2.Response(418, stream=body)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    answers = LastAnswer()
    listen(answers)
    assert exchange_of(AssertionError(), answers.last) is None
    with httpx2.Client() as client:
        client.get("https://app.ci.test/first")
        client.get("https://app.ci.test/second")
    found = exchange_of(AssertionError(), answers.last)
    assert found == HttpSeen(request="GET https://app.ci.test/second", status=418, lines=("says /second",))


@pytest.mark.attack(
    what="A suite reports a last request with megabytes of text that manipulates a terminal.",
    before="Requests were not reported.",
    now="The report is cut, escaped and redacted before it is kept.",
    layer="sandbox",
)
def test_what_a_suite_says_of_an_exchange_is_bounded_and_steers_no_terminal() -> None:
    said = HttpSeen(
        request="GET \x1b[2J" + "a" * 5000, status=10**9, lines=("\x1b]0;owned\x07",) * 500, problem="tok"
    )
    found = fitted(said, lambda text: text.replace("tok", "***"))
    assert "\x1b" not in str(found)
    assert len(found.request) < 400
    assert (found.status, len(found.lines), found.problem) == (None, 10, "***")


def test_a_line_of_an_older_notebook_has_no_status() -> None:
    line = Exchanged(client="1", test="t", method="GET", url="u", asked=(), sent=None, answered=(), body="b")
    assert line.status == 0
    assert fitted(exchange_of(AssertionError(), line) or HttpSeen(request=""), str).status is None
