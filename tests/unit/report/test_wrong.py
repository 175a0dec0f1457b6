"""Why a run is red, as it is told: the cause first, once."""

import io
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.report.html.run_page import run_page
from cc_ci.report.tables import console, summary
from cc_ci.report.wrong import causes, consequences
from cc_ci.results.places import place_in
from cc_ci.results.schema import Census, RunResult, ServiceSeen, StageResult, WentWrong
from cc_ci.results.store import RunFolder
from cc_ci.results.verdict import judge
from cc_ci.system.http_seen import HttpSeen

WHY = "service app: unhealthy: curl: (7) port 8080 refused (compose.yml:31); so it ended"
WRONG = WentWrong(
    step="install: deploy (install)",
    deployment="install",
    place="compose.yml:31",
    text='test: ["CMD", "curl", "localhost:8080"]',
    services=(
        ServiceSeen(
            service="app",
            state="0/1 running",
            exit_code=137,
            health=("curl: (7) port 8080 refused",),
            lines=("listening on 8081",),
        ),
        ServiceSeen(service="db", state="1/1 running", lines=("ready",)),
    ),
    exchanges=(HttpSeen(request="GET https://app.ci.test/", status=502, lines=("Bad Gateway",)),),
    screenshots=("evidence/install/suite-functional/browser/a b/end.png",),
)


def red(*, wrong: WentWrong | None = WRONG) -> RunResult:
    stages = (
        StageResult(name="install", outcome="failed", reason=WHY, blame="recipe", wrong=wrong, seconds=9.0),
        StageResult(name="backup", outcome="unverified", reason="as install", follows="install"),
        StageResult(name="restore", outcome="unverified", reason="as install", follows="install"),
        StageResult(name="sso", outcome="skipped", reason="no provider is needed"),
        StageResult(name="teardown", outcome="passed"),
    )
    verdict = judge(stages, ())
    return msgspec.structs.replace(
        example(), stages=stages, because=verdict.because, verdict=verdict.word, exit_code=verdict.exit_code,
        census=Census(),
    )  # fmt: skip


def printed(result: RunResult) -> str:
    stream = io.StringIO()
    console(stream).print(summary(result, RunFolder(path=Path("/runs/r"))))
    return stream.getvalue()


def test_the_cause_its_place_and_the_next_command_come_first_and_once() -> None:
    text = printed(red())
    first, at, then = text.splitlines()[:3]
    assert first == f"install failed: {WHY}"
    assert at == '  at    compose.yml:31: test: ["CMD", "curl", "localhost:8080"]'
    assert then == "  next  cc-ci logs cust-0a1b2c app"
    assert text.count("unhealthy:") == 1
    assert text.count("as install") == 1
    assert "backup, restore unverified: as install" in text


@pytest.mark.parametrize(
    "words",
    [
        "GET https://app.ci.test/: status 502",
        "Bad Gateway",
        "app: 0/1 running, exit code 137 (killed: out of memory, or by SIGKILL)",
        "app: its health check said",
        "listening on 8081",
        "db: the last lines of its log",
        "end.png",
    ],
)
def test_what_was_seen_is_shown_with_it_in_the_terminal_and_on_the_page(words: str) -> None:
    assert words in printed(red())
    assert words in run_page(red())


def test_the_page_begins_with_what_went_wrong() -> None:
    page = run_page(red())
    head = page.partition("<nav")[0]
    assert "What went wrong" in head
    assert "unhealthy: curl: (7)" in head
    assert page.count("unhealthy: curl: (7)") == 1
    assert 'href="./evidence/install/suite-functional/browser/a%20b/end.png"' in page


def test_a_green_run_has_no_cause_and_says_what_was_skipped_in_its_verdict() -> None:
    stages = red().stages[3:]
    verdict = judge(stages, ())
    green = msgspec.structs.replace(
        red(), stages=stages, because=verdict.because, verdict="green", exit_code=0
    )
    assert (causes(green), consequences(green)) == ((), ())
    assert "What went wrong" not in run_page(green)
    assert printed(green).count("no provider is needed") == 1


def test_a_run_that_goes_on_is_told_by_the_stages_so_far() -> None:
    going = msgspec.structs.replace(red(), because=(), verdict=None, exit_code=None, state="running")
    assert [cause.what for cause in causes(going)] == ["install failed"]


def test_what_is_of_no_stage_is_a_cause_as_well() -> None:
    leaky = msgspec.structs.replace(
        example(), because=("volume x: left by the run",), verdict="contaminated", exit_code=4
    )
    (cause, *_) = causes(leaky)
    assert (cause.what, cause.why) == ("contaminated", "volume x: left by the run")


def test_a_result_of_before_has_its_place_from_the_reason() -> None:
    (cause, *_) = causes(red(wrong=None))
    assert (cause.place, cause.details) == ("compose.yml:31", ())


@pytest.mark.attack(
    what="A recipe's line and a suite's screenshot bring markup and a URL with a scheme into the report.",
    before="There was no such card.",
    now="All of it is shown as text, and a screenshot's name is only a path.",
    layer="reading",
)
def test_hostile_words_are_words() -> None:
    hostile = "<script>alert(1)</script>"
    wrong = msgspec.structs.replace(WRONG, text=hostile, screenshots=(f"javascript:{hostile}",))
    page = run_page(red(wrong=wrong))
    assert hostile not in page
    assert 'href="javascript:' not in page


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ("compose.yml:12: services.app: no", ("compose.yml", 12)),
        ("suite: seed.py:7: assert", ("seed.py", 7)),
        ("(compose/db.yaml:3)", ("compose/db.yaml", 3)),
        (".env.sample:4: X", (".env.sample", 4)),
        ("https://app.ci.test:8080/", None),
        ("../../etc/x.yml:1", None),
    ],
)
def test_the_place_that_a_message_names(message: str, place: tuple[str, int] | None) -> None:
    assert place_in(message) == place
