import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import Answer, Problem, from_router
from cc_ci.probes.ready import Expectation, NotReady, Readying
from cc_ci.system.clock import ManualClock

DOMAIN = "cust-1a2b3c.ci.test"
ROUTER_404 = Answer(
    url="x",
    status=404,
    headers={"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"},
    body="404 page not found\n",
)
NOBODY = Answer(url="x", problem=Problem(kind="unreachable", detail="connection refused"))
UNTRUSTED = Answer(url="x", problem=Problem(kind="certificate", detail="self-signed certificate"))


def app(status: int, body: str = "") -> Answer:
    return Answer(url="x", status=status, headers={"server": "nginx"}, body=body)


class Script:
    """Answers in order, the last one for ever; each takes 0.1 s of the clock."""

    def __init__(self, clock: ManualClock, *answers: Answer) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.urls: list[str] = []

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        self.urls.append(url)
        self.clock.advance(0.1)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def readying(script: Script, *expectations: Expectation) -> Readying:
    return Readying(
        script,
        domain=DOMAIN,
        expectations=expectations or (Expectation(),),
        clock=script.clock,
        interval=0.2,
        hold=0.5,
    )


def test_ready_is_the_first_good_answer_and_noticed_the_one_that_confirms_it() -> None:
    script = Script(ManualClock(), ROUTER_404, app(503), app(200))
    readiness = readying(script).wait(timeout=30)
    assert readiness.looks == 4
    assert readiness.bad_until == pytest.approx(0.4)
    assert readiness.true_at == pytest.approx(0.7)
    assert readiness.noticed_at == pytest.approx(1.3)
    assert script.clock.slept == [0.2, 0.2, 0.5]


def test_a_good_answer_that_is_not_confirmed_does_not_count() -> None:
    script = Script(ManualClock(), app(200), app(502), app(200))
    readiness = readying(script).wait(timeout=30)
    assert readiness.looks == 4
    assert readiness.bad_until == pytest.approx(0.7)
    assert readiness.true_at == pytest.approx(1.0)


def test_every_expectation_has_to_be_met_at_its_own_host() -> None:
    script = Script(ManualClock(), app(200), app(404), app(200), app(200, "up"), app(200), app(200, "up"))
    wait = readying(
        script, Expectation(), Expectation(path="/health", statuses=(200,), contains="up", host="api.test")
    )
    assert wait.wait(timeout=30).looks == 3
    assert script.urls[:2] == [f"https://{DOMAIN}/", "https://api.test/health"]


def test_a_crash_ends_the_wait_at_once() -> None:
    script = Script(ManualClock(), app(502))
    with pytest.raises(NotReady, match="readiness: app exited 3 times"):
        readying(script).wait(timeout=300, failed=lambda: "app exited 3 times")
    assert script.clock.monotonic() == pytest.approx(0.1)


def test_an_app_that_never_answers_well_failed_and_its_last_answer_is_kept() -> None:
    script = Script(ManualClock(), app(500, "stack trace"))
    with pytest.raises(NotReady, match=r"not there after 5 s; last: x: status 500") as caught:
        readying(script).wait(timeout=5)
    assert caught.value.answers == (app(500, "stack trace"),)
    assert script.clock.monotonic() == pytest.approx(5.1)


def test_a_proxy_that_is_not_there_is_our_fault() -> None:
    with pytest.raises(InfrastructureError, match="proxy: not to be reached for 5 s"):
        readying(Script(ManualClock(), NOBODY)).wait(timeout=5)


def test_a_certificate_that_is_not_trusted_is_the_recipes_fault() -> None:
    with pytest.raises(NotReady, match="certificate: self-signed"):
        readying(Script(ManualClock(), UNTRUSTED)).wait(timeout=5)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 499])
def test_without_a_predicate_any_answer_of_the_app_below_500_will_do(status: int) -> None:
    assert Expectation().unmet(app(status)) is None


def test_a_status_or_a_text_that_is_asked_for_is_required() -> None:
    assert Expectation(statuses=(200, 204)).unmet(app(404)) == "x: status 404 instead of 200 or 204"
    assert Expectation(contains="up").unmet(app(200, "down")) == "x: 'up' is not in the answer"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "404 page not found\n"),
        (502, "Bad Gateway"),
        (503, "no available server\n"),
        (504, "Gateway Timeout"),
    ],
)
def test_the_proxys_own_errors_are_told_from_the_apps(status: int, body: str) -> None:
    bare = {"content-type": "text/plain; charset=utf-8"}
    assert from_router(Answer(url="x", status=status, headers=bare, body=body))
    assert not from_router(Answer(url="x", status=status, headers={**bare, "server": "nginx"}, body=body))
    assert not from_router(Answer(url="x", status=status, headers={"content-type": "text/html"}, body=body))
    assert not from_router(Answer(url="x", status=status, headers=bare, body="no such page"))


def test_a_router_404_is_no_readiness_even_where_404_is_expected() -> None:
    assert "the proxy itself answers 404" in (Expectation(statuses=(404,)).unmet(ROUTER_404) or "")


def test_a_wait_in_vain_tells_the_cause() -> None:
    script = Script(ManualClock(), ROUTER_404)
    wait = Readying(
        script, domain=DOMAIN, clock=script.clock, explain=lambda answer: f"because {answer.status}"
    )
    with pytest.raises(NotReady, match="the proxy itself answers 404: 404 page not found; because 404"):
        wait.wait(timeout=5)
