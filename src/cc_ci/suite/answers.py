"""What an app answered the tests of a suite, and what its pages showed, written down inside the sandbox.

The sandbox does not know the app's secrets: the run looks through what it wrote, and then throws it away.
"""

import functools
import itertools
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path

import httpx2
import msgspec

from cc_ci.system.units import Bytes

ANSWERS_FILE = "answers.jsonl"
BODY_LIMIT: Bytes = 256 * 1024
"""Of one body, as it is received, and of one page's text."""
SENT_LIMIT: Bytes = 64 * 1024
MOST_BYTES: Bytes = 16 * 1024 * 1024
"""Of all that is written down; what comes later is not looked through, which is told."""
NO_TEXT = ("image/", "video/", "audio/", "font/")

SaidPairs = tuple[tuple[str, str], ...]


class Exchanged(msgspec.Struct, frozen=True, kw_only=True, tag="exchange", tag_field="line"):
    """A request and its answer; `sent` is None where what was sent can't be said.

    `client` tells who asked: a log-in by one of them says nothing of another.
    """

    client: str
    test: str
    method: str
    url: str
    status: int = 0
    asked: SaidPairs
    sent: str | None
    answered: SaidPairs
    body: str


class Page(msgspec.Struct, frozen=True, kw_only=True, tag="page", tag_field="line"):
    """A page in the browser, as it was at the end of a test; `part` names what of it this is."""

    client: str
    test: str
    url: str
    part: str
    text: str


class Full(msgspec.Struct, frozen=True, kw_only=True, tag="full", tag_field="line"):
    """The last line, where there was more."""


AnswerLine = Exchanged | Page | Full


class Notebook:
    """Writes lines into the file at `path`, up to a limit; `test` says which test goes on."""

    def __init__(self, *, path: Path, test: Callable[[], str]) -> None:
        self._stream = path.open("wb")
        self._room = MOST_BYTES
        self._test = test
        self._numbers = itertools.count(1)
        self.last: Exchanged | None = None
        """What a client of this process was answered last."""

    @property
    def test(self) -> str:
        return self._test()

    def client(self) -> str:
        """A name for one more who asks."""
        return f"client {next(self._numbers)}"

    def write(self, line: AnswerLine) -> None:
        if self._room <= 0:
            return
        content = msgspec.json.encode(line) + b"\n"
        if len(content) > self._room:
            content, self._room = msgspec.json.encode(Full()) + b"\n", 0
        self._room -= len(content)
        self._stream.write(content)
        self._stream.flush()


class LastAnswer:
    """In the place of a `Notebook`, where nothing but the last answer is wanted."""

    test = ""

    def __init__(self) -> None:
        self.last: Exchanged | None = None

    def client(self) -> str:
        return ""

    def write(self, line: AnswerLine) -> None:
        """Nothing: `last` has it."""


class _Heard(httpx2.SyncByteStream):
    """Hands on what it is given, and the beginning of all of it to `tell` once it is closed."""

    def __init__(self, stream: httpx2.SyncByteStream, *, tell: Callable[[bytes], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._heard = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._heard += part[: max(0, BODY_LIMIT - len(self._heard))]
            yield part

    def close(self) -> None:
        self._stream.close()
        self._tell(bytes(self._heard))


def listen(notebook: Notebook | LastAnswer) -> None:
    """Write down what every httpx2 client of this process is answered."""
    send = httpx2.HTTPTransport.handle_request
    clients: MutableMapping[httpx2.HTTPTransport, str] = weakref.WeakKeyDictionary()

    def handle(transport: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        response = send(transport, request)
        if transport not in clients:
            clients[transport] = notebook.client()
        assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101 - as httpx2 itself says
        told = functools.partial(_note, notebook, clients[transport], request, response)
        response.stream = _Heard(response.stream, tell=told)
        return response

    httpx2.HTTPTransport.handle_request = handle  # type: ignore[method-assign, assignment]


def _note(
    notebook: Notebook | LastAnswer,
    client: str,
    request: httpx2.Request,
    response: httpx2.Response,
    body: bytes,
) -> None:
    headers = tuple(response.headers.multi_items())
    notebook.last = Exchanged(
        client=client,
        test=notebook.test,
        method=request.method,
        url=str(request.url),
        status=response.status_code,
        asked=tuple(request.headers.multi_items()),
        sent=_sent(request),
        answered=headers,
        body=readable(response.headers, body),
    )
    notebook.write(notebook.last)


def _sent(request: httpx2.Request) -> str | None:
    try:
        return request.content[:SENT_LIMIT].decode(errors="replace")
    except httpx2.RequestNotRead:
        return None


def readable(headers: httpx2.Headers, body: bytes) -> str:
    """A body as text, unpacked as its headers say; nothing of what is no text."""
    if headers.get("content-type", "").lower().startswith(NO_TEXT):
        return ""
    try:
        return httpx2.Response(200, headers=headers, content=body).text[:BODY_LIMIT]
    except (httpx2.DecodingError, LookupError):
        return body.decode(errors="replace")
