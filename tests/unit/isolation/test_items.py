"""Whose a thing is that carries no label, and where that can't be told."""

from collections.abc import Mapping, Sequence

import pytest

from cc_ci.isolation.census import NodeCensus, compare
from cc_ci.isolation.items import Item, ItemKind, attributed, run_of
from cc_ci.results.schema import Leak

STACK = "com.docker.stack.namespace"
ANONYMOUS = "0f" * 32


def thing(kind: ItemKind, name: str, run: str | None = None, *, stack: str | None = None) -> Item:
    labels = {**({"cc-ci.run": run} if run else {}), **({STACK: stack} if stack else {})}
    return Item(kind=kind, id=f"id-{name}", name=name, labels=labels)


def container(
    name: str,
    run: str | None = None,
    *,
    volumes: Sequence[str] = (),
    networks: Sequence[str] = (),
    labels: Mapping[str, str] = {},
) -> Item:
    own = {"cc-ci.run": run} if run else {}
    return Item(
        kind="container",
        id=name,
        name=name,
        labels={**own, **labels},
        volumes=tuple(volumes),
        networks=tuple(networks),
    )


def owner(name: str, *items: Item, mounted: Mapping[str, str] = {}) -> str | None:
    return next(item.run for item in attributed(items, mounted=mounted) if item.name == name)


VOLUME = thing("volume", ANONYMOUS)


def test_an_anonymous_volume_is_of_the_run_whose_container_mounts_it() -> None:
    assert owner(ANONYMOUS, VOLUME, container("web_app.1", "a", volumes=[ANONYMOUS])) == "a"
    assert owner(ANONYMOUS, VOLUME, container("web_app.1", "a")) is None


def test_one_that_two_share_or_that_somebody_else_has_too_is_nobodys() -> None:
    ours, theirs = (container(f"c{run}", run, volumes=[ANONYMOUS]) for run in ("a", "b"))
    assert owner(ANONYMOUS, VOLUME, ours, theirs) is None
    stranger = container("postgres", volumes=[ANONYMOUS])
    assert owner(ANONYMOUS, VOLUME, ours, stranger) is None
    assert owner(ANONYMOUS, VOLUME, stranger) is None


def test_what_was_seen_mounted_is_remembered_unless_somebody_else_has_it_now() -> None:
    mounted = {ANONYMOUS: "a"}
    assert owner(ANONYMOUS, VOLUME, mounted=mounted) == "a"
    stranger = container("postgres", volumes=[ANONYMOUS])
    assert owner(ANONYMOUS, VOLUME, stranger, mounted=mounted) is None


def test_a_label_says_more_than_a_mount() -> None:
    labelled = thing("volume", "shared", "a")
    assert owner("shared", labelled, container("c", "b", volumes=["shared"])) == "a"


def test_an_unlabelled_container_is_of_the_run_in_whose_networks_alone_it_is() -> None:
    network, other = thing("network", "web_proxy", "a"), thing("network", "blog")
    assert owner("c", network, container("c", networks=["web_proxy", "docker_gwbridge"])) == "a"
    for second in ("blog", "bridge"):
        assert owner("c", network, other, container("c", networks=["web_proxy", second])) is None
    proxy = container("c", networks=["web_proxy"], labels={"cc-ci.role": "proxy"})
    assert owner("c", network, proxy) is None


def test_the_engines_own_networks_are_nobodys_whoever_is_in_them() -> None:
    for name in ("bridge", "ingress", "docker_gwbridge"):
        assert owner(name, thing("network", name), container("c", "a", networks=[name])) is None
    assert owner("made", thing("network", "made"), container("c", "a", networks=["made"])) == "a"


@pytest.mark.attack(
    what="One volume with a dead run's label is put into the stack of a server's own app.",
    before="The whole stack counted as the dead run's, and `reap` removed its services and data.",
    now="A stack is a run's only if all its services carry the run's label.",
    layer="census",
)
def test_one_forged_label_does_not_make_a_whole_stack_a_runs() -> None:
    forged = thing("volume", "blog_x", "dead", stack="blog")
    service, data = thing("service", "blog_app", stack="blog"), thing("volume", "blog_data", stack="blog")
    assert owner("blog_app", forged, service, data) is None
    assert owner("blog_data", forged, service, data) is None
    two = (thing("config", "x", "a", stack="web"), thing("config", "y", "b", stack="web"))
    assert owner("web_data", *two, thing("volume", "web_data", stack="web")) is None


@pytest.mark.attack(
    what="A label names a run that is a path, such as ../../home.",
    before="`reap` removed that folder of the host as the run's scratch folder.",
    now="A name that no run can have is ignored.",
    layer="census",
)
@pytest.mark.parametrize(
    "name", ["", "../../home", "a/b", "..", ".", "a\nb", "a\x1b[31mb", "a\u202eb", "x" * 1_000_000]
)
def test_what_can_be_no_runs_name_is_none(name: str) -> None:
    assert run_of({"cc-ci.run": name}) is None
    assert owner("v", Item(kind="volume", id="v", name="v", labels={"cc-ci.run": name})) is None


def test_a_runs_name_may_have_what_a_folders_may() -> None:
    assert run_of({"cc-ci.run": "my récipe-20260131-120000-1a2b"}) == "my récipe-20260131-120000-1a2b"
    assert run_of({}) is None


BEFORE = NodeCensus(items=())


def test_where_others_used_the_node_too_nobody_is_blamed_by_guess() -> None:
    after = NodeCensus(items=attributed([VOLUME, thing("network", "loose"), thing("volume", "v", "a")]))
    found = compare(BEFORE, after, run="a", alone=False)
    assert found.leaks == (Leak(kind="volume", name="v"),)
    assert found.unclear == (Leak(kind="network", name="loose"), Leak(kind="volume", name=ANONYMOUS))


def test_a_run_that_was_alone_on_its_node_is_blamed_for_all_that_came_in_its_time() -> None:
    after = NodeCensus(items=attributed([VOLUME]))
    assert compare(BEFORE, after, run="a", alone=True).leaks == (Leak(kind="volume", name=ANONYMOUS),)


def test_its_own_anonymous_volume_is_blamed_on_a_run_beside_others() -> None:
    left = attributed([VOLUME], mounted={ANONYMOUS: "a"})
    assert compare(BEFORE, NodeCensus(items=left), run="a", alone=False).leaks
    assert compare(BEFORE, NodeCensus(items=left), run="b", alone=False) == compare(BEFORE, BEFORE)


def test_what_somebody_elses_stack_or_project_did_is_not_worth_a_word() -> None:
    theirs = [
        thing("service", "blog_app", stack="blog"),
        Item(kind="container", id="c", name="c", labels={"com.docker.compose.project": "shop"}),
    ]
    found = compare(BEFORE, NodeCensus(items=attributed(theirs)), run="a", alone=False)
    assert found == compare(BEFORE, BEFORE)


def test_what_is_gone_beside_others_is_not_blamed_either() -> None:
    before = NodeCensus(items=attributed([thing("volume", "old")]))
    found = compare(before, BEFORE, run="a", alone=False)
    assert found.leaks == ()
    assert found.unclear == (Leak(kind="volume", name="old", change="lost"),)


def test_a_network_that_only_another_runs_containers_use_now_is_not_lost() -> None:
    network = thing("network", "monitoring")
    before = NodeCensus(items=attributed([network]))
    after = NodeCensus(items=attributed([network, container("c", "b", networks=["monitoring"])]))
    assert compare(before, after, run="a", alone=True) == compare(BEFORE, BEFORE)
