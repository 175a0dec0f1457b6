"""With the real restic; the volumes are folders of this machine."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cc_ci.backups.restic import Repository
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import Completed, LocalRunner
from cc_ci.system.redaction import Redactor

pytestmark = pytest.mark.integration


class HereReach:
    def __init__(self, runner: LocalRunner) -> None:
        self._runner = runner

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],  # noqa: ARG002 - all are to be seen
        stdin: str | None = None,
        env: Mapping[str, str] = {},
        timeout: float | None = None,
    ) -> Completed:
        return self._runner(argv, stdin=stdin, env=env, timeout=timeout)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "volumes" / "web_content" / "_data"
    folder.mkdir(parents=True)
    (folder / "page.html").write_text("first")
    (folder / "[odd] *name?").write_text("odd")
    (folder / "page.html").chmod(0o640)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    log: list[str] = []
    made = Repository(
        HereReach(LocalRunner(log=log.append)), location=str(tmp_path / "restic"), redact=Redactor()
    )
    made.create()
    return made


def test_a_marker_comes_back_and_later_files_are_gone(repository: Repository, content: Path) -> None:
    volume = content.parent
    beside = volume.parent / "other_volume"
    beside.mkdir()
    snapshot = repository.backup([str(volume)], volumes=["web_content"], tag="web")
    assert (snapshot.files, snapshot.bytes) == (2, 8)

    (content / "page.html").unlink()
    (content / "[odd] *name?").write_text("changed")
    (content / "later").mkdir()
    (content / "later" / "one").write_text("x")
    (content / "new\nline").write_text("x")
    restored = repository.restore(snapshot)

    assert (content / "page.html").read_text() == "first"
    assert stat.S_IMODE((content / "page.html").stat().st_mode) == 0o640
    assert (content / "[odd] *name?").read_text() == "odd"
    assert restored.removed == (str(content / "later"), str(content / "new\nline"))
    assert sorted(path.name for path in content.iterdir()) == ["[odd] *name?", "page.html"]
    assert beside.is_dir()


def test_only_the_paths_that_were_backed_up_are_touched(repository: Repository, content: Path) -> None:
    odd = content / "[odd] *name?"
    snapshot = repository.backup([str(odd)], volumes=["web_content"], tag="web")
    odd.write_text("changed")
    (content / "page.html").write_text("second")
    (content / "later").write_text("x")
    assert repository.restore(snapshot).removed == ()
    assert odd.read_text() == "odd"
    assert (content / "page.html").read_text() == "second"
    assert (content / "later").exists()


def test_a_fresh_volume_of_the_same_name_gets_all(repository: Repository, content: Path) -> None:
    snapshot = repository.backup([str(content.parent)], volumes=["web_content"], tag="web")
    for path in content.iterdir():
        path.unlink()
    content.rmdir()
    repository.restore(snapshot)
    assert (content / "page.html").read_text() == "first"


def test_another_password_opens_nothing(repository: Repository, tmp_path: Path, content: Path) -> None:
    other = Repository(HereReach(LocalRunner()), location=str(tmp_path / "restic"), redact=Redactor())
    with pytest.raises(InfrastructureError, match="restic backup: exit 1"):
        other.backup([str(content)], volumes=[], tag="web")
