"""What dead runs left on the machine."""

from pathlib import Path

import pytest

from cc_ci.isolation.scratch import leftovers, remove_groups, remove_leftovers, scratch_folder
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.system.files import runtime_root, state_root
from cc_ci.system.held import held_folder, temporary_folder


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "run"))


def test_where_there_was_never_a_run_there_is_nothing() -> None:
    assert leftovers() == ()
    assert remove_leftovers() == ()


def test_what_nobody_holds_goes_and_what_somebody_holds_stays() -> None:
    for name in ("web-20260131-120000-1a2b", "fetch-20260131-120000-1a2b", "tmp-12345678"):
        scratch_folder(name).mkdir(parents=True)
    (runtime_root() / "suite-12345678").mkdir(parents=True)
    (runtime_root() / "main").mkdir()
    for name in ("tmp-12345678", "pocket"):
        (state_root() / "recipes" / "0123" / name).mkdir(parents=True)
    with (
        held_folder(scratch_folder("live")) as live,
        temporary_folder("suite-", root=runtime_root()) as suite,
    ):
        assert len(leftovers()) == 5
        assert len(remove_leftovers()) == 5
        assert live.is_dir()
        assert suite.is_dir()
    assert [path.name for path in runtime_root().iterdir()] == ["main"]
    assert [path.name for path in (state_root() / "recipes" / "0123").iterdir()] == ["pocket"]


def test_a_run_that_lives_by_its_lease_keeps_its_folder_and_one_run_can_be_named() -> None:
    for name in ("a", "b"):
        scratch_folder(name).mkdir(parents=True)
    assert leftovers(spare={"a"}) == (scratch_folder("b"),)
    assert remove_leftovers(only="a") == (scratch_folder("a"),)
    assert leftovers(only="a") == ()
    assert scratch_folder("b").is_dir()


def test_files_are_left() -> None:
    scratch_folder("x").parent.mkdir(parents=True)
    scratch_folder("x").touch()
    assert leftovers() == ()


def test_groups_of_dead_suites_go_and_no_others(tmp_path: Path) -> None:
    """Folders stand for groups here, as they do for the kernel; nothing runs in them."""
    group = NodeGroup("cc-ci/main", root=tmp_path / "cgroup")
    for tree in ("memory", "pids"):
        for name in ("suite-dead", "suite-live", "suite-nowhere", "suite-busy"):
            (tmp_path / "cgroup" / tree / "cc-ci/main/suite" / name).mkdir(parents=True)
        (tmp_path / "cgroup" / tree / "cgroup.procs").touch()
        # as a group in which something runs, this one can't be removed
        (tmp_path / "cgroup" / tree / "cc-ci/main/suite/suite-busy/cgroup.procs").write_text("")
    (runtime_root() / "suite-dead").mkdir(parents=True)
    with held_folder(runtime_root() / "suite-live"):
        remove_groups(group)
        assert group.below("suite") == ("suite-busy", "suite-live")
    assert (runtime_root() / "suite-dead").is_dir()
