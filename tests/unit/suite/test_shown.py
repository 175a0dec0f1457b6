"""What of the secrets the tests of a suite were shown, and what they may see since they logged in."""

import itertools
import zlib
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from cc_ci.suite.answers import ANSWERS_FILE, AnswerLine, Exchanged, Full, Notebook, Page, listen, readable
from cc_ci.suite.facts import MayShow, Suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.suite.shown import sightings, take_answers

VALUE = "kR8vWq2LmZ0xT5yB"
APP = AppFacts(
    domain="app.ci.test",
    stack_name="app_ci_test",
    secrets={"token": VALUE},
    further_hosts=("www.app.ci.test",),
)
SUITE = Suite(recipe="app", folder=Path("/suite"), hash="0")


def exchanged(**given: Any) -> Exchanged:
    line = {
        "client": "client 1", "test": "test_a.py::test_it", "method": "GET", "url": "https://app.ci.test/x",
        "asked": (), "sent": "", "answered": (), "body": f"say {VALUE}",
    }  # fmt: skip
    return Exchanged(**{**line, **given})


def page(**given: Any) -> Page:
    line = {
        "client": "client 1", "test": "test_a.py::test_it", "url": "https://app.ci.test/x",
        "part": "the page", "text": VALUE,
    }  # fmt: skip
    return Page(**{**line, **given})


def told(*lines: AnswerLine, suite: Suite = SUITE) -> list[str]:
    return [str(one) for one in sightings(lines, suite=suite, app=APP)]


IN_ANSWER = "https://app.ci.test/x (test_a.py::test_it), in line 1, shows the secret token"
ON_PAGE = "the page https://app.ci.test/x (test_a.py::test_it), in line 1, shows the secret token"


@pytest.mark.attack(
    what="A recipe shows a secret at an address that only its suite requests.",
    before="The tests were green, and nobody noticed.",
    now="The run fails with the address, the test and the secret's name.",
    layer="input",
)
def test_a_secret_in_an_answer_that_nobody_had_to_log_in_for_is_told_once() -> None:
    assert told(exchanged(), exchanged(test="test_a.py::test_another")) == [IN_ANSWER]
    assert told(exchanged(url="https://www.app.ci.test/x")) != []
    assert told(exchanged(answered=(("X-Debug", VALUE),), body="")) != []
    assert told(exchanged(method="POST", sent='{"query": "all"}')) == [IN_ANSWER]


@pytest.mark.parametrize(
    "given",
    [
        {"asked": (("Authorization", "Bearer x"),)},
        {"asked": (("X-Api-Key", "x"),)},
        {"asked": (("Cookie", "session=made-by-the-suite"),)},
        {"url": "https://app.ci.test/x?access_token=x"},
        {"url": f"https://app.ci.test/hooks/{VALUE}"},
        {"method": "POST", "sent": "user=a&password=b"},
        {"method": "POST", "sent": '{"email": "a", "password": "b"}'},
        {"sent": None},
        {"url": "https://keycloak.ci.test/x"},
        {"url": "https://[app.ci.test/x"},
    ],
    ids=str,
)
def test_who_shows_who_she_is_may_see_it(given: dict[str, Any]) -> None:
    assert told(exchanged(**given)) == []


def test_a_cookie_is_a_log_in_only_after_one() -> None:
    first = exchanged(answered=(("set-cookie", "sid=1; Path=/"),), body="")
    again = exchanged(asked=(("cookie", "sid=1"),))
    log_in = exchanged(method="POST", sent="password=b", answered=(("set-cookie", "sid=2"),), body="")
    inside = exchanged(asked=(("cookie", "sid=2"),))
    assert told(first, again) == [IN_ANSWER]
    assert told(first, log_in, inside) == []
    assert told(first, log_in, exchanged(client="client 2")) == [IN_ANSWER]


