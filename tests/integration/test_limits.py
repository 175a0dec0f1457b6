"""Apps and suites that take all that they can get: what stops them, what survives, and what is said of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from calling import QUICK
from nodes_of_tests import wanted

from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.labels import DEPLOYMENT, RUN, SERVICE, STACK
from cc_ci.engine.node import Node
from cc_ci.errors import EndedEarly, Stopped
from cc_ci.isolation.app_groups import AppGroups
from cc_ci.isolation.exhaustion import LimitHit
from cc_ci.isolation.limit_watch import LimitWatch
from cc_ci.isolation.written import RunsData
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.places import places
from cc_ci.lab.sources import repository
from cc_ci.suite.facts import read_suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.suite.report import TestReport
from cc_ci.suite.runner import SuiteRunner
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.waiting import wait_until

NAME = "itlim" + os.environ.get("PYTEST_XDIST_WORKER", "")
IMAGE = "busybox:1.35.0"
pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

BOMB = "for i in $(seq 6000); do sleep 1000 & done; sleep 1000"
HOG = "tail /dev/zero"
"""Keeps what it reads until a line ends, which never comes."""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    private = PrivateNode(NAME)
    private.forget()
    yield private.up(wanted(memory_bytes=3 << 29, disk_bytes=256 << 20))
    private.remove()


@pytest.fixture(scope="module")
def engine(node: Node) -> DockerEngine:
    made = connect(node, LocalRunner())
    made.pull(IMAGE)
    return made


class Apps:
    """Containers as a run's services have them, and the watch over that run."""

    def __init__(self, engine: DockerEngine, node: Node) -> None:
        assert node.apps
        assert node.cgroup
        self.engine = engine
        self.run = f"r-{os.urandom(3).hex()}"
        self.stopped: list[Stopped] = []
        self.seen: list[LimitHit] = []
        here, groups = places(node.name), AppGroups(node.cgroup)
        data = RunsData(engine, here, run=self.run, runner=LocalRunner(), pids=groups.pids)
        self.watch = LimitWatch(
            engine,
            groups,
            data,
            run=self.run,
            limits=node.apps,
            folder=here.state,
            stop=self.stopped.append,
        )

    def docker(self, *arguments: str) -> str:
        argv = ["docker", *arguments]
        return check(LocalRunner()(argv, env=self.engine.environment, timeout=120)).stdout.strip()

    def start(self, script: str, *options: str, service: str = "app", run: str | None = None) -> str:
        labels = {RUN: run or self.run, DEPLOYMENT: "install", STACK: "s", SERVICE: f"s_{service}"}
        given = [f"--label={key}={value}" for key, value in labels.items()]
        return self.docker("run", "--detach", *given, *options, IMAGE, "sh", "-c", script)

    def await_hit(self) -> str:
        """What is said of the first limit that is reached."""

        def look() -> list[LimitHit]:
            self.seen += self.watch.hits()
            return self.seen

        wait_until(look, name="a limit", ready=bool, timeout=60, clock=SystemClock(), interval=0.1)
        return self.seen[0].text

    def remove(self) -> None:
        for container in self.engine.containers({STACK: "s"}):
            self.docker("rm", "--force", "--volumes", container.id)
        for volume in self.engine.volumes({RUN: self.run}):
            self.docker("volume", "rm", volume.name)


@pytest.fixture
def apps(engine: DockerEngine, node: Node) -> Iterator[Apps]:
    made = Apps(engine, node)
    with made.watch:
        yield made
    made.remove()


def daemons() -> dict[str, int | None]:
    status = PrivateNode(NAME).status()
    assert status is not None
    return dict(status.processes)


@pytest.mark.attack(
    what="An app starts 6000 processes.",
    before="They ran, and the run was green.",
    now="A container has at most 4096; the run fails and names the service and the limit.",
    layer="engine",
)
def test_a_fork_bomb_ends_at_the_limit_of_one_container(apps: Apps, node: Node) -> None:
    before, container = daemons(), apps.start(BOMB)
    assert apps.await_hit().startswith(
        "service app: it started more processes than one container may have here (4096)"
    )
    # the shell may have ended by now, with all that it started
    use = AppGroups(node.cgroup or "").use(container)
    assert use is None or use.processes <= 4096
    # another app on the node still can
    assert apps.docker("run", "--rm", IMAGE, "sh", "-c", "sleep 0 & echo $!") != ""
    assert daemons() == before


