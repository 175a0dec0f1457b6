"""What speaks against a dead run's label."""

from collections.abc import Mapping, Sequence

import pytest

from cc_ci.isolation.items import Item, ItemKind
from cc_ci.isolation.ownership import doubt
from cc_ci.system.units import EpochSeconds

RUN = "web-20231114-221320-1a2b"
"""Begun at the manual clock's first second."""
BEGAN = 1_700_000_000.0
LABELS = {
    "cc-ci.run": RUN,
    "cc-ci.recipe": "web",
    "cc-ci.deployment": "install",
    "cc-ci.expires": str(int(BEGAN + 3600)),
}
HOUR = 3600.0


def thing(kind: ItemKind = "volume", *, at: float = BEGAN + 10, **labels: str) -> Item:
    given = {f"cc-ci.{name}": value for name, value in labels.items()}
    return Item(kind=kind, id="t", name="t", labels={**LABELS, **given}, created=EpochSeconds(at), run=RUN)


def container(run: str | None, *, volumes: Sequence[str] = (), networks: Sequence[str] = ()) -> Item:
    return Item(
        kind="container",
        id="c",
        name="c",
        labels={"cc-ci.run": run or ""},
        run=run,
        volumes=tuple(volumes),
        networks=tuple(networks),
    )


def judged(item: Item, *others: Item, foreign: bool = True) -> str | None:
    return doubt(item, among=(item, *others), dead={RUN}, foreign=foreign)


def test_all_that_a_run_makes_is_proved() -> None:
    for kind in ("service", "container", "network", "volume", "secret", "config"):
        assert judged(thing(kind)) is None


@pytest.mark.attack(
    what="A compose file is copied from a dead run's folder, labels and all, and deployed as a real app.",
    before="`reap` took the app and its volumes for the dead run's and removed them.",
    now="A thing that was made after its label's run had ended is left alone and reported.",
    layer="census",
)
@pytest.mark.parametrize("kind", ["service", "network", "volume", "secret", "config"])
def test_what_was_made_after_the_runs_end_was_not_made_by_it(kind: ItemKind) -> None:
    assert "after the end of the run" in (judged(thing(kind, at=BEGAN + 30 * HOUR), foreign=False) or "")


def test_a_kept_apps_container_may_have_been_started_long_after() -> None:
    assert judged(thing("container", at=BEGAN + 20 * HOUR)) is None


def test_what_is_older_than_the_run_was_not_made_by_it() -> None:
    reason = judged(thing(at=BEGAN - 2 * HOUR))
    assert reason == "it is from 2023-11-14 20:13:20 UTC, before the run that its label names"


def test_a_clock_that_is_a_little_off_says_nothing() -> None:
    assert judged(thing(at=BEGAN - HOUR / 2)) is None


@pytest.mark.parametrize("expires", ["", "soon", "-1", "9" * 5000, "٣"])
def test_an_expiry_that_is_none_is_no_trouble(expires: str) -> None:
    assert judged(thing(expires=expires)) is None


@pytest.mark.attack(
    what="Somebody labels a volume of theirs on a shared server with a dead run's name.",
    before="`reap` removed it.",
    now="On a node that is not cc-ci's own, a thing must carry all the labels that a run gives.",
    layer="census",
)
@pytest.mark.parametrize("label", ["recipe", "deployment", "expires"])
def test_on_somebody_elses_node_one_label_is_not_enough(label: str) -> None:
    labels = {name: value for name, value in LABELS.items() if name != f"cc-ci.{label}"}
    bare = Item(kind="volume", id="t", name="t", labels=labels, run=RUN)
    assert f"no cc-ci.{label}" in (judged(bare) or "")
    assert judged(bare, foreign=False) is None


def unlabelled(name: str, labels: Mapping[str, str] = {}) -> Item:
    return Item(kind="volume", id=name, name=name, labels=labels, run=RUN)


def test_without_a_label_only_swarms_own_and_anonymous_things_go_and_on_cc_cis_own_node_alone() -> None:
    swarms = unlabelled("web_data", {"com.docker.stack.namespace": "web"})
    anonymous = unlabelled("0f" * 32)
    for item in (swarms, anonymous):
        assert judged(item, foreign=False) is None
        assert "not cc-ci's own" in (judged(item) or "")
    assert "gave it a name" in (judged(unlabelled("data"), foreign=False) or "")


@pytest.mark.attack(
    what="A volume has a dead run's label, and a live app of somebody else mounts it.",
    before="`reap` tried to remove it again and again, and removed it as soon as the app was down.",
    now="A thing that somebody else uses is left alone and reported with its user.",
    layer="census",
)
def test_what_somebody_else_uses_is_left() -> None:
    volume, network = thing("volume"), thing("network")
    for other in (None, "live"):
        assert "container c" in (judged(volume, container(other, volumes=["t"])) or "")
        assert "container c" in (judged(network, container(other, networks=["t"])) or "")
    assert judged(volume, container(RUN, volumes=["t"])) is None
    proxy = Item(kind="container", id="p", name="p", labels={"cc-ci.role": "proxy"}, networks=("t",))
    assert judged(network, proxy) is None
