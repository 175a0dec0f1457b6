"""A limit that was reached decides what became of the step, and is said first."""

import threading
import time

import pytest

from cc_ci.errors import EndedEarly, InfrastructureError, StageFailed, Unverified
from cc_ci.isolation.exhaustion import LimitHit
from cc_ci.pipeline.exhausted import Reached
from cc_ci.pipeline.plan import Step

DEPLOY = Step(name="deploy", action="deploy", stage="install", chain="install", deployment="install")
UPGRADE = Step(name="up", action="deploy", stage="upgrade", chain="upgrade", deployment="upgrade")
REMOVE = Step(name="undeploy", action="undeploy", stage="install", chain="install", deployment="install")
BOMB = LimitHit(deployment="install", text="service app: too many processes")
OTHERS = LimitHit(deployment="install", text="service app: it could start none", others=True)
PROVIDERS = LimitHit(deployment="keycloak", text="service app: out of memory")


class Scripted:
    """Says in turn what was reached."""

    def __init__(self, *answers: list[LimitHit]) -> None:
        self._answers = list(answers)

    def hits(self) -> list[LimitHit]:
        return self._answers.pop(0) if self._answers else []


def reached(*answers: list[LimitHit]) -> Reached:
    return Reached(Scripted(*answers), ["install", "upgrade"])


def test_a_step_that_passed_fails_for_what_its_app_reached() -> None:
    with (
        pytest.raises(StageFailed, match=r"^service app: too many processes$"),
        reached([BOMB]).within(DEPLOY),
    ):
        pass


def test_the_cause_comes_first_and_what_came_of_it_second() -> None:
    expected = r"^service app: too many processes; so: app: not healthy$"
    with pytest.raises(StageFailed, match=expected), reached([BOMB]).within(DEPLOY):
        raise Unverified("app: not healthy")


def test_a_run_that_was_ended_for_it_has_failed_there() -> None:
    with pytest.raises(StageFailed, match="too many"), reached([BOMB]).within(DEPLOY):
        raise EndedEarly("disk")


def test_what_others_reached_is_no_fault_of_the_recipe() -> None:
    with pytest.raises(InfrastructureError, match="could start none"), reached([OTHERS]).within(DEPLOY):
        raise StageFailed("app: it ended")


def test_a_provider_s_limit_is_told_by_its_name() -> None:
    with (
        pytest.raises(InfrastructureError, match=r"^keycloak: service app"),
        reached([PROVIDERS]).within(DEPLOY),
    ):
        pass


def test_an_error_without_a_limit_stays_what_it_is() -> None:
    with pytest.raises(StageFailed, match=r"^app: it ended$"), reached().within(DEPLOY):
        raise StageFailed("app: it ended")


def test_another_chain_s_limit_is_kept_for_its_own_step() -> None:
    both = reached([BOMB])
    with both.within(UPGRADE):
        pass
    with pytest.raises(StageFailed), both.within(DEPLOY):
        pass


def test_a_removal_looks_before_what_was_counted_is_gone() -> None:
    with pytest.raises(StageFailed, match="too many"), reached([BOMB], []).within(REMOVE):
        pass


class Often:
    """Finds something of one deployment or the other each time that it is asked, and lets others go on."""

    def __init__(self) -> None:
        self.said = 0

    def hits(self) -> list[LimitHit]:
        self.said += 1
        hit = LimitHit(deployment=("install", "upgrade")[self.said % 2], text=f"hit {self.said}")
        time.sleep(0)
        return [hit]


def test_of_steps_side_by_side_none_loses_what_another_looked_up() -> None:
    watch, taken = Often(), list[str]()
    shared = Reached(watch, ["install", "upgrade"])

    def work(step: Step) -> None:
        for _ in range(200):
            taken.extend(hit.text for hit in shared._take(step))

    threads = [threading.Thread(target=work, args=[step]) for step in (DEPLOY, UPGRADE) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for step in (DEPLOY, UPGRADE, DEPLOY):
        taken.extend(hit.text for hit in shared._take(step))
    # the very last may be the other step's
    assert {f"hit {number}" for number in range(1, watch.said)} <= set(taken)
    assert len(taken) == len(set(taken))
