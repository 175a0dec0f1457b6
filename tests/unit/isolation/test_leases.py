from typing import Any

import msgspec
import pytest

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.isolation.holder import Holder, this_process
from cc_ci.isolation.leases import Keeper, Lease, judge, lease_name, leases, liveness
from cc_ci.system.clock import ManualClock
from cc_ci.testkit.leases import leased

ELSEWHERE = Holder(boot="b2", namespace=1, pid=7, started=3)
HERE = this_process()
RUN = "custom-html-20260131-120000-1a2b"


def lease(*, age: float, holder: Holder | None = ELSEWHERE) -> Lease:
    return Lease(
        config="c1", name="n", run="r1", age=age, ttl=90.0, command="cc-ci run x", kept=False, holder=holder
    )


def keeper(node: object, *, run: str = RUN, holder: Holder = HERE) -> Keeper:
    return Keeper(node, run=run, holder=holder, command="cc-ci run custom-html")


def test_out_of_sight_the_age_decides() -> None:
    assert judge(lease(age=89), HERE).live
    judged = judge(lease(age=91), HERE)
    assert not judged.live
    assert judged.reason == "its lease was renewed 91 s ago, for 90 s"
    assert not judge(lease(age=91, holder=None), HERE).live


def test_near_by_the_process_decides_whatever_the_age() -> None:
    assert judge(lease(age=10_000, holder=HERE), HERE).live
    gone = msgspec.structs.replace(HERE, started=HERE.started + 1)
    judged = judge(lease(age=1, holder=gone), HERE)
    assert not judged.live
    assert judged.reason == f"its process {HERE.pid} is gone"


def test_a_lease_is_taken_renewed_and_given_back(node: Any, clock: ManualClock) -> None:
    kept = keeper(node)
    kept.take()
    (first,) = leases(node)
    assert (first.run, first.holder, first.command, first.age) == (RUN, HERE, "cc-ci run custom-html", 0)
    clock.advance(20)
    kept.renew()
    (second,) = leases(node)
    assert second.age == 0
    assert (first.name, second.name) == (f"cc-ci-lease-{RUN}-1", f"cc-ci-lease-{RUN}-2")
    kept.give_back()
    kept.give_back()
    assert leases(node) == ()


def test_a_renewal_makes_the_next_before_it_removes_the_last(node: Any) -> None:
    kept = keeper(node)
    kept.renew()
    node.refuse[lease_name(RUN, 1)] = 1
    with pytest.raises(InfrastructureError, match="in use"):
        kept.renew()
    assert len(leases(node)) == 2
    kept.give_back()
    assert leases(node) == ()


def test_a_runs_name_is_used_once(node: Any) -> None:
    with leased(keeper(node)), pytest.raises(UsageError, match="has a lease already"):
        keeper(node).take()
    assert leases(node) == ()


def test_of_two_leases_the_live_one_counts(node: Any, clock: ManualClock) -> None:
    keeper(node, holder=ELSEWHERE).renew()
    clock.advance(100)
    assert not liveness(node)[RUN].live
    node.create_config("later", content=b"x", labels=node.configs()[0].labels)
    assert liveness(node)[RUN].live


def test_a_kept_app_outlives_its_process_for_a_time(node: Any, clock: ManualClock) -> None:
    kept = keeper(node)
    with leased(kept):
        kept.leave_kept(ttl=3600)
    clock.advance(3500)
    judged = liveness(node)[RUN]
    assert (judged.live, judged.kept) == (True, True)
    assert judged.reason == "it was kept 3500 s ago, for 3600 s"
    clock.advance(200)
    assert not liveness(node)[RUN].live


def test_a_name_that_would_be_too_long_keeps_its_end() -> None:
    name = lease_name("x" * 60 + "-20260131-120000-1a2b", 1234)
    assert len(name) == 64
    assert name.endswith("-20260131-120000-1a2b-1234")


def broken(node: Any, labels: dict[str, str], *, name: str = "cc-ci-lease-x") -> None:
    node.add("config", name, {"cc-ci.role": "lease", **labels})


@pytest.mark.attack(
    what="A lease's labels have a time that is not a number, no run, or a megabyte of text.",
    before="Every run on the node and every `reap` ended with a traceback.",
    now="The lease is reported and left alone, with its run's things; all other runs continue.",
    layer="census",
)
@pytest.mark.parametrize(
    "ttl", ["many", "", "-5", "0", "nan", "inf", "1e9", "9" * 5000, "99999999", "٣", "9\n", "x" * 1_000_000]
)
def test_a_lease_that_can_t_be_read_is_somebodys_and_no_error_of_others(node: Any, ttl: str) -> None:
    broken(node, {"cc-ci.run": "r9", "cc-ci.lease.ttl": ttl})
    with leased(keeper(node)):
        seen = liveness(node)
    assert seen[RUN].live
    assert seen["r9"].broken
    assert "its lease can't be read (cc-ci.lease.ttl: " in seen["r9"].reason
    assert "`docker config rm cc-ci-lease-x` ends it" in seen["r9"].reason
    assert len(seen["r9"].reason) < 300
    assert node.names("config") == ["cc-ci-lease-x"]


@pytest.mark.parametrize(
    "run", [{}, {"cc-ci.run": ""}, {"cc-ci.run": "../.."}, {"cc-ci.run": "x" * 1_000_000}]
)
def test_a_lease_of_no_run_goes_by_its_own_name(node: Any, run: dict[str, str]) -> None:
    broken(node, run)
    (judged,) = liveness(node).values()
    assert (judged.run, judged.broken) == ("cc-ci-lease-x", True)
    assert "its label cc-ci.run is missing or no run's name" in judged.reason


@pytest.mark.parametrize("field", ["pid", "started", "namespace"])
@pytest.mark.parametrize("value", ["", "-1", "many", "9" * 300, "9" * 5000, "1.5"])
def test_a_holder_that_can_t_be_read_is_out_of_sight(node: Any, field: str, value: str) -> None:
    labels = {**HERE.labels, f"cc-ci.holder.{field}": value, "cc-ci.run": "r9"}
    broken(node, labels)
    (lease_,) = leases(node)
    assert lease_.holder is None
    assert liveness(node)["r9"].reason == "its lease was renewed 0 s ago, for 90 s"


def test_a_whole_lease_counts_more_than_a_broken_one_of_the_same_run(node: Any) -> None:
    for name in ("a", "z"):
        broken(node, {"cc-ci.run": RUN, "cc-ci.lease.ttl": "many"}, name=name)
        keeper(node).renew()
        assert not liveness(node)[RUN].broken
        node.items["config"].clear()


@pytest.mark.attack(
    what="A config of somebody else carries the role of a lease and the name of a live run.",
    before="When the run ended, it removed the config like a lease of its own.",
    now="A run removes only the leases that it took, by their names.",
    layer="census",
)
def test_a_run_gives_back_no_lease_that_it_did_not_take(node: Any) -> None:
    kept = keeper(node)
    with leased(kept):
        broken(node, {"cc-ci.run": RUN}, name="production-conf")
    assert node.names("config") == ["production-conf"]


def test_a_run_knows_who_else_used_the_node(node: Any, clock: ManualClock) -> None:
    keeper(node, run="dead", holder=ELSEWHERE).renew()
    clock.advance(100)
    mine = keeper(node)
    with leased(mine):
        assert mine.neighbours() == frozenset()
        with leased(keeper(node, run="other")):
            assert mine.neighbours() == {"other"}
        assert mine.neighbours() == {"other"}
