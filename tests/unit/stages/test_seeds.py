from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app
from stage_suite import MemorySuites, with_seeds

from cc_ci.backups.markers import MarkerReading
from cc_ci.backups.marking import MarkerPlace
from cc_ci.errors import StageFailed, Unverified
from cc_ci.recipes.moved_volumes import Move
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.seeds import (
    Planted,
    VolumeSeeds,
    places_for,
    plant,
    require,
    require_all_marked,
    require_mounted,
)

KEPT = Planted(key="kept", value="marker")
DATA, MEDIA = (
    MarkerPlace(volume="web_data", key="data"),
    MarkerPlace(volume="web_media", key="media", folder="up"),
)


@pytest.fixture
def suites() -> MemorySuites:
    return MemorySuites()


@pytest.fixture
def bench(bench: Bench, suites: MemorySuites) -> Bench:
    return replace(bench, suites=suites)  # type: ignore[arg-type]


@pytest.fixture
def held(deployed: Deployed, suites: MemorySuites) -> MemorySuites:
    deployed.candidate = with_seeds(deployed.candidate)
    return suites


def test_the_marker_that_is_back_is_enough(bench: Bench, deployed: Deployed, held: MemorySuites) -> None:
    held.data["kept"] = "marker"
    require(bench, deployed, KEPT, "marker", after="the restore")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "install: seed kept: nothing instead of 'marker' after the restore; data was lost (see here)"),
        ({"kept": "changed"}, "install: seed kept: 'changed' instead of 'marker' after the restore"),
    ],
)
def test_a_marker_that_is_not_back_fails_by_deployment(
    data: dict[str, str], said: str, bench: Bench, deployed: Deployed, held: MemorySuites
) -> None:
    held.data = data
    with pytest.raises(StageFailed) as caught:
        require(bench, deployed, KEPT, "marker", after="the restore", tell_more=lambda: " (see here)")
    assert said in str(caught.value)


def test_later_data_that_is_still_there_fails(bench: Bench, deployed: Deployed, held: MemorySuites) -> None:
    held.data["kept"] = "x"
    with pytest.raises(StageFailed, match="install: seed kept: still there after the restore: 'x'"):
        require(bench, deployed, KEPT, None, after="the restore")


def test_each_marker_has_a_name_and_a_value_of_its_own(
    bench: Bench, deployed: Deployed, held: MemorySuites
) -> None:
    one, other = (plant(bench, deployed, stage="upgrade") for _ in range(2))
    assert len({one.key, other.key, one.value, other.value}) == 4
    assert held.data == {one.key: one.value, other.key: other.value}


class Readings:
    """Markers that read as told."""

    def __init__(self, **readings: MarkerReading) -> None:
        self._readings = readings

    def read(
        self, _key: str, places: tuple[MarkerPlace, ...], *, exactness: str
    ) -> dict[MarkerPlace, MarkerReading]:
        assert exactness == "usable"
        return {place: self._readings[place.key] for place in places}


def read(**readings: MarkerReading) -> str | None:
    return VolumeSeeds(Readings(**readings), (DATA, MEDIA)).read("kept")  # type: ignore[arg-type]


def test_a_marker_counts_when_every_volume_has_it_whole() -> None:
    assert read(data=MarkerReading(value="v"), media=MarkerReading(value="v")) == "v"
    assert read(data=MarkerReading(), media=MarkerReading()) is None


@pytest.mark.parametrize(
    ("media", "said"),
    [
        (
            MarkerReading(),
            "marker kept: data was lost, gone from volume media at up and there in volume data",
        ),
        (MarkerReading(value="w"), "marker kept: not the same everywhere"),
        (
            MarkerReading(value="v", faults=("long: is gone", "deep: is gone")),
            "marker kept: volume media at up: long: is gone",
        ),
    ],
)
def test_the_volume_that_lost_something_is_named(media: MarkerReading, said: str) -> None:
    with pytest.raises(StageFailed) as caught:
        read(data=MarkerReading(value="v"), media=media)
    assert str(caught.value) == said


def test_where_no_volume_can_take_a_marker_nothing_is_shown(bench: Bench, deployed: Deployed) -> None:
    stack = msgspec.structs.replace(deployed.stack, volumes={}, services={})
    deployed.stack = stack
    assert places_for(deployed, stage="backup") == ()
    with pytest.raises(Unverified, match="no volume is backed up whole"):
        plant(bench, deployed, stage="backup")


def test_a_volume_that_the_new_version_does_not_mount_lost_its_data(deployed: Deployed) -> None:
    marked = Planted(key="kept", value="v", places=(DATA,))
    moved = Move(volume="web_data", gone=False, said="volume data was at app:/a; it is at app:/b")
    require_mounted(deployed, marked, [moved])
    gone = Move(volume="web_data", gone=True, said="volume data was at app:/a; it is mounted nowhere")
    require_mounted(deployed, KEPT, [gone])
    with pytest.raises(StageFailed, match="install: data was lost to the app by the upgrade: volume"):
        require_mounted(deployed, marked, [gone])


def test_a_volume_that_no_marker_could_be_put_into_leaves_the_restore_unverified(
    deployed: Deployed, tmp_path: Path
) -> None:
    labels = (
        'replicas: 2\n      labels:\n        - "backupbot.backup=true"\n'
        '        - "backupbot.backup.volumes.content.path=backup.sql"'
    )
    compose = COMPOSE.replace("replicas: 2\n      labels:", labels)
    deployed.app, deployed.stack = read_app(recipe(tmp_path / "dumped", compose=compose))
    require_all_marked(deployed, KEPT)
    require_all_marked(
        deployed, Planted(key="kept", value="v", places=(MarkerPlace(volume="x", key="content"),))
    )
    with pytest.raises(Unverified, match=r"install: volume content: only backup\.sql of it is backed up"):
        require_all_marked(deployed, Planted(key="kept", value="v", places=(DATA,)))
