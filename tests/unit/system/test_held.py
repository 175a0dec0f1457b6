"""Folders that are held by a live process, and those of dead ones."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.system.held import held_folder, is_abandoned, remove_abandoned, temporary_folder

HOLD = """
import sys, time
from pathlib import Path
from cc_ci.system.held import held_folder
with held_folder(Path(sys.argv[1])) as folder:
    (folder / "secret").write_text("x")
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_its_owners_alone_and_gone_at_the_end(tmp_path: Path) -> None:
    with held_folder(tmp_path / "deep" / "run") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert not is_abandoned(folder)
        assert not remove_abandoned(folder)
        (folder / "file").touch()
    assert not folder.exists()
    with pytest.raises(FileExistsError), held_folder(tmp_path / "deep"):
        pass


def test_passing_folders_have_names_of_their_own(tmp_path: Path) -> None:
    with temporary_folder(root=tmp_path) as one, temporary_folder(root=tmp_path) as other:
        assert one != other
        assert one.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_the_machines_own_place_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "file"))
    with temporary_folder() as folder:
        assert folder.is_dir()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_live_process_holds_its_folder_and_a_killed_one_holds_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "run"
    argv = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert not remove_abandoned(folder)
    process.send_signal(number)
    process.communicate()
    assert is_abandoned(folder)
    assert remove_abandoned(folder)
    assert not folder.exists()


def test_what_a_child_of_the_process_inherits_is_not_the_hold(tmp_path: Path) -> None:
    child = None
    with held_folder(tmp_path / "run") as folder:
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
        (folder / "x").touch()
    folder.mkdir()
    assert is_abandoned(folder)
    child.kill()
    child.wait()


@pytest.mark.attack(
    what="A link with a dead run's name replaces its folder.",
    before="The removal followed the link.",
    now="Only a real folder counts as a leftover.",
    layer="input",
)
def test_a_link_is_no_leftover(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "kept").touch()
    (tmp_path / "run").symlink_to(tmp_path / "home")
    assert not is_abandoned(tmp_path / "run")
    assert not remove_abandoned(tmp_path / "run")
    assert (tmp_path / "home" / "kept").exists()
    assert not is_abandoned(tmp_path / "nothing")
