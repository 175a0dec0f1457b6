"""Servers that do what no honest one does: each request ends at its time, with an answer that fits."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from cc_ci.probes.answers import BODY_LIMIT, Answer
from cc_ci.probes.exchange import Transport, exchange

PATIENCE = 1.0
Behave = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def serving(behave: Behave) -> Iterator[int]:
    """A server for one connection; `behave` may go on until it is told that the test is over."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _address = server.accept()
                with connection:
                    behave(connection, over)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        over.set()
    thread.join(5)


def asked(behave: Behave, *, scheme: str = "http") -> Answer:
    transport = Transport(trust=ssl.create_default_context())
    with serving(behave) as port, contextlib.closing(transport):
        started = time.monotonic()
        answer = exchange(transport, "GET", f"{scheme}://127.0.0.1:{port}/", timeout=PATIENCE)
        assert time.monotonic() - started < PATIENCE + 2
    return answer


def dripping(begin: bytes, drop: bytes) -> Behave:
    """A byte or a line before each read would have waited long enough."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(begin)
        while not over.wait(0.05):
            connection.sendall(drop)

    return behave


def flooding(begin: bytes, part: bytes) -> Behave:
    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(begin)
        while not over.is_set():
            connection.sendall(part)

    return behave


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def saying(answer: bytes) -> Behave:
    def behave(connection: socket.socket, _over: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return behave


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        pytest.param(
            dripping(b"", b"H"),
            "timeout",
            marks=pytest.mark.attack(
                what="an app answers one byte now and then, for ever",
                before="each byte began a new time: the run outlived its deadline by ten minutes and more",
                now="the whole answer has one time, after which the connection is closed",
                layer="input",
            ),
        ),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
            "timeout",
            marks=pytest.mark.attack(
                what="an app sends headers without an end, slowly",
                before="each line began a new time",
                now="the whole answer has one time",
                layer="input",
            ),
        ),
        pytest.param(
            flooding(b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 60_000 + b"\r\n"),
            "protocol",
            marks=pytest.mark.attack(
                what="an app sends headers without an end, as fast as it can",
                before="refused at 100 kB, too; kept as a test",
                now="refused at 100 kB",
                layer="input",
            ),
        ),
        pytest.param(
            flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            "timeout",
            marks=pytest.mark.attack(
                what="an app says 100 Continue for ever",
                before="read for ever",
                now="the whole answer has one time",
                layer="input",
            ),
        ),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
            "timeout",
            marks=pytest.mark.attack(
                what="an app drips its body",
                before="each byte began a new time",
                now="the whole answer has one time",
                layer="input",
            ),
        ),
        pytest.param(
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            "timeout",
            marks=pytest.mark.attack(
                what="an app drips a body of chunks that never ends",
                before="each chunk began a new time",
                now="the whole answer has one time",
                layer="input",
            ),
        ),
        pytest.param(
            silent,
            "timeout",
            marks=pytest.mark.attack(
                what="an app takes the connection and says nothing",
                before="given up after its time, too; kept as a test",
                now="given up after its time",
                layer="input",
            ),
        ),
        pytest.param(saying(b"SSH-2.0-x\r\n\r\n"), "protocol"),
        pytest.param(saying(b""), "protocol"),
        pytest.param(saying(b"HTTP/1.1 abc\r\n\r\n"), "protocol"),
    ],
)
def test_an_exchange_ends_at_its_time(behave: Behave, kind: str) -> None:
    answer = asked(behave)
    assert answer.problem is not None
    assert answer.problem.kind == kind
    assert answer.problem.detail.isprintable()


@pytest.mark.attack(
    what="A TLS port lets the handshake drip for ever.",
    before="Each byte restarted the time limit.",
    now="The handshake counts towards the whole answer's time.",
    layer="input",
)
@pytest.mark.parametrize("behave", [silent, dripping(b"\x16\x03\x03\x40\x00", b"\0")])
def test_a_handshake_ends_at_its_time(behave: Behave) -> None:
    answer = asked(behave, scheme="https")
    assert answer.problem is not None
    assert answer.problem.kind == "timeout"


@pytest.mark.attack(
    what="An answer has a body of gigabytes.",
    before="It was already cut at 64 kB of text; the test keeps it so.",
    now="cc-ci receives at most 256 kB.",
    layer="input",
)
def test_of_an_endless_body_the_beginning_is_kept() -> None:
    answer = asked(flooding(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65_536))
    assert (answer.status, answer.body) == (200, "x" * BODY_LIMIT)


@pytest.mark.attack(
    what="A small body unpacks to gigabytes; it is packed once or several times over.",
    before="Each part of it was unpacked in full, to 1,000 times its size, and so was each layer.",
    now="It is unpacked once, and only as far as cc-ci keeps it.",
    layer="input",
)
def test_a_bomb_is_unpacked_no_further_than_is_kept() -> None:
    packed = gzip.compress(b"x" * 20_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    answer = asked(saying(head + packed))
    assert (answer.status, answer.body) == (200, "x" * BODY_LIMIT)
    twice = head.replace(b": gzip", b": gzip, gzip")
    assert "x" * 20 not in asked(saying(twice + packed)).body


@pytest.mark.attack(
    what="A content type's character set is one of Python's own codecs, such as zlib.",
    before="The run ended with an unexpected TypeError, or a bomb was unpacked.",
    now="The body is read as UTF-8, like everything that is not a character set of the web.",
    layer="input",
)
@pytest.mark.parametrize("charset", ["zlib", "idna", "punycode", "rot13", "unicode_escape", "x" * 5000, ""])
def test_a_charset_is_one(charset: str) -> None:
    answer = asked(
        saying(f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset={charset}\r\n\r\n<p>é\n".encode())
    )
    assert answer.body == "<p>é\n"


@pytest.mark.parametrize(
    ("headers", "body", "text"),
    [
        ("Content-Type: text/html; charset=ISO-8859-1", "é".encode("latin-1"), "é"),
        ("Content-Type: text/html; charset=utf-8", b"\xff\xc3\xa9", "\ufffdé"),
        ("Content-Encoding: gzip", gzip.compress(b"packed", mtime=0), "packed"),
        ("Content-Encoding: gzip", b"not packed", "not packed"),
    ],
)
def test_a_body_is_text(headers: str, body: bytes, text: str) -> None:
    assert asked(saying(f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n".encode() + body)).body == text


@pytest.mark.attack(
    what="A label contains a host that no URL can have.",
    before="Each stage ended with the internal error InvalidCodepoint.",
    now="One line reports it as a problem of the answer.",
    layer="input",
)
@pytest.mark.parametrize(
    "host", ["a b.test", "xn--é.test", "a" * 300 + ".test", "..", "[x", "\x1b[2J", "a%00b"]
)
def test_a_host_that_is_none_is_a_problem_of_the_answer(host: str) -> None:
    transport = Transport(trust=ssl.create_default_context(), address="127.0.0.1")
    answer = exchange(transport, "GET", f"https://{host}:1/", timeout=PATIENCE)
    assert answer.problem is not None
    assert answer.problem.detail.isprintable()


def test_an_app_sees_who_asks_and_gets_no_cookie_back() -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket, _over: threading.Event) -> None:
        seen.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b; Domain=test\r\n\r\n")

    assert asked(behave).status == 204
    assert b"user-agent: cc-ci" in seen[0].lower()
    asked(behave)
    assert b"cookie" not in seen[1].lower()