@pytest.mark.attack(
    what="An app takes all memory that the node has.",
    before="The kernel might have killed the engine instead, and the run was blamed on cc-ci.",
    now="The app is killed, the engine keeps running, and the message says who used the memory.",
    layer="engine",
)
def test_an_app_that_takes_all_memory_is_ended_and_the_engine_goes_on(apps: Apps) -> None:
    before, neighbour = daemons(), apps.start("sleep 1000", service="db")
    apps.start(f"{HOG}; sleep 1000")
    said = apps.await_hit()
    assert said.startswith("service app: a process of it was killed: out of memory: the apps on the node may")
    assert "`cc-ci node up --memory` gives the node more" in said
    assert daemons() == before
    assert "true" in apps.docker("inspect", "--format", "{{.State.Running}}", neighbour)


def test_apps_end_before_daemons_where_the_node_is_out_of_memory(apps: Apps, node: Node) -> None:
    container = apps.start("while :; do sleep 1000; done")
    wait_until(
        lambda: apps.watch.hits() or scores(AppGroups(node.cgroup or "").pids(container)),
        name="the app's oom_score_adj",
        ready=lambda found: found == {500},
        timeout=10,
        clock=SystemClock(),
    )
    own = [pid for pid in daemons().values() if pid]
    # they may be lowered, but for a machine that is a container itself
    assert scores(own) in ({-900}, {0})


def scores(pids: Iterable[int]) -> set[int]:
    return {int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in pids}


@pytest.mark.parametrize("script", [HOG, f"{HOG}; sleep 1000"], ids=["all", "a child"])
def test_a_service_s_own_limit_is_told_as_such(apps: Apps, script: str) -> None:
    apps.start(f"exec {script}" if script == HOG else script, "--memory=32m", "--memory-swap=32m")
    assert "out of memory at its own limit of 32 MiB (deploy.resources.limits.memory)" in apps.await_hit()


@pytest.mark.attack(
    what="An app takes the node's memory, so that another run's app is killed.",
    before="The other run failed, and its own recipe was blamed.",
    now="The other run's message says who used the memory, and its recipe is not blamed.",
    layer="engine",
)
def test_another_run_s_hunger_is_not_this_recipe_s_fault(apps: Apps, node: Node) -> None:
    # what the kernel ends first is large and asks for it: this one has a third, the other one all the rest
    holds = "{ head -c 450m /dev/zero; exec sleep 1000; } | tail"
    held = apps.start(f"echo 1000 > /proc/self/oom_score_adj; {holds}", service="db")
    groups = AppGroups(node.cgroup or "")
    wait_until(
        lambda: groups.use(held),
        name="what the app holds",
        ready=lambda use: use is not None and use.memory_bytes > 450 << 20,
        timeout=30,
        clock=SystemClock(),
    )
    apps.start(HOG, run="r-other")
    said = apps.await_hit()
    assert said.startswith("service db: ")
    assert "out of memory: the apps on the node may have" in said
    assert "run r-other has" in said
    assert all(hit.others for hit in apps.seen)


@pytest.mark.attack(
    what="An app fills the disk through a volume.",
    before="The writing went on until the machine's disk was full.",
    now="The app is stopped soon after its limit, and so is the run; the message names the volume.",
    layer="engine",
)
def test_an_app_that_writes_too_much_is_ended_and_its_volume_named(apps: Apps) -> None:
    apps.docker("volume", "create", f"--label={RUN}={apps.run}", f"v-{apps.run}")
    apps.start("dd if=/dev/zero of=/v/x bs=1M count=4000", f"--volume=v-{apps.run}:/v")
    said = apps.await_hit()
    assert f"(volume v-{apps.run}): the apps of one run may write 256 MiB here" in said
    assert [type(one) for one in apps.stopped] == [EndedEarly]
    assert stopped(apps)


@pytest.mark.attack(
    what="An app fills the disk with a file that it has deleted, so that no folder shows the file.",
    before="The writing went on until the machine's disk was full.",
    now="Open files without a name are counted too.",
    layer="engine",
)
def test_a_file_without_a_name_is_counted(apps: Apps) -> None:
    apps.start("exec 3> /x; rm /x; dd if=/dev/zero bs=1M count=4000 >&3")
    assert "(files that it removed and keeps open)" in apps.await_hit()
    assert stopped(apps)


def stopped(apps: Apps) -> bool:
    wait_until(
        lambda: {one.state for one in apps.engine.containers({RUN: apps.run})},
        name="the app's end",
        ready=lambda states: states == {"exited"},
        timeout=20,
        clock=SystemClock(),
    )
    return True


