"""Engines of other suites: what apt is asked, how one is named, kept, exported and imported."""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from cc_ci.errors import UsageError
from cc_ci.lab import engine_archives, engine_roots
from cc_ci.lab.engine_roots import RECORD, EngineRoot, apt_options, arrange, engine_name, unreached
from cc_ci.system.process import Completed, LocalRunner

PACKAGES = {"docker.io": "28.5.2+dfsg4-5", "containerd": "2.1.9+ds1-5", "runc": "1.3.6+ds1-1", "kmod": "34"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def keep(version: str, suite: str = "forky") -> EngineRoot:
    packages = PACKAGES | {"docker.io": version}
    made = EngineRoot(name=engine_name(packages), suite=suite, packages=packages, size_bytes=1, seconds=1.0)
    made.root.mkdir(parents=True)
    (made.root / "dockerd").write_text("x")
    (made.root.parent / RECORD).write_bytes(msgspec.json.encode(made))
    return made


def test_an_engine_is_named_by_the_exact_versions_in_it() -> None:
    assert engine_name(PACKAGES) == "docker-28.5.2+dfsg4-5_containerd-2.1.9+ds1-5_runc-1.3.6+ds1-1"
    assert keep("28.5.2+dfsg4-5").version == "28.5.2"


def test_apt_has_a_state_of_its_own_and_keeps_the_machines_proxies(tmp_path: Path) -> None:
    options = apt_options(tmp_path, mirror="http://mirror.test/debian", suite="forky")
    said = dict(word.split("=", 1) for word in options[1::2])
    assert said["Dir::State"] == str(tmp_path / "state")
    assert said["Dir::Etc::SourceParts"] == "/dev/null"
    assert not {"Dir", "Dir::Etc", "Dir::Etc::Parts"} & said.keys()
    assert "signed-by=" in (tmp_path / "sources.list").read_text()


def test_what_can_not_be_reached_is_named_and_not_what_follows_from_it() -> None:
    said = """W: a warning of another kind
E: Failed to fetch http://mirror.test/debian/dists/forky/InRelease  Temporary failure resolving 'mirror.test'
E: Some index files failed to download. They have been ignored, or old ones used instead.
"""
    where = "http://mirror.test/debian/dists/forky/InRelease"
    assert unreached(said) == f"Failed to fetch {where} Temporary failure resolving 'mirror.test'"
    assert unreached("E: out of disk\n\n") == "out of disk"
    assert unreached("") == "no reason given"


def test_what_the_packages_scripts_would_do_is_done(tmp_path: Path) -> None:
    for folder in ("usr/sbin", "usr/lib", "usr/share/doc/x"):
        (tmp_path / folder).mkdir(parents=True)
    arrange(tmp_path)
    assert (tmp_path / "sbin").readlink() == Path("usr/sbin")
    assert (tmp_path / "usr/sbin/iptables-restore").readlink() == Path("iptables-nft-restore")
    assert not (tmp_path / "usr/share/doc").exists()


def test_the_newest_engine_of_a_suite_is_meant_by_its_name() -> None:
    keep("28.5.2+dfsg4-5")
    newest = keep("28.10.0+dfsg1-1")
    keep("26.1.5+dfsg1-9", suite="trixie")
    assert engine_roots.named("forky") == newest
    assert [one.version for one in engine_roots.kept()] == ["26.1.5", "28.5.2", "28.10.0"]
    with pytest.raises(UsageError, match=r"engine 20\.10: is not kept; there is docker-26\.1\.5"):
        engine_roots.named("20.10")


def test_a_folder_without_its_record_is_no_engine(state: Path) -> None:
    (state / "engines/.making-x/root").mkdir(parents=True)
    (state / "engines/docker-1/root").mkdir(parents=True)
    assert engine_roots.kept() == ()


def test_an_engine_comes_back_from_its_file(tmp_path: Path) -> None:
    made = keep("28.5.2+dfsg4-5")
    engine_archives.export("forky", tmp_path / "engine.tgz", runner=LocalRunner())
    engine_roots.remove("forky")
    assert engine_roots.kept() == ()
    assert engine_archives.import_(tmp_path / "engine.tgz", runner=LocalRunner()) == made
    assert (made.root / "dockerd").read_text() == "x"


def test_a_file_that_is_no_engine_is_refused_and_leaves_nothing(tmp_path: Path, state: Path) -> None:
    other = tmp_path / "other.tgz"
    other.write_text("x")
    with pytest.raises(UsageError, match="no archive of an engine"):
        engine_archives.import_(other, runner=LocalRunner())
    assert list((state / "engines").iterdir()) == []


def root_at(folder: Path) -> Path:
    """A root whose programs say their versions, as chroot would run them."""
    for program in ("dockerd", "containerd", "runc", "iptables", "mount", "cat", "sh"):
        path = folder / "usr/bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(program)
    return folder


class InRoot(LocalRunner):
    """Runs what it is told, but for programs in a root: of these it knows what they say."""

    SAYS = MappingProxyType(
        {
            "dockerd": "Docker version 29.1.3, build x",
            "containerd": "containerd github.com/containerd/containerd v2.2.1 dea7da5",
            "runc": "runc version 1.4.0\ncommit: v1.4.0-0-g1",
        }
    )

    def __call__(self, argv: Sequence[str], **others: Any) -> Completed:
        if argv[0] == "chroot":
            return Completed(argv=tuple(argv), returncode=0, stdout=self.SAYS[argv[2]], stderr="")
        return super().__call__(argv, **others)


def test_a_folder_with_an_engine_in_it_is_taken_in_under_its_versions(tmp_path: Path) -> None:
    root = root_at(tmp_path / "own")
    made = engine_archives.import_(root, runner=InRoot())
    assert made.name == "docker-29.1.3_containerd-2.2.1_runc-1.4.0"
    assert (made.root / "usr/bin/dockerd").read_text() == "dockerd"
    assert engine_roots.kept() == (made,)


def test_a_folder_that_lacks_what_an_engine_needs_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    root = root_at(tmp_path / "own")
    for program in ("runc", "iptables"):
        (root / "usr/bin" / program).unlink()
    with pytest.raises(UsageError, match=r"own: no root of an engine: its usr has no runc, iptables$"):
        engine_archives.import_(root, runner=InRoot())


def test_an_engine_that_is_kept_is_not_pulled_from_under_a_node(tmp_path: Path) -> None:
    made = keep("28.5.2+dfsg4-5")
    engine_archives.export("forky", tmp_path / "engine.tgz", runner=LocalRunner())
    (made.root / "dockerd").write_text("runs")
    assert engine_archives.import_(tmp_path / "engine.tgz", runner=LocalRunner()) == made
    assert (made.root / "dockerd").read_text() == "runs"
