"""With the real restic: on folders of this machine, in a node's namespaces, and in containers of a node."""

import contextlib
import io
import os
import re
import secrets
import shutil
import socket
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from cc_ci.backups import hooks
from cc_ci.backups.hooks import Hook, run_hooks
from cc_ci.backups.marking import MarkerPlace, VolumeMarkers
from cc_ci.backups.places import volume_content, volume_folder
from cc_ci.backups.reach import HELPER_IMAGE, HelperReach, Reach, SandboxReach
from cc_ci.backups.restic import Repository, Snapshot
from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed, Unverified
from cc_ci.isolation.census import lasting_difference, take
from cc_ci.isolation.reaper import Reaper
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.redaction import Redactor

pytestmark = pytest.mark.integration

RUN = {"cc-ci.run": "r-backups"}
TOOLS = (
    *("restic", "sh", "find", "rm", "stat", "xargs", "mkdir", "tar", "base64", "gzip", "head", "du"),
    *("bash", "cat", "ln", "ls", "sleep", "false"),
)
"""What a helper image has to bring."""


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
    assert lasting_difference(engine, before, clock=SystemClock())[0].leaks == ()


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


@pytest.fixture
def sandbox(node: Node, engine: DockerEngine, tmp_path: Path) -> SandboxReach:
    return SandboxReach(node, LocalRunner(), inspect=engine.volume, repository=tmp_path / "restic")


@pytest.fixture(params=["sandbox", "helper"])
def reach(request: pytest.FixtureRequest, sandbox: SandboxReach, node: Node, engine: DockerEngine) -> Reach:
    """Both ways to a node's volumes."""
    return sandbox if request.param == "sandbox" else helper_of(node, engine)


def helper_of(node: Node, engine: DockerEngine, *, image: str = HELPER_IMAGE) -> HelperReach:
    foreign = msgspec.structs.replace(node, kind="foreign")
    scratch = f"cc-ci-r-{secrets.token_hex(4)}"
    return HelperReach(
        foreign, LocalRunner(), inspect=engine.volume, image=image, scratch=scratch, labels=RUN
    )


@pytest.fixture
def place(engine: DockerEngine) -> MarkerPlace:
    """The root of a new volume."""
    name = f"web_{secrets.token_hex(4)}"
    engine.create_volume(name, labels=RUN)
    return MarkerPlace(volume=name, key="content")


@pytest.fixture
def content(engine: DockerEngine, place: MarkerPlace) -> Path:
    """Where the volume's files are on this machine."""
    volume = engine.volume(place.volume)
    assert volume
    return Path(volume.mountpoint)


def repository_of(reach: Reach) -> Repository:
    made = Repository(reach, redact=Redactor())
    made.create()
    return made


@pytest.fixture
def repository(sandbox: SandboxReach) -> Repository:
    return repository_of(sandbox)


def as_the_apps(content: Path) -> None:
    """Give what lies in a volume to whom the volume belongs: on the machine, an app's root is nobody."""
    for path in content.rglob("*"):
        os.lchown(path, content.stat().st_uid, content.stat().st_gid)


def backup(repository: Repository, place: MarkerPlace, *parts: str) -> Snapshot:
    paths = [f"{volume_content(place.volume)}/{part}" for part in parts] or [volume_folder(place.volume)]
    return repository.backup(paths, volumes=[place.volume], tag="web")


def test_a_marker_comes_back_whole_and_a_later_one_goes(
    reach: Reach, place: MarkerPlace, content: Path
) -> None:
    user = content.stat().st_uid + 101
    os.chown(content, user, user + 1)
    repository, markers = repository_of(reach), VolumeMarkers(reach)
    assert markers.write("kept", "one", [place]) == (place,)
    snapshot = backup(repository, place)
    markers.write("kept", "changed", [place])
    markers.delete("kept", [place])
    markers.write("later", "two", [place])
    (content / "deep" / "er").mkdir(parents=True)
    as_the_apps(content)
    assert repository.restore(snapshot).removed == (
        f"{volume_content(place.volume)}/.cc-ci-later",
        f"{volume_content(place.volume)}/deep",
    )
    kept = markers.read("kept", [place], exactness="exact")[place]
    assert (kept.value, kept.faults) == ("one", ())
    owned = (content / ".cc-ci-kept" / "binary").stat()
    assert (owned.st_uid, owned.st_gid) == (user, user + 1)
    assert markers.read("later", [place], exactness="exact")[place].value is None
    assert sorted(path.name for path in content.iterdir()) == [".cc-ci-kept"]


