"""Markers in folders of this machine, by the scripts that run where volumes are."""

import os
import stat
from pathlib import Path

import pytest
from local_volumes import HereReach

from cc_ci.backups.marking import MarkerPlace, VolumeMarkers
from cc_ci.errors import CommandFailed

PLACE = MarkerPlace(volume="web_content", key="content")
KEY = "kept-1a2b"
NAME = f".cc-ci-{KEY}"


@pytest.fixture
def markers(here: HereReach) -> VolumeMarkers:
    return VolumeMarkers(here)


def value(markers: VolumeMarkers, place: MarkerPlace = PLACE) -> str | None:
    reading = markers.read(KEY, [place], exactness="exact")[place]
    assert not reading.faults
    return reading.value


def test_a_marker_is_written_read_changed_and_deleted(markers: VolumeMarkers, volume: Path) -> None:
    assert value(markers) is None
    assert markers.write(KEY, "v1", [PLACE]) == (PLACE,)
    assert value(markers) == "v1"
    assert stat.S_IMODE((volume / NAME / "letters").stat().st_mode) == 0o600
    assert (volume / NAME / "long").stat().st_mtime == 1_600_000_000
    markers.write(KEY, "v2", [PLACE])
    assert value(markers) == "v2"
    markers.delete(KEY, [PLACE])
    assert value(markers) is None
    assert not any(volume.iterdir())


def test_each_call_has_one_volume_and_no_more_rights_than_it_needs(
    here: HereReach, markers: VolumeMarkers, volume: Path
) -> None:
    other = MarkerPlace(volume="web_other", key="other")
    (volume.parent.parent / "web_other" / "_data").mkdir(parents=True)
    markers.write(KEY, "v1", [PLACE, other])
    markers.read(KEY, [PLACE, other], exactness="exact")
    assert {volumes for volumes, _ in here.asked} == {("web_content",), ("web_other",)}
    assert [access for _, access in here.asked] == [*("reads",) * 2, *("changes",) * 2, *("reads",) * 2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_marker_has_the_owner_of_its_volume(markers: VolumeMarkers, volume: Path) -> None:
    os.chown(volume, 101, 102)
    markers.write(KEY, "v1", [PLACE])
    owned = {(path.stat().st_uid, path.stat().st_gid) for path in volume.rglob(f"{NAME}/**/*")}
    assert owned == {(101, 102)}
    os.chown(volume / NAME / "binary", 0, 0)
    (fault,) = markers.read(KEY, [PLACE], exactness="usable")[PLACE].faults
    assert fault == "binary: owner 0:0 instead of 101:102"


def test_a_path_that_is_no_folder_gets_no_marker(markers: VolumeMarkers, volume: Path) -> None:
    (volume / "backup.sql").touch()
    (volume / "link").symlink_to("/tmp")  # noqa: S108 - must not be followed
    (volume / "uploads").mkdir()
    places = [
        MarkerPlace(volume="web_content", key="content", folder=folder)
        for folder in ("backup.sql", "link", "uploads", "nowhere")
    ]
    assert markers.write(KEY, "v1", places) == (places[2],)
    assert (volume / "uploads" / NAME).is_dir()


@pytest.mark.parametrize("kind", ["link", "fifo", "file", "folder", "huge"])
@pytest.mark.attack(
    what="An app replaces its marker by a link, a FIFO, a huge file or something else.",
    before="cc-ci wrote and deleted through the link, and a FIFO held up the run without end.",
    now="The marker counts as damaged within its time, and nothing outside the volume is touched.",
    layer="sandbox",
)
def test_what_takes_a_markers_place_is_seen(kind: str, markers: VolumeMarkers, volume: Path) -> None:
    outside = volume.parent / "outside"
    outside.mkdir()
    (outside / "value").write_text("v1")
    markers.write(KEY, "v1", [PLACE])
    markers.delete(KEY, [PLACE])
    there = volume / NAME
    match kind:
        case "link":
            there.symlink_to(outside)
        case "fifo":
            os.mkfifo(there)
        case "file":
            there.write_text("v1")
        case "folder":
            there.mkdir()
        case "huge":
            there.mkdir()
            with (there / "value").open("wb") as stream:
                stream.truncate(1 << 40)
    reading = markers.read(KEY, [PLACE], exactness="usable")[PLACE]
    assert reading.faults
    markers.write(KEY, "v2", [PLACE])
    assert value(markers) == "v2"
    assert (outside / "value").read_text() == "v1"


def test_a_file_in_a_marker_that_is_a_fifo_or_a_link_is_seen(markers: VolumeMarkers, volume: Path) -> None:
    markers.write(KEY, "v1", [PLACE])
    (volume / NAME / "binary").unlink()
    os.mkfifo(volume / NAME / "binary")
    (volume / NAME / "long").unlink()
    (volume / NAME / "long").symlink_to("/etc/passwd")
    faults = markers.read(KEY, [PLACE], exactness="usable")[PLACE].faults
    assert faults == (
        "binary: something else instead of a file",
        "long: something else instead of a file",
    )


def test_a_marker_that_can_not_be_written_is_our_fault(markers: VolumeMarkers, volume: Path) -> None:
    class Full(HereReach):
        def __call__(self, argv: object, *, access: str, **options: object) -> object:  # type: ignore[override]
            program = ("false",) if access == "changes" else argv
            return super().__call__(program, access=access, **options)  # type: ignore[arg-type]

    with pytest.raises(CommandFailed, match="volume content: marker: exit 1"):
        VolumeMarkers(Full()).write(KEY, "v1", [PLACE])
