import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar

import pytest

from cc_ci.errors import DeadlinePassed, InfrastructureError
from cc_ci.probes import ready
from cc_ci.probes.answers import Answer, Problem, from_router
from cc_ci.probes.expectation import Expectation
from cc_ci.probes.predicates import ThroughProxy
from cc_ci.probes.ready import NotReady, Readying, Sight
from cc_ci.system.clock import ManualClock, SystemClock
from cc_ci.system.stopping import StopToken, under

T = TypeVar("T")
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


class Inline(Executor):
    """Takes each look at once, so that a manual clock tells how long all took."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except InfrastructureError as error:
            future.set_exception(error)
        return future


class Sign:
    """A predicate that holds from `since` on, but for the moments `bad`; each look takes 0.1 s."""

    waits_for = "a sign"

    def __init__(self, clock: ManualClock, name: str, *, since: float, bad: tuple[int, ...] = ()) -> None:
        self.clock = clock
        self.name = name
        self.since = since
        self.bad = bad
        self.looks = 0

    def look(self) -> Sight:
        self.looks += 1
        self.clock.advance(0.1)
        holds = self.clock.monotonic() >= self.since and self.looks not in self.bad
        return Sight(unmet=None if holds else f"{self.name} is not there")


def readying(script: Script, *expectations: Expectation) -> Readying:
    predicates = [
        ThroughProxy(name="app", expectation=one, domain=DOMAIN, requester=script)
        for one in expectations or (Expectation(),)
    ]
    return Readying(*predicates, clock=script.clock, interval=0.2, hold=0.5, side_by_side=lambda _: Inline())


def signs(clock: ManualClock, *wanted: Sign) -> Readying:
    return Readying(*wanted, clock=clock, interval=0.2, hold=0.5, side_by_side=lambda _: Inline())


def test_ready_is_the_first_good_answer_and_noticed_the_one_that_confirms_it() -> None:
    script = Script(ManualClock(), ROUTER_404, app(503), app(200))
    readiness = readying(script).wait(timeout=30)
    (held,) = readiness.predicates
    assert held.looks == 4
    assert held.bad_until == pytest.approx(0.4)
    assert held.resolution == pytest.approx(0.3)
    assert readiness.true_at == held.true_at == pytest.approx(0.7)
    assert readiness.noticed_at == pytest.approx(1.3)
    assert script.clock.slept == pytest.approx([0.2, 0.2, 0.5])


def test_a_good_answer_that_is_not_confirmed_does_not_count() -> None:
    script = Script(ManualClock(), app(200), app(502), app(200))
    readiness = readying(script).wait(timeout=30)
    (held,) = readiness.predicates
    assert held.looks == 4
    assert held.bad_until == pytest.approx(0.7)
    assert readiness.true_at == pytest.approx(1.0)


def test_every_expectation_has_to_be_met_at_its_own_host() -> None:
    script = Script(ManualClock(), app(200), app(404), app(200, "up"), app(200), app(200, "up"))
    wait = readying(
        script, Expectation(), Expectation(path="/health", statuses=(200,), contains="up", host="api.test")
    )
    assert [held.looks for held in wait.wait(timeout=30).predicates] == [2, 3]
    assert script.urls[:2] == [f"https://{DOMAIN}/", "https://api.test/health"]


def test_each_predicate_has_its_own_time_and_the_last_one_that_of_all() -> None:
    clock = ManualClock()
    database, api = Sign(clock, "database", since=0.3), Sign(clock, "api", since=2.0)
    readiness = signs(clock, database, api).wait(timeout=30)
    first, second = readiness.predicates
    assert first.true_at is not None
    assert second.true_at is not None
    assert 0.3 <= first.true_at < 0.7
    assert 2.0 <= second.true_at < 2.4
    assert first.resolution == pytest.approx(0.3)
    assert readiness.true_at == second.true_at
    assert readiness.noticed_at == pytest.approx(second.true_at + 0.5 + 0.2)
    assert (first.looks, database.looks) == (3, 3)


def test_one_that_does_not_hold_at_the_end_is_waited_for_anew() -> None:
    clock = ManualClock()
    database, api = Sign(clock, "database", since=0.0, bad=(2,)), Sign(clock, "api", since=1.0)
    readiness = signs(clock, database, api).wait(timeout=30)
    first, second = readiness.predicates
    assert second.true_at is not None
    assert readiness.true_at == first.true_at
    assert readiness.true_at > second.true_at
    assert (database.looks, second.unmet) == (4, None)


def test_a_wait_in_vain_names_the_predicate_that_never_came_true() -> None:
    clock = ManualClock()
    wait = signs(clock, Sign(clock, "database", since=99.0), Sign(clock, "api", since=0.0))
    with pytest.raises(NotReady) as caught:
        wait.wait(timeout=5)
    assert str(caught.value) == "readiness: not there after 5 s; last: database: database is not there"
    assert [held.true_at is None for held in wait.seen] == [True, False]


def test_one_that_hangs_holds_up_no_other() -> None:
    released = threading.Event()

    class Hangs:
        name, waits_for = "api", "an answer"

        def look(self) -> Sight:
            return Sight(unmet=None if released.wait(timeout=30) else "never released")

    class Counts:
        name, waits_for = "database", "a count"
        looks = 0

        def look(self) -> Sight:
            self.looks += 1
            if self.looks == 3:
                released.set()
            return Sight(unmet=None if self.looks > 3 else "too few")

    readiness = Readying(Hangs(), Counts(), clock=SystemClock(), interval=0.001, hold=0.001).wait(timeout=60)
    assert [held.unmet for held in readiness.predicates] == [None, None]


class Hangs:
    """Looks well `looks` times, then hangs until it is released."""

    name, waits_for = "api", "an answer"

    def __init__(self, *, looks: int = 0) -> None:
        self.looks = looks
        self.released = threading.Event()

    def look(self) -> Sight:
        self.looks -= 1
        if self.looks < 0:
            self.released.wait(timeout=60)
        return Sight()


def test_a_look_that_hangs_holds_no_wait_beyond_its_time() -> None:
    hangs = Hangs()
    with pytest.raises(NotReady, match=r"not there after 0.2 s; last: api: no look at it is over yet"):
        Readying(hangs, clock=SystemClock(), interval=0.01, hold=0.01).wait(timeout=0.2)
    hangs.released.set()


def test_a_second_look_that_hangs_does_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "LONGEST_LOOK", 0.2)
    hangs = Hangs(looks=1)
    with pytest.raises(NotReady, match=r"last: api: no look at it was over in 0.2 s"):
        Readying(hangs, clock=SystemClock(), interval=0.01, hold=0.01).wait(timeout=60)
    hangs.released.set()


@pytest.mark.attack(
    what="An app never answers while the run's deadline passes.",
    before="The wait noticed the deadline only when its check was over, if ever.",
    now="The wait ends at the deadline, whatever its checks do.",
    layer="input",
)
def test_a_stop_ends_the_wait_at_once() -> None:
    hangs, token = Hangs(), StopToken()
    with (
        pytest.raises(DeadlinePassed, match="the deadline"),
        under(token),
        token.within(0.2, DeadlinePassed("the deadline")),
    ):
        Readying(hangs, clock=SystemClock(), interval=0.01, hold=0.01).wait(timeout=300)
    hangs.released.set()


def test_a_look_that_cannot_be_taken_is_our_fault_and_ends_the_wait() -> None:
    clock = ManualClock()

    class Blind(Sign):
        def look(self) -> Sight:
            raise InfrastructureError("readiness database: pg_isready is not in the container of service db")

    with pytest.raises(InfrastructureError, match="pg_isready is not in"):
        signs(clock, Blind(clock, "database", since=0.0)).wait(timeout=30)


def test_a_crash_ends_the_wait_at_once() -> None:
    script = Script(ManualClock(), app(502))
    with pytest.raises(NotReady, match="readiness: app exited 3 times"):
        readying(script).wait(timeout=300, failed=lambda: "app exited 3 times")
    assert script.clock.monotonic() == pytest.approx(0.1)


def test_the_engine_is_asked_no_more_often_than_one_predicate_is_looked_at() -> None:
    clock = ManualClock()
    asked: list[float] = []
    wait = signs(clock, *(Sign(clock, name, since=9.0) for name in ("database", "api", "cache")))

    def failed() -> None:
        asked.append(clock.monotonic())

    wait.wait(timeout=30, failed=failed)
    assert min(later - earlier for earlier, later in itertools.pairwise(asked)) > 0.19


@pytest.mark.parametrize("took", [0.5, 5.0, 60.0, 600.0])
def test_looks_that_slacken_are_late_by_no_more_than_their_share_and_far_fewer(took: float) -> None:
    looks = {}
    for slackening in (0.0, 0.02):
        clock = ManualClock()
        sign = Sign(clock, "app", since=took)
        wait = Readying(
            sign,
            clock=clock,
            interval=0.05,
            slackening=slackening,
            hold=0.0,
            side_by_side=lambda _: Inline(),
        )
        true_at = wait.wait(timeout=900).true_at
        looks[slackening] = sign.looks
        # a look itself takes 0.1 s
        assert took <= true_at <= took * (1 + 2 * slackening) + 0.05 + 0.2
    assert looks[0.02] <= looks[0.0]
    if took >= 60:
        assert looks[0.02] < looks[0.0] / 3


def test_an_app_that_never_answers_well_failed_and_its_last_answer_is_kept() -> None:
    script = Script(ManualClock(), app(500, "stack trace"))
    with pytest.raises(NotReady, match=r"not there after 5 s; last: app: x: status 500") as caught:
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
