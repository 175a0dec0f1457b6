"""Whose things are, on a real node: what was there before, what a run makes, and what killed runs leave."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling import QUICK

from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.node import Node
from cc_ci.errors import Unverified
from cc_ci.isolation.census import lasting_difference, take
from cc_ci.isolation.holdings import HeldName, Holdings
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.places import places
from cc_ci.lab.sources import repository
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.clock import SystemClock
from cc_ci.system.files import runtime_root, state_root
from cc_ci.system.process import LocalRunner, check

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

IMAGE = "busybox:1.37.0"
STACK = "com.docker.stack.namespace"
Change = tuple[str, str, str]
"""A file of the small recipe, a text in it, and what stands there instead."""
Run = Callable[..., RunResult]


@pytest.fixture(scope="module")
def engine(node: Node) -> DockerEngine:
    found = connect(node, LocalRunner())
    found.pull(IMAGE)
    return found


@pytest.fixture(autouse=True)
def left_as_found(engine: DockerEngine) -> Iterator[None]:
    before = take(engine)
    yield
    assert lasting_difference(engine, before, clock=SystemClock())[0].leaks == ()


@pytest.fixture
def own_places(node: Node, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """State and runtime folders of the test's own, with the machine's nodes, images and recipes in them.

    So what other runs have on this machine is nothing to the commands of the test. Short, for sockets.
    """
    root = Path(tempfile.mkdtemp(prefix="own"))
    state, runtime = root / "s", root / "r"
    state.mkdir()
    runtime.mkdir()
    for there in state_root().iterdir():
        if there.name not in {"scratch", "runs"}:
            (state / there.name).symlink_to(there)
    (runtime / node.name).symlink_to(runtime_root() / node.name)
    for name, value in (
        ("STATE", state),
        ("RUNTIME", runtime),
        ("RUNS", state / "runs"),
        ("NODE", node.name),
    ):
        monkeypatch.setenv(f"CC_CI_{name}", str(value))
    yield root
    shutil.rmtree(root)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the small recipe with changes in its working tree."""

    def make(*changes: Change) -> Path:
        copy = tmp_path / "pocket"
        shutil.copytree(repository("pocket", runner=LocalRunner()), copy)
        for file, old, new in changes:
            text = (copy / file).read_text()
            assert old in text
            (copy / file).write_text(text.replace(old, new))
        return copy

    return make


def cc_ci(*arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "cc_ci", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=400)


@pytest.fixture
def run(own_places: Path, changed: Callable[..., Path]) -> Run:
    def call(stage: str, *changes: Change, trust: str | None = None) -> RunResult:
        trusted = ["--trust", trust] if trust else []
        asked = ("--stage", stage, "--deadline", "300", *QUICK, *trusted)
        called = cc_ci("run", str(changed(*changes)), *asked)
        assert called.returncode != 2, called.stderr
        return Store(own_places / "s" / "runs").load()

    return call


def docker(node: Node, *arguments: str, stdin: str | None = None) -> str:
    argv = ["docker", *arguments]
    return check(LocalRunner()(argv, env={"DOCKER_HOST": node.docker_host}, stdin=stdin)).stdout.strip()


# what was there before

FIXED = ("compose.yml", "volumes:\n  notes:\n", "volumes:\n  notes:\n    name: precious\n")


@pytest.mark.attack(
    what="A recipe gives its volume the fixed name of a volume on the node.",
    before="The app was given somebody's data, and the teardown removed it; the run was green.",
    now="The deployment is refused with file and line, and the volume is unchanged.",
    layer="engine",
)
def test_a_volume_that_was_there_before_is_neither_used_nor_removed(
    run: Run, engine: DockerEngine, node: Node
) -> None:
    docker(node, "run", "--rm", "--volume=precious:/data", IMAGE, "sh", "-c", "echo mine >/data/it")
    try:
        # the policy would refuse the name by reading
        result = run("install", FIXED, trust="volume-name:precious")
        assert (result.exit_code, result.census.leaks) == (5, ())
        install = next(stage for stage in result.stages if stage.name == "install")
        assert (install.outcome, install.blame) == ("unverified", None)
        assert "compose.yml:" in (install.reason or "")
        assert "volume precious: on the node already, made by no run, and left alone" in (
            install.reason or ""
        )
        kept = docker(node, "run", "--rm", "--volume=precious:/data", IMAGE, "cat", "/data/it")
        assert kept == "mine"
    finally:
        engine.remove_volume("precious")