def test_every_kind_of_file_comes_back(repository: Repository, place: MarkerPlace, content: Path) -> None:
    (content / "page.html").write_text("first")
    (content / "page.html").chmod(0o640)
    (content / "[odd] *name?").write_text("odd")
    (content / "new\nline").write_text("x")
    Path(os.fsdecode(bytes(content) + b"/no text \xff")).write_text("x")
    os.mkfifo(content / "pipe")
    os.mknod(content / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (content / "link").symlink_to("/etc/passwd")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"/proc/self/fd/{os.open(content, os.O_PATH)}/sock")
    before = {path.name: path.lstat().st_mode for path in content.iterdir()}
    snapshot = backup(repository, place)
    for path in content.iterdir():
        path.unlink()
    (content / "null").write_text("no device any more")
    assert repository.restore(snapshot).removed == ()
    after = {path.name: path.lstat().st_mode for path in content.iterdir()}
    del before["sock"]  # restic keeps none
    assert after == before
    assert (content / "page.html").read_text() == "first"


def test_only_the_paths_that_were_backed_up_are_touched(
    repository: Repository, place: MarkerPlace, content: Path
) -> None:
    odd = content / "[odd] *name?"
    odd.write_text("odd")
    (content / "page.html").write_text("first")
    snapshot = backup(repository, place, "[odd] *name?")
    odd.write_text("changed")
    (content / "page.html").write_text("second")
    (content / "later").write_text("x")
    assert repository.restore(snapshot).removed == ()
    assert odd.read_text() == "odd"
    assert (content / "page.html").read_text() == "second"
    assert (content / "later").exists()


def test_another_password_opens_nothing(
    sandbox: SandboxReach, repository: Repository, place: MarkerPlace
) -> None:
    assert backup(repository, place).id
    other = Repository(sandbox, redact=Redactor())
    with pytest.raises(InfrastructureError, match=r"restic backup: exit 1.*password"):
        backup(other, place)


def test_a_helper_that_does_not_exist_is_our_fault(node: Node, engine: DockerEngine) -> None:
    helper = helper_of(node, engine, image="localhost:1/none:1")
    with pytest.raises(InfrastructureError, match="restic: not to be run on the node"):
        Repository(helper, redact=Redactor()).create()


