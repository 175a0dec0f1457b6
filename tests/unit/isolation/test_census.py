from collections.abc import Mapping
from typing import Any

from cc_ci.isolation.census import NodeCensus, diff, lasting_difference, line, take
from cc_ci.isolation.items import Item, ItemKind, attributed
from cc_ci.results.schema import Leak
from cc_ci.system.clock import ManualClock

STACK = "com.docker.stack.namespace"


def census(*items: Item) -> NodeCensus:
    return NodeCensus(items=attributed(items))


def item(kind: ItemKind, name: str, labels: Mapping[str, str] = {}) -> Item:
    return Item(kind=kind, id=f"id-{name}", name=name, labels=labels)


TRAEFIK = item("service", "traefik_app")
OURS = item("service", "web_app", {"cc-ci.run": "r1", STACK: "web"})
OUR_VOLUME = item("volume", "web_content", {STACK: "web"})
THEIRS = item("service", "blog_app", {"cc-ci.run": "r2", STACK: "blog"})
THEIR_VOLUME = item("volume", "blog_content", {STACK: "blog"})


def test_a_stacks_things_belong_to_the_run_that_its_services_name() -> None:
    seen = census(TRAEFIK, OURS, OUR_VOLUME, THEIR_VOLUME)
    assert [thing.run for thing in seen.items] == [None, "r1", "r1", None]
    assert seen.runs() == ("r1",)


def test_the_same_before_and_after_is_no_leak() -> None:
    assert diff(census(TRAEFIK), census(TRAEFIK), run="r1") == ()


def test_what_stays_and_what_is_gone_are_diff() -> None:
    before = census(TRAEFIK, item("secret", "traefik_key"))
    after = census(TRAEFIK, OURS, OUR_VOLUME, item("network", "loose"))
    found = diff(before, after, run="r1")
    assert found == (
        Leak(kind="network", name="loose"),
        Leak(kind="service", name="web_app"),
        Leak(kind="volume", name="web_content"),
        Leak(kind="secret", name="traefik_key", change="lost"),
    )
    assert line(found[0]) == "network loose: left behind"
    assert line(found[-1]) == "secret traefik_key: gone, though no run had made it"


def test_what_other_runs_make_and_remove_is_not_ours() -> None:
    third = item("config", "c", {"cc-ci.run": "r3"})
    assert diff(census(TRAEFIK, third), census(TRAEFIK, THEIRS, THEIR_VOLUME), run="r1") == ()


def test_a_service_of_the_nodes_own_may_replace_its_container() -> None:
    service = {"com.docker.swarm.service.name": "traefik_app"}
    before = census(TRAEFIK, item("container", "traefik_app.1.a", service))
    after = census(TRAEFIK, item("container", "traefik_app.1.b", service))
    assert diff(before, after, run="r1") == ()
    assert len(diff(before, census(item("container", "traefik_app.1.b", service)), run="r1")) == 3


def test_names_are_told_by_kind() -> None:
    names = census(OURS, TRAEFIK, OUR_VOLUME).names()
    assert names["service"] == ("traefik_app", "web_app")
    assert names["volume"] == ("web_content",)
    assert names["secret"] == ()


class Lagging(ManualClock):
    """Once somebody has waited twice, the network is gone."""

    def __init__(self, node: Any, network: str) -> None:
        super().__init__()
        self.node = node
        self.network = network

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 2:
            self.node.remove_network(self.network)


def test_what_goes_a_little_later_is_no_leak(node: Any) -> None:
    before = take(node)
    clock = Lagging(node, node.add("network", "web_proxy", {"cc-ci.run": "r1"}))
    found, after = lasting_difference(node, before, run="r1", clock=clock, timeout=10)
    assert (found.leaks, after.names()["network"]) == ((), ())
    assert len(clock.slept) == 2


def test_what_does_not_go_is_a_leak_in_the_end(node: Any, clock: ManualClock) -> None:
    before = take(node)
    node.add("network", "web_proxy", {"cc-ci.run": "r1"})
    found, after = lasting_difference(node, before, run="r1", clock=clock, timeout=10)
    assert found.leaks == (Leak(kind="network", name="web_proxy"),)
    assert after.names()["network"] == ("web_proxy",)
    assert sum(clock.slept) == 10
