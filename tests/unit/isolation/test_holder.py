import os
from pathlib import Path

import msgspec
import pytest

from cc_ci.isolation.holder import Holder, from_labels, this_process
from cc_ci.system.identity import start_time

ME = Holder(boot="b1", namespace=10, pid=42, started=777)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "1").mkdir()
    (tmp_path / "42").mkdir()
    # the command's name may hold brackets and spaces
    before = "42 (odd) name) S 1 42 42 0 -1 4194304 100 0 0 0 1 2 3 4 20 0 1 0"
    (tmp_path / "42" / "stat").write_text(f"{before} 777 1000 20\n")
    return tmp_path


def test_this_process_is_alive_and_survives_labels() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert me.seen_from(me) == "alive"
    assert from_labels(me.labels) == me


def test_labels_that_are_not_whole_name_no_holder() -> None:
    assert from_labels({"cc-ci.run": "r1", "cc-ci.holder.pid": "4"}) is None
    assert from_labels({**ME.labels, "cc-ci.holder.pid": "many"}) is None


def test_a_process_is_known_by_pid_and_start(proc: Path) -> None:
    assert start_time(42, proc=proc) == 777
    assert ME.seen_from(ME, proc=proc) == "alive"
    assert msgspec.structs.replace(ME, started=778).seen_from(ME, proc=proc) == "dead"
    assert msgspec.structs.replace(ME, pid=43).seen_from(ME, proc=proc) == "dead"


def test_a_zombie_is_dead(proc: Path) -> None:
    stat = proc / "42" / "stat"
    stat.write_text(stat.read_text().replace(" S 1 ", " Z 1 "))
    assert ME.seen_from(ME, proc=proc) == "dead"


@pytest.mark.parametrize("other", [{"boot": "b2"}, {"namespace": 11}])
def test_another_boot_or_pid_namespace_is_out_of_sight(proc: Path, other: dict[str, object]) -> None:
    assert ME.seen_from(msgspec.structs.replace(ME, **other), proc=proc) == "out of sight"


def test_where_processes_are_hidden_a_missing_one_is_not_dead(proc: Path) -> None:
    (proc / "1").rmdir()
    assert msgspec.structs.replace(ME, pid=43).seen_from(ME, proc=proc) == "out of sight"