def test_hooks_run_in_the_services_own_container(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = {**RUN, "com.docker.swarm.service.name": "web_db"}
    options = [f"--label={key}={value}" for key, value in labels.items()]
    program = ["--env=WORD=dumped", "--entrypoint=sleep", HELPER_IMAGE, "600"]
    check(LocalRunner()(["docker", "run", "--detach", *options, *program], env=engine.environment))

    def run(command: str) -> None:
        hook = Hook(service="db", when="backup.pre-hook", command=command, where="compose.yml:9")
        run_hooks(engine, [hook], stack="web", monotonic=SystemClock().monotonic, patience=2)

    run("echo $WORD > /tmp/dump")
    run("sh -c '[ $(cat /tmp/dump) = dumped ]'")
    with pytest.raises(StageFailed, match=r"compose\.yml:9: backup\.pre-hook exit 1: no output"):
        run("false | cat")
    monkeypatch.setattr(hooks, "PATIENCE", 2.0)
    with pytest.raises(StageFailed, match=r"compose\.yml:9: backup\.pre-hook still ran after 2 s"):
        run("sleep 600")


# what an app may do to its volumes while tools walk there


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the machine that no volume has; root may do there what it likes."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("value", "page", "kept"):
        (folder / name).write_text("the machine's own")
    return folder


def untouched(outside: Path) -> bool:
    there = {path.name: path.read_text() for path in outside.iterdir()}
    return there == dict.fromkeys(("value", "page", "kept"), "the machine's own")


@pytest.mark.attack(
    what="Before the restore, an app swaps a folder that was backed up for a link to a folder of the host.",
    before="The restore wrote to the link's target as root, and deleted there what was not in the backup.",
    now="In the sandbox the link leads nowhere, and the restore puts the folder back.",
    layer="sandbox",
)
def test_a_link_that_an_app_swaps_in_leads_nowhere(
    reach: Reach, place: MarkerPlace, content: Path, outside: Path
) -> None:
    repository = repository_of(reach)
    uploads = msgspec.structs.replace(place, folder="uploads")
    (content / "uploads").mkdir()
    (content / "uploads" / "page").write_text("the app's")
    as_the_apps(content)
    snapshot, deep = backup(repository, place, "uploads"), backup(repository, place, "uploads/page")
    shutil.rmtree(content / "uploads")
    (content / "uploads").symlink_to(outside)
    as_the_apps(content)
    markers = VolumeMarkers(reach)
    assert markers.write("kept", "v1", [uploads]) == ()
    assert markers.read("kept", [uploads], exactness="usable")[uploads].value is None
    markers.delete("kept", [uploads])
    # below a link there is nothing, so nothing is backed up, and what is restored there fails
    with pytest.raises(CommandFailed):
        backup(repository, place, "uploads/page")
    with pytest.raises(CommandFailed):
        repository.restore(deep)
    assert untouched(outside)
    repository.restore(snapshot)
    assert not (content / "uploads").is_symlink()
    assert (content / "uploads" / "page").read_text() == "the app's"
    assert untouched(outside)


RACE = """
cd /v
while :; do
  rm -rf up && mkdir up && sleep 0.01
  rm -rf up && ln -s "$0" up && sleep 0.01
done
"""


@pytest.mark.attack(
    what="A container swaps a folder for links to the host again and again, while backups walk there.",
    before="Now and then the tools followed a link, and wrote and deleted on the host as root.",
    now="Each call sees only the volume, so whoever wins the race finds nothing behind the link.",
    layer="sandbox",
)
def test_links_that_are_swapped_while_tools_walk_lead_nowhere(
    engine: DockerEngine, reach: Reach, place: MarkerPlace, content: Path, outside: Path
) -> None:
    repository, markers = repository_of(reach), VolumeMarkers(reach)
    up = msgspec.structs.replace(place, folder="up")
    (content / "up").mkdir()
    (content / "up" / "page").write_text("the app's")
    as_the_apps(content)
    snapshot = backup(repository, place, "up")
    labels = [f"--label={key}={value}" for key, value in RUN.items()]
    options = ["--detach", *labels, f"--volume={place.volume}:/v", "--entrypoint=sh", HELPER_IMAGE]
    argv = ["docker", "run", *options, "-c", RACE, str(outside)]
    racer = check(LocalRunner()(argv, env=engine.environment)).stdout.strip()
    turns: tuple[Callable[[], object], ...] = (
        lambda: repository.restore(snapshot),
        lambda: markers.write("kept", "v1", [up]),
        lambda: markers.delete("kept", [up]),
    )
    seen = set()
    for turn in turns * (6 if isinstance(reach, SandboxReach) else 2):
        with contextlib.suppress(CommandFailed, StageFailed):
            turn()
        seen |= {(content / "up").is_symlink() for _ in range(100)}
    engine.remove_container(racer)
    assert True in seen
    assert untouched(outside)


SEEN = """
ls / /run /var/lib /var/lib/docker /var/lib/docker/volumes /home /root 2>/dev/null
for path in /proc/1/environ /var/run/docker.sock /etc/shadow; do [ -e $path ] && echo "$path is there"; done
for path in /usr/x "$1/x"; do (echo x >$path) 2>/dev/null && echo "wrote $path"; done
: </dev/tcp/127.0.0.1/22 && echo connected
"""


def test_a_tool_sees_one_volume_and_no_more_of_the_machine(
    engine: DockerEngine, sandbox: SandboxReach, place: MarkerPlace
) -> None:
    engine.create_volume("web_other", labels=RUN)
    argv = ("bash", "-c", SEEN, "bash", volume_content(place.volume))
    seen = sandbox(argv, volumes=[place.volume], access="reads", timeout=60).stdout
    assert place.volume in seen.splitlines()
    for word in ("is there", "wrote", "web_other", "cc-ci", "connected"):
        assert word not in seen
    changes = sandbox(argv, volumes=[place.volume], access="changes", timeout=60).stdout
    assert [line for line in changes.splitlines() if "wrote" in line] == [
        f"wrote {volume_content(place.volume)}/x"
    ]


def test_a_helper_has_no_network_and_few_rights(node: Node, engine: DockerEngine, place: MarkerPlace) -> None:
    helper = helper_of(node, engine)
    look = "cat /proc/self/status /proc/net/dev; ls /var/lib/docker/volumes"
    seen = helper(("sh", "-c", look), volumes=[place.volume], access="reads", timeout=60).stdout
    assert re.search(r"^CapEff:\s*0000000000000004$", seen, re.MULTILINE)  # CAP_DAC_READ_SEARCH
    assert re.search(r"^NoNewPrivs:\s*1$", seen, re.MULTILINE)
    assert "eth" not in seen
    assert seen.splitlines()[-1] == place.volume


MANY = 5_000


@pytest.mark.attack(
    what="After the backup an app fills its volume with 5000 odd names and a tree of 5000 folders.",
    before="The lists of both filled cc-ci's memory, and names that are not text stayed behind.",
    now="After the restore all of it is gone within seconds, and nothing else is.",
    layer="sandbox",
)
def test_many_odd_files_and_a_deep_tree_are_removed(
    repository: Repository, place: MarkerPlace, content: Path
) -> None:
    (content / "kept").mkdir()
    (content / "kept" / "page").write_text("first")
    snapshot = backup(repository, place)
    for number in range(MANY):
        odd = os.fsdecode(bytes([0x80 + number % 64]))
        (content / f"{number}\n\x07\x1b[31m{odd}").touch()
    deep_tree(content / "kept")
    assert len(repository.restore(snapshot).removed) == MANY + 1
    assert [path.name for path in content.iterdir()] == ["kept"]
    assert [path.name for path in (content / "kept").iterdir()] == ["page"]

    deep_tree(content)
    with pytest.raises(StageFailed, match=r"restic can't read .*file name too long"):
        backup(repository, place)


def deep_tree(folder: Path) -> None:
    """5000 folders in each other, deeper than any path can be."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.attack(
    what="A volume's driver options mount a folder of the host, and its labels request a backup of it.",
    before="The folder was backed up, and the restore wrote to it and deleted files in it.",
    now="The engine reports that it is not a plain folder, so nothing in it is touched.",
    layer="engine",
)
def test_a_volume_that_is_a_folder_of_the_host_is_not_touched(
    engine: DockerEngine, reach: Reach, outside: Path
) -> None:
    labels = [f"--label={key}={value}" for key, value in RUN.items()]
    options = [f"--opt={option}" for option in ("type=none", "o=bind", f"device={outside}")]
    name = f"web_{secrets.token_hex(4)}"
    argv = ["docker", "volume", "create", *labels, *options, name]
    check(LocalRunner()(argv, env=engine.environment))
    place = MarkerPlace(volume=name, key="content")
    with pytest.raises(Unverified, match=r"device=.* no folder of the engine's own"):
        VolumeMarkers(reach).write("kept", "v1", [place])
    with pytest.raises(Unverified):
        backup(repository_of(reach), place)
    assert untouched(outside)
