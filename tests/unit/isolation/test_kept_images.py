"""Which images may be pruned, and which no prune takes."""

import threading
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import Container, Image
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.kept_images import (
    ACTIVE_FOR,
    Enrolled,
    KeptImages,
    changed,
    ledger,
    make_room,
    note,
    prune,
    read,
)
from cc_ci.lab.places import places
from cc_ci.system.units import EpochSeconds

NOW = EpochSeconds(1_000_000_000.0)
LONG_AGO = EpochSeconds(NOW - ACTIVE_FOR - 1)


def stamp(days: float) -> EpochSeconds:
    return EpochSeconds(NOW - days * 86400)


@pytest.fixture
def engine() -> FakeEngine:
    made = FakeEngine()
    for name in ("old:1", "older:1", "new:1", "somebodys:1"):
        image = Image(id=f"id {name}", tags=(name,), digests=(), diff_ids=(f"layer {name}",), size_bytes=1)
        made.on_node[name] = image
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "images" / "main.json"
    for image, recipe, days in (("old:1", "blog", 20), ("older:1", "wiki", 30), ("new:1", "shop", 1)):
        note(file, [image], recipe=recipe, at=stamp(days), brought=[image])
    return file


def names(pruned: object) -> list[str]:
    assert isinstance(pruned, tuple)
    return [one.use.image for one in pruned]


def test_what_was_not_run_lately_goes_the_oldest_first(engine: FakeEngine, file: Path) -> None:
    assert names(prune(engine, file, now=NOW)) == ["older:1", "old:1"]
    assert set(engine.on_node) == {"new:1", "somebodys:1"}
    assert names(prune(engine, file, now=NOW)) == []


def test_what_no_run_has_brought_is_not_touched(engine: FakeEngine, tmp_path: Path) -> None:
    assert prune(engine, tmp_path / "none.json", now=NOW) == ()
    assert "somebodys:1" in engine.on_node


@pytest.mark.attack(
    what="a recipe names an image that is the node's own or somebody else's, to have it pruned later",
    before="there was no command that pruned",
    now="only what was not on the node before a run is ever pruned",
    layer="census",
)
def test_an_image_that_was_there_before_is_nobodys_to_prune(engine: FakeEngine, file: Path) -> None:
    note(file, ["somebodys:1", "old:1"], recipe="evil", at=stamp(40), brought=[])
    assert names(prune(engine, file, now=NOW)) == ["older:1", "old:1"]
    assert "somebodys:1" in engine.on_node
    # gone by somebody's hand, and brought by a run after that
    note(file, ["somebodys:1"], recipe="blog", at=stamp(20), brought=["somebodys:1"])
    assert names(prune(engine, file, now=NOW)) == ["somebodys:1"]


def test_an_image_that_an_active_recipe_needs_stays_whoever_else_had_it(
    engine: FakeEngine, file: Path
) -> None:
    note(file, ["older:1"], recipe="shop", at=stamp(2))
    assert names(prune(engine, file, now=NOW)) == ["old:1"]
    assert "older:1" in engine.on_node


def test_what_is_enrolled_stays_however_long_ago_it_was_run(engine: FakeEngine, file: Path) -> None:
    with changed(file) as write:
        write(read(file).enrol(Enrolled(recipe="wiki", images=("older:1",), at=LONG_AGO)))
    assert names(prune(engine, file, now=NOW)) == ["old:1"]
    with changed(file) as write:
        write(read(file).unenrol("wiki"))
    assert names(prune(engine, file, now=NOW)) == ["older:1"]


def test_a_recipe_that_is_enrolled_again_has_its_new_images(file: Path) -> None:
    kept = read(file).enrol(Enrolled(recipe="wiki", images=("a:1",), at=NOW))
    kept = kept.enrol(Enrolled(recipe="wiki", images=("a:2",), at=NOW))
    assert [one.images for one in kept.enrolled] == [("a:2",)]


def test_no_more_goes_than_the_disk_needs(engine: FakeEngine, file: Path) -> None:
    free = iter([10, 50, 90])
    gone = prune(engine, file, now=NOW, free=lambda: next(free), wanted_free=40)
    assert names(gone) == ["older:1"]
    assert "old:1" in engine.on_node


def test_what_a_container_is_made_from_stays_and_is_said(engine: FakeEngine, file: Path) -> None:
    container = Container(
        id="c", name="c", labels={}, created=NOW, state="exited", image="sha256:x", image_id="id old:1"
    )
    engine.items["container"]["c"] = container
    gone = prune(engine, file, now=NOW)
    assert [one.because for one in gone] == [None, "a container is made from it"]
    assert "old:1" in engine.on_node
    del engine.items["container"]["c"]
    assert names(prune(engine, file, now=NOW)) == ["old:1"]


def test_what_could_not_go_is_tried_again(engine: FakeEngine, file: Path) -> None:
    engine.fail("remove_image", InfrastructureError("node main: does not answer"))
    assert [one.because for one in prune(engine, file, now=NOW)] == ["node main: does not answer"] * 2
    assert {use.image for use in read(file).uses} == {"old:1", "older:1", "new:1"}


def test_a_dry_prune_removes_nothing(engine: FakeEngine, file: Path) -> None:
    assert names(prune(engine, file, now=NOW, dry=True)) == ["older:1", "old:1"]
    assert len(engine.on_node) == 4
    assert len(read(file).uses) == 3


def test_runs_at_once_lose_no_note_of_each_other(tmp_path: Path) -> None:
    file = tmp_path / "main.json"
    together = threading.Barrier(8)

    def run(number: int) -> None:
        together.wait(10)
        note(file, [f"image:{number}"], recipe=f"recipe{number}", at=NOW)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(read(file).uses) == 8


def test_a_list_that_is_broken_stops_a_prune_and_no_run(engine: FakeEngine, file: Path) -> None:
    file.write_text("{")
    with pytest.raises(InfrastructureError, match=r"main\.json: can't be read: .*; remove it"):
        prune(engine, file, now=NOW)
    note(file, ["new:2"], recipe="shop", at=NOW)
    assert [use.image for use in read(file).uses] == ["new:2"]
    assert len(engine.on_node) == 4


def test_an_image_of_two_recipes_counts_by_its_last_use() -> None:
    kept = KeptImages().used(["i:1"], recipe="a", at=stamp(40), brought=["i:1"])
    kept = kept.used(["i:1"], recipe="b", at=stamp(20))
    assert [(use.recipe, use.image) for use in kept.prunable(now=NOW)] == [("b", "i:1")]
    assert kept.without({"i:1"}).uses == ()


class Disk(NamedTuple):
    total: int
    free: int


@pytest.mark.parametrize(("free", "gone"), [(20, []), (14, ["older:1"]), (1, ["older:1", "old:1"])])
def test_room_is_made_where_the_disk_is_nearly_full(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, gone: list[str]
) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path))
    node = Node(
        name="main",
        kind="private",
        docker_host="unix:///x",
        address="10.0.0.2",
        ci_domain="ci.test",
        ipvs=True,
    )
    for image, days in (("old:1", 20), ("older:1", 30), ("new:1", 1)):
        note(ledger("main"), [image], recipe=image, at=stamp(days), brought=[image])
    places("main").engine_root.mkdir(parents=True)

    def space(_root: Path) -> Disk:
        # each image has one hundredth of the disk
        return Disk(total=100, free=free + 4 - len(engine.on_node))

    assert names(make_room(engine, node, now=NOW, space=space)) == gone
    foreign = msgspec.structs.replace(node, kind="foreign")
    assert make_room(engine, foreign, now=NOW, space=space) == ()
