"""Which limit was reached, and by whom."""

from collections.abc import Mapping

import pytest

from cc_ci.engine.node import AppLimits
from cc_ci.isolation.app_groups import ContainerUse, Owner
from cc_ci.isolation.exhaustion import LimitHit, UsingApp, hits, last_room, size, too_much
from cc_ci.isolation.written import Written
from cc_ci.lab.group_counts import Counts

GIB = 1 << 30
LIMITS = AppLimits(memory_bytes=4 * GIB, processes=16384, processes_each=4096, disk_bytes=20 * GIB)
MINE = Owner(run="r-1", deployment="install", service="app")
DB = Owner(run="r-1", deployment="install", service="db")
STRANGER = Owner(run="r-2", deployment="install", service="app")


def found(
    use: ContainerUse, *, before: ContainerUse | None = None, beside: Mapping[str, UsingApp] | None = None
) -> list[LimitHit]:
    app = UsingApp(owner=MINE, use=use)
    return list(hits(app, before or ContainerUse(), beside={"c": app, **(beside or {})}, limits=LIMITS))


def test_nothing_is_said_of_what_was_counted_before() -> None:
    same = ContainerUse(counts=Counts(killed=1, refused=7))
    assert found(same, before=same) == []


@pytest.mark.parametrize("left", [4096, 12])
def test_a_container_that_was_refused_processes_alone_did_it_by_itself(left: int) -> None:
    """Also when they have ended by the time of the look."""
    (hit,) = found(ContainerUse(counts=Counts(refused=1), processes=left, processes_limit=4096))
    assert "service app: it started more processes than one container may have here (4096)" in hit.text
    assert not hit.others


def test_who_has_most_of_all_processes_is_named_where_another_was_refused_one() -> None:
    strangers = {str(at): UsingApp(owner=STRANGER, use=ContainerUse(processes=4000 + at)) for at in range(4)}
    (hit,) = found(
        ContainerUse(counts=Counts(refused=1), processes=20, processes_limit=4096), beside=strangers
    )
    assert hit.others
    assert "all 16384, and run r-2 has 4003 of them" in hit.text


def test_a_service_s_own_memory_limit_is_the_recipe_s() -> None:
    (hit,) = found(ContainerUse(counts=Counts(killed=1), memory_bytes=250 << 20, memory_limit=256 << 20))
    assert "out of memory at its own limit of 256 MiB (deploy.resources.limits.memory)" in hit.text
    assert not hit.others


def test_an_app_that_took_all_memory_of_the_node_is_told_how_it_gets_more() -> None:
    (hit,) = found(ContainerUse(counts=Counts(killed=2), memory_bytes=int(3.9 * GIB)))
    assert "the apps on the node may have 4.0 GiB, and it has 3.9 GiB" in hit.text
    assert "`cc-ci node up --memory`" in hit.text
    assert not hit.others


@pytest.mark.parametrize(("hog", "others"), [(DB, False), (STRANGER, True)])
def test_whoever_has_the_memory_is_named_not_the_one_that_was_ended(hog: Owner, *, others: bool) -> None:
    large = UsingApp(owner=hog, use=ContainerUse(memory_bytes=3 * GIB))
    (hit,) = found(ContainerUse(counts=Counts(killed=1), memory_bytes=GIB), beside={"d": large})
    assert hit.others is others
    assert ("run r-2 has 3.0 GiB" if others else "service db has 3.0 GiB") in hit.text


def written(*sizes: int) -> tuple[Written, ...]:
    return tuple(Written(what=f"volume v{at}", owner=DB, size_bytes=one) for at, one in enumerate(sizes))


def test_a_run_may_write_its_share_and_no_more_and_the_largest_place_is_named() -> None:
    assert too_much(written(10 * GIB, 10 * GIB), limits=LIMITS) is None
    hit = too_much(written(2 * GIB, 19 * GIB), limits=LIMITS)
    assert hit is not None
    assert "service db: it wrote 19.0 GiB (volume v1): the apps of one run may write 20.0 GiB" in hit.text
    assert hit.deployment == "install"


def test_who_took_the_last_room_is_who_wrote_much() -> None:
    assert last_room(written(1 << 20), free="800 MiB", large=GIB) is None
    assert last_room((), free="800 MiB", large=GIB) is None
    hit = last_room(written(5 * GIB), free="800 MiB", large=GIB)
    assert hit is not None
    assert "it wrote 5.0 GiB (volume v0): the disk has 800 MiB left" in hit.text


def test_a_size_that_could_not_be_counted_is_said_so() -> None:
    assert size(1 << 60) == "more than can be counted"
    assert (size(3 << 20), size(3 << 30)) == ("3 MiB", "3.0 GiB")
