"""Folders of any depth go, and nothing beside them."""

import os
from pathlib import Path

import pytest

from cc_ci.system.clearing import clear_away, remove_tree
from cc_ci.system.held import temporary_folder


def deep(root: Path, levels: int) -> None:
    here = Path.cwd()
    os.chdir(root)
    for level in range(levels):
        Path("file").touch()
        if not level:
            Path("beside").mkdir()
        Path(name := "d" if level % 2 else "e").mkdir()
        os.chdir(name)
    os.chdir(here)


@pytest.mark.attack(
    what="A suite or a recipe leaves folders nested 1,200 deep.",
    before="The next clean-up ended with a RecursionError, and that run's results were lost.",
    now="They are removed, however deep they are.",
    layer="input",
)
def test_a_deep_tree_is_removed(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    deep(root, 1200)
    remove_tree(root)
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    with temporary_folder() as folder:
        (folder / "a/b").mkdir(parents=True)
        (folder / "a/link").symlink_to(tmp_path / "kept")
        (folder / "a/b/gone").symlink_to("nowhere")
        os.mkfifo(folder / "a/pipe")
    assert not folder.exists()
    assert (tmp_path / "kept/file").exists()


def test_a_file_goes_as_well_and_what_is_gone_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remove_tree(tmp_path / "file")
    remove_tree(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_may_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_path: Path) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "rmdir", busy)
    clear_away(tmp_path)
    with pytest.raises(OSError, match="busy"):
        remove_tree(tmp_path)
