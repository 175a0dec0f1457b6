from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cc_ci.engine.state import Container
from cc_ci.isolation.census import take
from cc_ci.isolation.holder import Holder
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.reaper import NO_LEASE, Reaper
from cc_ci.system.clock import ManualClock
from cc_ci.system.units import EpochSeconds

STACK = "com.docker.stack.namespace"
TRAEFIK = Container(
    id="traefik",
    name="traefik",
    labels={"cc-ci.role": "proxy"},
    created=EpochSeconds(1),
    state="running",
    image="x",
    image_id="x",
)
ELSEWHERE = Holder(boot="b2", namespace=1, pid=7, started=3)


def deploy(node: Any, run: str, stack: str) -> None:
    """What a run makes: its own things carry its label, Swarm's only that of their stack."""
    ours, swarms = {"cc-ci.run": run}, {STACK: stack}
    node.add("secret", f"{stack}_password", ours)
    node.add("network", f"{stack}_proxy", ours)
    node.add("config", f"{stack}_conf", {**ours, **swarms})
    node.add("volume", f"{stack}_content", swarms)
    node.add("service", f"{stack}_app", {**ours, **swarms})
    node.add("container", f"{stack}_app.1.x", swarms)
    node.has("container", TRAEFIK)
    node.uses("traefik", networks=[f"{stack}_proxy"])


def left(node: Any) -> list[str]:
    return [item.name for item in take(node).items]


