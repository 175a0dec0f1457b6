"""With the real restic: on folders of this machine, in a node's namespaces, and in containers of a node."""

import io
import os
import re
import shutil
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from cc_ci.backups.hooks import Hook, run_hooks
from cc_ci.backups.markers import Place, VolumeMarkers
from cc_ci.backups.reach import HELPER_IMAGE, HelperReach, NamespaceReach, Reach, volume_folder
from cc_ci.backups.restic import Repository
from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.isolation.census import lasting_leaks, take
from cc_ci.isolation.reaper import Reaper
from cc_ci.lab import node as lab_node
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import Completed, LocalRunner, check
from cc_ci.system.redaction import Redactor

NAME = "isof" + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Tests side by side have a node each."""

pytestmark = pytest.mark.integration

RUN = {"cc-ci.run": "r-backups"}
TOOLS = ("restic", "bash", "sh", "sleep", "cat", "find", "rm", "stat", "tee", "xargs", "false")
"""What a helper image has to bring."""


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


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("run") / "restic")


@pytest.fixture(scope="module")
def repository(location: str) -> Repository:
    made = Repository(HereReach(LocalRunner()), location=location, redact=Redactor())
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


def test_another_password_opens_nothing(repository: Repository, location: str, content: Path) -> None:
    assert repository.backup([str(content)], volumes=[], tag="web").files == 2
    other = Repository(HereReach(LocalRunner()), location=location, redact=Redactor())
    with pytest.raises(InfrastructureError, match=r"restic backup: exit 1.*password"):
        other.backup([str(content)], volumes=[], tag="web")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    yield lab_node.up(NAME)
    lab_node.down(NAME)


@pytest.fixture(scope="module")
def engine(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """The node's engine, with an image of this machine's tools under the helper's name."""
    engine = connect(node, LocalRunner())
    before = take(engine)
    archive = tmp_path_factory.mktemp("image") / "tools.tar"
    pack(TOOLS, archive)
    change = ["--change", "ENV PATH=/bin"]
    argv = ["docker", "import", *change, str(archive), HELPER_IMAGE]
    check(LocalRunner()(argv, env=engine.environment))
    yield engine
    Reaper(engine, clock=SystemClock()).reap(only=RUN["cc-ci.run"])
    engine.remove_image(HELPER_IMAGE)
    assert lasting_leaks(engine, before, clock=SystemClock())[0] == ()


def pack(programs: Sequence[str], archive: Path) -> None:
    """A tar of programs of this machine, and the libraries that they are linked with."""
    with tarfile.open(archive, "w", dereference=True) as tar:
        libraries: set[str] = set()
        for program in programs:
            path = shutil.which(program)
            assert path
            tar.add(path, f"bin/{program}")
            libraries |= set(re.findall(r"(/\S+) \(0x", LocalRunner()(["ldd", path]).stdout))
        for library in sorted(libraries):
            tar.add(library, library)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder, io.BytesIO())


def round_trip(engine: DockerEngine, reach: Reach, *, location: str, volume: str) -> None:
    """A marker is backed up, changed and lost, and comes back; a later one goes."""
    engine.create_volume(volume, labels=RUN)
    repository = Repository(reach, location=location, redact=Redactor())
    repository.create()
    markers = VolumeMarkers(reach, [Place(volume=volume)])
    markers.write("kept", "one")
    snapshot = repository.backup([volume_folder(volume)], volumes=[volume], tag="web")
    markers.delete("kept")
    markers.write("later", "two")
    repository.restore(snapshot)
    assert list(markers.read("kept").values()) == ["one"]
    assert list(markers.read("later").values()) == [None]


def test_a_private_nodes_volumes_are_reached_through_its_namespaces(
    node: Node, engine: DockerEngine, tmp_path: Path
) -> None:
    reach = NamespaceReach(node, LocalRunner())
    round_trip(engine, reach, location=str(tmp_path / "restic"), volume="private_content")
    assert not Path(volume_folder("private_content")).exists()


def test_a_foreign_nodes_volumes_are_reached_through_a_helper(node: Node, engine: DockerEngine) -> None:
    foreign = msgspec.structs.replace(node, kind="foreign")
    reach = HelperReach(foreign, LocalRunner(), image=HELPER_IMAGE, scratch="cc-ci-r-backups", labels=RUN)
    round_trip(engine, reach, location="/repository/restic", volume="foreign_content")
    (scratch,) = [volume for volume in engine.volumes(RUN) if volume.name == "cc-ci-r-backups"]
    assert scratch.labels == RUN


def test_a_helper_that_does_not_exist_is_our_fault(node: Node, engine: DockerEngine) -> None:
    foreign = msgspec.structs.replace(node, kind="foreign")
    reach = HelperReach(
        foreign, LocalRunner(), image="localhost:1/none:1", scratch="cc-ci-r-backups", labels=RUN
    )
    with pytest.raises(InfrastructureError, match="restic: not to be run on the node"):
        Repository(reach, location="/repository/none", redact=Redactor()).create()


def test_hooks_run_in_the_services_own_container(engine: DockerEngine) -> None:
    labels = {**RUN, "com.docker.swarm.service.name": "web_db"}
    options = [f"--label={key}={value}" for key, value in labels.items()]
    program = ["--env=WORD=dumped", "--entrypoint=sleep", HELPER_IMAGE, "600"]
    check(LocalRunner()(["docker", "run", "--detach", *options, *program], env=engine.environment))

    def run(command: str) -> str:
        hook = Hook(service="db", when="backup.pre-hook", command=command, where="compose.yml:9")
        (ran,) = run_hooks(engine, [hook], stack="web", monotonic=SystemClock().monotonic)
        return ran.output

    assert run("echo $WORD > /tmp/dump; cat /tmp/dump") == "dumped"
    assert run("sh -c 'cat /tmp/dump'") == "dumped"
    with pytest.raises(StageFailed, match=r"compose\.yml:9: backup\.pre-hook exit 1: no output"):
        run("false | cat")