@pytest.mark.attack(
    what="An app writes hundreds of megabytes to its log.",
    before="The engine kept all of it on the machine's disk.",
    now="The newest 32 MiB of each container's log are kept.",
    layer="engine",
)
def test_a_log_has_an_end(apps: Apps, node: Node) -> None:
    container = apps.start("yes 0123456789012345678901234567890123456789 | head -c 100000000")
    apps.docker("wait", container)
    here = places(node.name)
    folder = here.volumes(remapped=here.remapped).parent / "containers" / container
    logs = [path for path in folder.iterdir() if "-json.log" in path.name]
    assert 16 << 20 < sum(path.stat().st_size for path in logs) < 36 << 20


# suites


@pytest.fixture
def suite(node: Node, tmp_path: Path) -> Callable[[str], TestReport]:
    def run(body: str) -> TestReport:
        folder = tmp_path / "suite"
        folder.mkdir()
        (folder / "suite.toml").write_text('recipe = "tiny"\n')
        (folder / "test_attack.py").write_text(
            f"def test_attack():\n    {body}\n    assert False, 'reached'\n"
        )
        runner = SuiteRunner(
            node=node,
            runner=LocalRunner(),
            clock=SystemClock(),
            logs=lambda service: service,
            scratch_root=tmp_path / "scratch",
        )
        app = AppFacts(domain="tiny.ci.test", stack_name="tiny", services=("app",))
        return runner.run_tests(read_suite(folder), app, evidence=tmp_path / "evidence", timeout=60)

    (tmp_path / "scratch").mkdir()
    return run


@pytest.mark.attack(
    what="A suite takes all memory.",
    before="It took the machine's memory, outside the node's limits.",
    now="It is killed when it reaches its own share of the node's memory.",
    layer="sandbox",
)
def test_a_suite_has_no_more_memory_than_its_share(suite: Callable[[str], TestReport]) -> None:
    before = daemons()
    report = suite("kept = [bytearray(1 << 24) for _ in range(1 << 10)]")
    assert "were ended: out of memory; suites may have half of the node's" in " ".join(report.problems)
    assert daemons() == before


@pytest.mark.attack(
    what="A suite writes gigabytes into its evidence folder.",
    before="The writing went on until the machine's disk was full.",
    now="It is stopped soon after 512 MiB.",
    layer="sandbox",
)
def test_a_suite_s_evidence_has_an_end(suite: Callable[[str], TestReport], tmp_path: Path) -> None:
    report = suite(
        "import itertools, os\n"
        "    for at in itertools.count():\n"
        "        with open(f'/evidence/{at}', 'wb') as stream:\n"
        "            stream.write(bytes(1 << 24))"
    )
    assert "its evidence grew beyond 512 MiB or 10000 files" in " ".join(report.problems)
    assert sum(path.stat().st_size for path in (tmp_path / "evidence").rglob("*")) < 130 << 20


@pytest.mark.attack(
    what="A suite starts processes without end.",
    before="Its user's limit of 4096 applied, outside the node's own limit.",
    now="Its control group's limit applies, and the report says so.",
    layer="sandbox",
)
def test_a_suite_has_no_more_processes_than_its_share(suite: Callable[[str], TestReport]) -> None:
    report = suite(
        "import os, time\n    while True:\n        if os.fork() == 0:\n            time.sleep(1000)"
    )
    # or it takes all memory before, by its processes alone
    said = ("it started more processes than a suite may have here", "its processes were ended: out of memory")
    assert any(one in problem for problem in report.problems for one in said)


@pytest.mark.attack(
    what="A suite opens files without end.",
    before="It could have as many open files as cc-ci's own shell.",
    now="It has at most 16384.",
    layer="sandbox",
)
def test_a_suite_has_only_so_many_files_open(suite: Callable[[str], TestReport]) -> None:
    report = suite("kept = [open('/etc/hosts') for _ in range(17000)]")
    assert "Too many open files" in (report.tests[0].message or "")


# a run, whole


def test_a_recipe_with_a_fork_bomb_fails_and_is_told_why(node: Node, tmp_path: Path) -> None:
    recipe = tmp_path / "pocket"
    shutil.copytree(repository("pocket", runner=LocalRunner()), recipe)
    entry = recipe / "entrypoint.sh"
    first, *others = entry.read_text().splitlines()
    entry.write_text("\n".join([first, f"({BOMB}) 2>/dev/null &", *others, ""]))
    asked = ("--node", node.name, "--stage", "functional", *QUICK)
    argv = [sys.executable, "-m", "cc_ci", "run", str(recipe), *asked]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "failed: service app: it started more processes than one container may have" in done.stdout