def test_a_page_shows_nothing_even_after_a_log_in_unless_the_suite_says_why() -> None:
    log_in = exchanged(method="POST", sent="password=b", body="")
    because = MayShow(to="users", because="an administrator copies it")
    allowed = msgspec.structs.replace(SUITE, shown={"token": because})
    assert told(log_in, page()) == [ON_PAGE]
    assert told(log_in, page(), suite=allowed) == []
    assert told(page(), suite=allowed) == [ON_PAGE]
    assert told(exchanged(), suite=allowed) == [IN_ANSWER]


def test_what_a_suite_says_in_words_is_no_secret_and_a_client_secret_is() -> None:
    for text, shown in (("{issuer}", False), ("{client_secret}", True)):
        wiring = msgspec.structs.replace(SUITE.wiring, secrets={"token": text})
        assert bool(told(exchanged(), suite=msgspec.structs.replace(SUITE, wiring=wiring))) is shown


def test_a_notebook_is_read_back_and_is_gone_then(tmp_path: Path) -> None:
    notebook = Notebook(path=tmp_path / ANSWERS_FILE, test=lambda: "t")
    notebook.write(exchanged())
    (seen,) = take_answers(tmp_path, suite=SUITE, app=APP).sightings
    assert str(seen) == IN_ANSWER
    assert list(tmp_path.iterdir()) == []


def test_what_there_is_no_room_for_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cc_ci.suite.answers.MOST_BYTES", 500)
    notebook = Notebook(path=tmp_path / ANSWERS_FILE, test=lambda: "t")
    for _ in range(9):
        notebook.write(exchanged())
    kept = [
        msgspec.json.decode(line, type=AnswerLine)
        for line in (tmp_path / ANSWERS_FILE).read_bytes().splitlines()
    ]
    assert isinstance(kept[-1], Full)
    assert len(kept) < 4
    assert "only the first" in (take_answers(tmp_path, suite=SUITE, app=APP).problem or "")


@pytest.mark.attack(
    what="A suite removes or replaces the record of its app's answers.",
    before="No answer of an app was searched for secrets.",
    now="A link is not followed, and the run says that nothing was searched.",
    layer="sandbox",
)
@pytest.mark.parametrize("content", [None, "link", b"{}\n", b"\xff\n", b"[" * 9999 + b"\n"])
def test_answers_that_can_t_be_read_are_told(tmp_path: Path, content: bytes | str | None) -> None:
    file = tmp_path / ANSWERS_FILE
    if content == "link":
        file.symlink_to("/etc/passwd")
    elif isinstance(content, bytes):
        file.write_bytes(content)
    looked = take_answers(tmp_path, suite=SUITE, app=APP)
    assert "answers were not looked through for secrets: " in (looked.problem or "")
    assert looked.sightings == ()
    assert not file.is_symlink()


def test_all_clients_of_the_tests_are_heard_and_get_what_they_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = itertools.repeat(b"x" * 1000, 300)

    class Body(httpx2.SyncByteStream):
        def __iter__(self) -> Any:
            yield from parts

    def answer(_transport: httpx2.HTTPTransport, _request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")], stream=Body())

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    listen(Notebook(path=tmp_path / "notes", test=lambda: "test_it"))
    with httpx2.Client() as one, httpx2.Client() as other:
        assert len(one.post("https://app.ci.test/p", content="sent").content) == 300_000
        other.get("https://app.ci.test/g")
    first, second = (
        msgspec.json.decode(line, type=AnswerLine) for line in (tmp_path / "notes").read_bytes().splitlines()
    )
    assert isinstance(first, Exchanged)
    assert isinstance(second, Exchanged)
    assert (first.method, first.sent, first.test, len(first.body)) == ("POST", "sent", "test_it", 262_144)
    assert first.answered == (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert first.client != second.client


def test_a_body_is_unpacked_and_a_picture_left_out() -> None:
    packed = zlib.compress(b"hello")
    assert readable(httpx2.Headers({"content-encoding": "deflate"}), packed) == "hello"
    assert "hello" not in readable(httpx2.Headers({"content-encoding": "gzip"}), b"none of it")
    assert readable(httpx2.Headers({"content-type": "image/png"}), b"hello") == ""
