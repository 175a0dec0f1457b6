import os
from pathlib import Path

from cc_ci.timing.io_counting import count_bytes, disk_of

LIMIT = "blkio/cc-ci/n/blkio.throttle.write_bps_device"


def test_a_limit_is_set_and_taken_away_again(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    limit = tmp_path / LIMIT
    limit.parent.mkdir(parents=True)
    limit.write_text("x" * 40)
    assert count_bytes("/cc-ci/n", folder=tmp_path, cgroups=tmp_path, devices=tmp_path)
    assert limit.read_text().startswith(f"{os.major(device)}:{os.minor(device)} 0")


def test_where_there_is_no_such_group_nothing_is_made(tmp_path: Path) -> None:
    assert not count_bytes("/cc-ci/n", folder=tmp_path, cgroups=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_partition_stands_for_its_disk(tmp_path: Path) -> None:
    partition = tmp_path / "devices/vda/vda1"
    partition.mkdir(parents=True)
    (partition / "partition").write_text("1")
    (partition.parent / "dev").write_text("254:0\n")
    (tmp_path / "254:1").symlink_to(partition)
    assert disk_of(os.makedev(254, 1), devices=tmp_path) == "254:0"
    assert disk_of(os.makedev(254, 2), devices=tmp_path) == "254:2"
