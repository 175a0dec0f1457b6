from typing import Any

import pytest

from cc_ci.isolation.holder import Holder
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.locks import locked, try_lock, unlock
from cc_ci.system.clock import ManualClock
from cc_ci.system.waiting import WaitTimeout

ELSEWHERE = Holder(boot="b2", namespace=1, pid=7, started=3)


def lease(node: Any, run: str) -> None:
    Keeper(node, run=run, holder=ELSEWHERE).renew()


def test_one_run_at_a_time_and_the_other_is_told_whose_turn_it_is(node: Any) -> None:
    lease(node, "r1")
    lease(node, "r2")
    assert try_lock(node, what="proxy", run="r1") is None
    refusal = try_lock(node, what="proxy", run="r2")
    assert refusal == "proxy: in use by run r1, its lease was renewed 0 s ago, for 90 s"
    assert try_lock(node, what="another", run="r2") is None
    unlock(node, what="proxy", run="r2")
    assert try_lock(node, what="proxy", run="r2") is not None
    unlock(node, what="proxy", run="r1")
    unlock(node, what="proxy", run="r1")
    assert try_lock(node, what="proxy", run="r2") is None


def test_a_dead_runs_lock_is_taken_over(node: Any, clock: ManualClock) -> None:
    lease(node, "r1")
    assert try_lock(node, what="proxy", run="r1") is None
    clock.advance(100)
    lease(node, "r2")
    assert try_lock(node, what="proxy", run="r2") is None
    assert node.names("config").count("cc-ci-lock-proxy") == 1


def test_two_that_come_at_once_do_not_both_get_it(node: Any) -> None:
    node.add("config", "cc-ci-lock-proxy")
    assert "already exists" in (try_lock(node, what="proxy", run="r2") or "")


def test_waiting_for_a_turn_ends_at_a_deadline_that_names_the_holder(node: Any, clock: ManualClock) -> None:
    lease(node, "r1")
    with locked(node, what="proxy", run="r1", clock=clock, timeout=5):
        lease(node, "r2")
        with (
            pytest.raises(WaitTimeout, match=r"lock on proxy: not there after 5 s.*in use by run r1"),
            locked(node, what="proxy", run="r2", clock=clock, timeout=5),
        ):
            pass
    with locked(node, what="proxy", run="r2", clock=clock, timeout=5):
        assert "cc-ci-lock-proxy" in node.names("config")
    assert "cc-ci-lock-proxy" not in node.names("config")


@pytest.mark.attack(
    what="A lock is held by a run whose lease can't be read.",
    before="Every run that wanted its turn ended with a traceback.",
    now="The lock lasts as long as a lease that nobody renews, and is then taken over.",
    layer="census",
)
def test_a_lock_behind_a_broken_lease_is_taken_over_in_time(node: Any, clock: ManualClock) -> None:
    node.add("config", "cc-ci-lease-x", {"cc-ci.role": "lease", "cc-ci.run": "r9", "cc-ci.lease.ttl": "many"})
    node.add("config", "cc-ci-lock-proxy", {"cc-ci.role": "lock", "cc-ci.run": "r9"})
    lease(node, "r1")
    assert "can't be read" in (try_lock(node, what="proxy", run="r1") or "")
    clock.advance(91)
    assert try_lock(node, what="proxy", run="r1") is None
    assert "cc-ci-lease-x" in node.names("config")