def test_a_dead_runs_things_go_in_an_order_that_works(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    reaped = Reaper(node, clock=clock).reap()
    assert node.removed == ["web_app", "web_app.1.x", "web_proxy", "web_content", "web_password", "web_conf"]
    assert [item.name for item in reaped.removed] == node.removed
    assert (reaped.failed, left(node)) == ((), ["traefik"])
    assert [(run.run, run.reason) for run in reaped.plan.dead] == [("r1", NO_LEASE)]
    assert ("disconnect_network", "network web_proxy") in node.calls


def test_a_second_time_there_is_nothing_to_do(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    reaper = Reaper(node, clock=clock)
    reaper.reap()
    assert reaper.reap().removed == ()
    assert left(node) == ["traefik"]


def test_a_live_run_is_spared_and_the_reason_told(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    Keeper(node, run="r1", holder=ELSEWHERE).renew()
    reaped = Reaper(node, clock=clock).reap()
    assert reaped.removed == ()
    assert [(run.run, run.reason) for run in reaped.plan.spared] == [
        ("r1", "its lease was renewed 0 s ago, for 90 s")
    ]
    assert Reaper(node, clock=clock).reap(only="r1").removed == ()
    clock.advance(91)
    assert len(Reaper(node, clock=clock).reap().removed) == 6
    assert node.names("config") == []


def test_a_kept_app_goes_only_when_it_is_named(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    Keeper(node, run="r1", holder=ELSEWHERE).leave_kept(ttl=3600)
    assert Reaper(node, clock=clock).reap().removed == ()
    assert len(Reaper(node, clock=clock).reap(only="r1").removed) == 6
    assert left(node) == ["traefik"]


def test_only_the_named_run_is_reaped(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    deploy(node, "r2", "blog")
    Reaper(node, clock=clock).reap(only="r2")
    assert {item.run for item in take(node).items} == {None, "r1"}


def test_what_is_in_use_is_tried_until_it_goes(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    node.refuse = {"web_content": 2, "web_proxy": 1}
    reaped = Reaper(node, clock=clock).reap()
    assert reaped.failed == ()
    assert left(node) == ["traefik"]


def test_what_does_not_go_is_told_and_the_lease_stays_to_say_whose_it_was(
    node: Any, clock: ManualClock
) -> None:
    deploy(node, "r1", "web")
    Keeper(node, run="r1", holder=ELSEWHERE).renew()
    clock.advance(100)
    node.refuse = {"web_content": 1000}
    reaped = Reaper(node, clock=clock, timeout=5).reap()
    assert reaped.failed == ("volume web_content: volume web_content is in use",)
    assert "web_content" not in [item.name for item in reaped.removed]
    assert node.names("config") == ["cc-ci-lease-r1-1"]


def test_the_places_of_dead_runs_proxies_are_emptied_while_they_are_still_theirs(
    node: Any, clock: ManualClock, tmp_path: Path
) -> None:
    deploy(node, "r1", "web_ci_test")
    asked: list[tuple[set[str], list[str]]] = []

    def forget(runs: Collection[str]) -> list[Path]:
        asked.append((set(runs), list(node.removed)))
        return [tmp_path]

    assert Reaper(node, clock=clock, forget_proxies=forget).reap().folders == (tmp_path,)
    assert asked == [({"r1"}, [])]


def test_a_plan_removes_nothing(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    assert len(Reaper(node, clock=clock).plan().items) == 6
    assert node.removed == []


@pytest.mark.attack(
    what="A run's lease can't be read, and the run may live.",
    before="`reap` ended with a traceback.",
    now="The run's things on the node are left and reported, even if `reap` is asked for that run.",
    layer="census",
)
@pytest.mark.parametrize("only", [None, "r1"])
def test_what_belongs_to_a_broken_lease_is_left(node: Any, clock: ManualClock, only: str | None) -> None:
    deploy(node, "r1", "web")
    node.add("config", "cc-ci-lease-r1-1", {"cc-ci.role": "lease", "cc-ci.run": "r1", "cc-ci.lease.ttl": "x"})
    clock.advance(10_000)
    reaped = Reaper(node, clock=clock).reap(only=only)
    assert (reaped.removed, node.removed) == ((), [])
    assert [run.broken for run in reaped.plan.spared] == [True]


@pytest.mark.attack(
    what="Somebody's container joins the network of a run that dies.",
    before="`reap` took the container out of the network.",
    now="The network stays while somebody is in it; only the node's own proxy is taken out.",
    layer="census",
)
def test_nobody_but_the_proxy_is_taken_out_of_a_network(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    node.has("container", msgspec.structs.replace(TRAEFIK, id="theirs", name="theirs", labels={}))
    node.uses("theirs", networks=["web_proxy", "bridge"])
    reaped = Reaper(node, clock=clock).reap()
    assert node.names("network") == ["web_proxy"]
    assert [(one.item.name, one.reason) for one in reaped.plan.doubtful] == [
        ("web_proxy", "container theirs, which is not of that run, uses it")
    ]
    assert reaped.failed == ()


def test_a_dead_runs_anonymous_volume_goes_though_its_container_went_first(
    node: Any, clock: ManualClock
) -> None:
    deploy(node, "r1", "web")
    anonymous = node.add("volume", "0f" * 32)
    node.items["volume"] = {
        name.removeprefix("volume "): msgspec.structs.replace(one, id=one.name)
        for name, one in node.items["volume"].items()
    }
    node.uses("web_app.1.x", volumes=[anonymous.removeprefix("volume ")])
    Reaper(node, clock=clock).reap()
    assert left(node) == ["traefik"]


@pytest.mark.attack(
    what="A config of somebody else carries the role of a lease and the name of a dead run.",
    before="`reap` removed it.",
    now="It is removed only if its name is also a lease's name.",
    layer="census",
)
def test_a_config_that_only_says_that_it_is_a_lease_is_left(node: Any, clock: ManualClock) -> None:
    Keeper(node, run="r1", holder=ELSEWHERE).renew()
    node.add("config", "production-conf", {"cc-ci.role": "lease", "cc-ci.run": "r1"})
    clock.advance(100)
    Reaper(node, clock=clock).reap()
    assert node.names("config") == ["production-conf"]


def test_on_somebody_elses_node_labels_have_to_be_whole(node: Any, clock: ManualClock) -> None:
    deploy(node, "r1", "web")
    reaped = Reaper(node, clock=clock, foreign=True).reap()
    assert reaped.removed == ()
    assert {one.item.name for one in reaped.plan.doubtful} >= {"web_app", "web_content"}