@pytest.mark.attack(
    what="A recipe's config has the same fixed name and the same content as one on the node.",
    before="Docker put it into the run's stack, and removed it with the stack.",
    now="The deployment is refused; the same holds for secrets and networks.",
    layer="engine",
)
@pytest.mark.parametrize("kind", ["config", "secret", "network", "volume"])
def test_no_name_is_claimed_that_something_has(engine: DockerEngine, node: Node, kind: str) -> None:
    made = {
        "config": ("config", "create", "precious", "-"),
        "secret": ("secret", "create", "precious", "-"),
        "network": ("network", "create", "--driver=overlay", "precious"),
        "volume": ("volume", "create", "precious"),
    }[kind]
    docker(node, *made, stdin="content")
    holdings = Holdings(engine, run="r1", clock=SystemClock())
    try:
        with pytest.raises(Unverified, match=f"{kind} precious: on the node already"):
            holdings.claim("install", "web", [HeldName(kind=kind, name="precious", key=f"{kind}s.x")])  # type: ignore[arg-type]
        holdings.remove("install")
        docker(node, kind, "inspect", "precious")
    finally:
        docker(node, kind, "rm", "precious")


# what a run makes

OLD = "0.1.9+1.37.0"


def released_before(copy: Path, *changes: Change) -> None:
    """Make a release with these changes, and after it a commit with the tree as it was."""
    git = ["git", "-C", str(copy), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    tree = check(LocalRunner()([*git, "rev-parse", "HEAD"])).stdout.strip()
    for file, old, new in changes:
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new))
    for words in (
        ("commit", "-qam", "the version before"),
        ("tag", "-a", "-m", OLD, OLD),
        ("read-tree", "-u", "--reset", tree),
        ("commit", "-qm", "the version under test"),
    ):
        check(LocalRunner()([*git, *words]))


@pytest.fixture
def upgrade(own_places: Path, changed: Callable[..., Path]) -> Run:
    """Upgrade from a release with changes of its own to the small recipe as it is."""

    def call(*before: Change) -> RunResult:
        copy = changed()
        released_before(copy, *before)
        asked = ("--stage", "upgrade", "--from", OLD, "--deadline", "300", *QUICK)
        called = cc_ci("run", str(copy), *asked)
        assert called.returncode != 2, called.stderr
        return Store(own_places / "s" / "runs").load()

    return call


DROPPED = "  dropped:\n    external: true\n    name: ${STACK_NAME}_dropped_${SECRET_DROPPED_VERSION}\n"


def test_what_an_upgrade_drops_or_renames_goes_with_the_rest_and_lost_data_is_no_contamination(
    upgrade: Run,
) -> None:
    result = upgrade(
        ("compose.yml", "      - notes:/notes\n", "      - old-notes:/notes\n"),
        ("compose.yml", "\nvolumes:\n  notes:\n", "\nvolumes:\n  old-notes:\n"),
        ("compose.yml", "backup.volumes.notes.path", "backup.volumes.old-notes.path"),
        ("compose.yml", "      - password\n", "      - password\n      - dropped\n"),
        ("compose.yml", "\nsecrets:\n", f"\nsecrets:\n{DROPPED}"),
        (".env.sample", "SECRET_PASSWORD", "SECRET_DROPPED_VERSION=v1\nSECRET_PASSWORD"),
    )
    assert (result.exit_code, result.census.leaks) == (1, ()), result.because
    stage = next(one for one in result.stages if one.name == "upgrade")
    assert (stage.outcome, stage.blame) == ("failed", "recipe")
    assert "data was lost" in (stage.reason or "")


