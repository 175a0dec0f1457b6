from collections.abc import Mapping, Sequence

import pytest

from cc_ci.backups.hooks import PATIENCE, Hook, hook_argv, run_hooks
from cc_ci.backups.last_words import last_words
from cc_ci.engine.state import Container
from cc_ci.errors import CommandFailed, StageFailed
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed
from cc_ci.system.units import EpochSeconds

HOOK = Hook(service="db", when="backup.pre-hook", command="/dump.sh", where="compose.yml:31: services.db")


def container(identity: str, *, state: str = "running", created: float = 1.0) -> Container:
    return Container(
        id=identity,
        name=identity,
        labels={"com.docker.swarm.service.name": "web_db"},
        created=EpochSeconds(created),
        state=state,
        image="x",
        image_id="x",
    )


class Containers:
    """Containers that a program can be run in; each run takes two seconds."""

    def __init__(self, *there: Container, returncode: int = 0, clock: ManualClock) -> None:
        self.there = there
        self.returncode = returncode
        self.clock = clock
        self.ran: list[tuple[str, tuple[str, ...]]] = []
        self.timeouts: list[float] = []
        self.hangs = False

    def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        return tuple(found for found in self.there if labels.items() <= found.labels.items())

    def exec(self, container: str, command: Sequence[str], *, timeout: float) -> Completed:
        self.timeouts.append(timeout)
        if self.hangs:
            self.clock.advance(timeout)
            raise CommandFailed("docker exec: still running, so it was ended", returncode=None)
        self.ran.append((container, tuple(command)))
        self.clock.advance(2)
        return Completed(
            argv=tuple(command), returncode=self.returncode, stdout="dumped\n", stderr="\nno room\n"
        )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_hook_runs_in_the_newest_running_container(clock: ManualClock) -> None:
    engine = Containers(
        container("old", created=1),
        container("new", created=2),
        container("gone", state="exited", created=3),
        clock=clock,
    )
    (ran,) = run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic)
    assert engine.ran == [("new", hook_argv("/dump.sh"))]
    assert (ran.seconds, ran.hook) == (2, HOOK)


def test_a_hook_that_fails_is_the_recipes_fault_and_named_by_file_and_key(clock: ManualClock) -> None:
    engine = Containers(container("c1"), returncode=3, clock=clock)
    with pytest.raises(StageFailed) as caught:
        run_hooks(engine, [HOOK, HOOK], stack="web", monotonic=clock.monotonic)
    assert str(caught.value) == "compose.yml:31: services.db: backup.pre-hook exit 3: no room"
    assert len(engine.ran) == 1


def test_a_service_that_does_not_run_can_have_no_hook(clock: ManualClock) -> None:
    engine = Containers(container("c1", state="exited"), clock=clock)
    with pytest.raises(StageFailed, match="service db has no running container to run it in"):
        run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic)


@pytest.mark.attack(
    what="A backup hook never ends.",
    before="The run waited for it without end.",
    now="The hook fails after five minutes or the recipe's own timeout, with file and key.",
    layer="input",
)
def test_a_hook_that_never_ends_fails_in_time(clock: ManualClock) -> None:
    engine = Containers(container("c1"), clock=clock)
    engine.hangs = True
    with pytest.raises(
        StageFailed, match=r"compose.yml:31: services.db: backup.pre-hook still ran after 300 s"
    ):
        run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic, patience=60)
    with pytest.raises(StageFailed, match="after 900 s"):
        run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic, patience=900)
    assert engine.timeouts == [PATIENCE, 900]


def ended(stderr: str = "", stdout: str = "") -> Completed:
    return Completed(argv=("sh",), returncode=1, stdout=stdout, stderr=stderr)


BUSYBOX = """\
tar: unrecognized option '--zstd'
BusyBox v1.35.0 (Debian) multi-call binary.

Usage: tar c|x|t [-ZzJjahmvokO] [-f TARFILE] [-C DIR] [FILE]...

Create, extract, or list files from a tar file

\tc\tCreate
\tx\tExtract
"""


@pytest.mark.parametrize(
    ("completed", "said"),
    [
        (ended(BUSYBOX), "tar: unrecognized option '--zstd'"),
        (
            ended("usage: x [-h]\n         [-v]\nx: error: an argument is required\n"),
            "x: error: an argument is required",
        ),
        (
            ended("pg_dump: last built-in OID is 16383\npg_dump: error: no room\nusage: /b.sh dump|load\n"),
            "pg_dump: error: no room",
        ),
        (
            ended("pg_dump: error: connection refused\ntar: backup.sql: short\n"),
            "pg_dump: error: connection refused; at last: tar: backup.sql: short",
        ),
        (
            ended("mysqldump: [Warning] a password is insecure\n", "ERROR 1045: access denied\n"),
            "ERROR 1045: access denied",
        ),
        (ended("cp: missing operand\nTry 'cp --help' for more information.\n"), "cp: missing operand"),
        (ended("", "dumping\nnothing to dump\n"), "nothing to dump"),
        (ended("usage: /backup.sh dump|clean|load\n"), "usage: /backup.sh dump|clean|load"),
        (ended(), "no output"),
        (ended("\x1b[31mError:\x1b[0m broken\x07\r\n"), "Error: broken"),
    ],
)
def test_the_line_that_says_why_is_told(completed: Completed, said: str) -> None:
    assert last_words(completed) == said


def test_a_line_without_end_is_cut() -> None:
    assert len(last_words(ended("x" * 1_000_000))) == 300