def test_an_old_image_that_is_gone_is_the_old_versions(upgrade: Run) -> None:
    result = upgrade(("compose.yml", "image: busybox:1.37.0", "image: busybox:0.0.1"))
    assert (result.exit_code, result.census.leaks) == (5, ()), result.because
    stage = next(one for one in result.stages if one.name == "upgrade")
    assert stage.outcome == "unverified"
    assert "image busybox:0.0.1" in (stage.reason or "")


def test_an_anonymous_volume_of_a_runs_container_is_its_own_and_somebody_elses_is_not(
    engine: DockerEngine, node: Node
) -> None:
    holdings = Holdings(engine, run="r1", clock=SystemClock())
    holdings.claim("install", "web", [HeldName(kind="volume", name="web_content")])
    ours = docker(node, "create", "--label=cc-ci.run=r1", f"--label={STACK}=web", "--volume=/data", IMAGE)
    theirs = docker(node, "create", "--volume=/data", IMAGE)
    holdings.see_mounts("install")
    seen = {one.id: one.volumes for one in engine.containers()}
    # as a person removes a container, the volume stays
    docker(node, "rm", ours, theirs)
    try:
        assert {*seen[ours], *seen[theirs]} <= {volume.name for volume in engine.volumes()}
        after = take(engine, mounted=holdings.mounted)
        owners = {item.name: item.run for item in after.items}
        assert (owners[seen[ours][0]], owners[seen[theirs][0]]) == ("r1", None)
        holdings.remove("install")
        assert [one.name for one in engine.volumes()] == list(seen[theirs])
    finally:
        engine.remove_volume(seen[theirs][0])


# what killed runs leave


def killed_at(line: str, *arguments: str) -> str:
    """Start a run, and kill it at once when it says `line`; all that it said."""
    argv = [sys.executable, "-m", "cc_ci", "run", "pocket", *arguments, *QUICK]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    said = []
    for text in process.stderr:
        said.append(text)
        if line in text:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert line in said[-1], "".join(said)
    return "".join(said)


def left_on_disk(root: Path, node: Node) -> list[str]:
    """Whatever is left of runs beside results: scratch, suites' folders, keys and names of proxies."""
    folders = (root / "s" / "scratch", root / "r", places(node.name).proxies)
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted(path.name for path in found if not path.is_symlink() and path.name != "docker-client")


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("install: pull", "install"),
        ("waiting for all tasks to run", "install"),
        ("waiting for the suite's tests", "functional"),
        ("waiting for hooks and restic", "backup"),
    ],
)
def test_nothing_is_left_of_a_run_that_was_killed_once_it_is_reaped(
    own_places: Path, node: Node, engine: DockerEngine, line: str, stage: str
) -> None:
    killed_at(line, "--stage", stage)
    called = cc_ci("reap", "--json")
    assert called.returncode == 0, called.stdout + called.stderr
    assert json.loads(called.stdout)["reaped"]["failed"] == []
    assert left_on_disk(own_places, node) == []
    assert NodeGroup(node.cgroup or "").below("suite") == ()
    assert take(engine).runs() == ()


@pytest.mark.attack(
    what="A run is killed while it reads its recipe, before it has a lease on any node.",
    before="Its folder, with the recipe's files, stayed for ever: no node knew of the run.",
    now="Nobody holds the folder's lock, so `reap` removes it, even while no node is up.",
    layer="census",
)
def test_a_run_that_died_before_it_had_a_lease_leaves_nothing(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_places / "s" / "scratch" / "pocket-20260131-120000-1a2b" / "clone").mkdir(parents=True)
    (own_places / "r" / "suite-12345678").mkdir()
    monkeypatch.setenv("CC_CI_NODE", "unix:///nowhere.sock")
    called = cc_ci("reap")
    assert "does not answer" in called.stderr
    assert called.stdout.count("removed  folder") == 2
    assert list((own_places / "s" / "scratch").iterdir()) == []
