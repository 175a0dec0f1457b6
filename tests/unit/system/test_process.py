"""Programs that are run, followed and ended: what they get of the environment, how much of them is read."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cc_ci.errors import CommandFailed
from cc_ci.lab.daemons import Daemon
from cc_ci.system.bounded import capped
from cc_ci.system.clock import SystemClock
from cc_ci.system.environment import ALWAYS
from cc_ci.system.process import LocalRunner, check, check_whole, follow

TELLING = (
    "import os, sys; print(*sorted(os.environ), file=open(sys.argv[1], 'w')); print('told', file=sys.stderr)"
)
EVIL = {
    "LD_PRELOAD": "/tmp/evil.so",  # noqa: S108 - never opened
    "LD_LIBRARY_PATH": "/tmp/evil",  # noqa: S108
    "BASH_ENV": "/tmp/evil.sh",  # noqa: S108
    "ENV": "/tmp/evil.sh",  # noqa: S108
    "GIT_DIR": "/tmp/evil.git",  # noqa: S108
    "GIT_SSH_COMMAND": "touch /tmp/evil",
    "DOCKER_HOST": "tcp://evil:2375",
    "DOCKER_CONTENT_TRUST": "1",
    "DOCKER_STACK_ORCHESTRATOR": "kubernetes",
    "COMPOSE_FILE": "evil.yml",
    "PYTHONPATH": "/tmp/evil",  # noqa: S108
    "RESTIC_PASSWORD_COMMAND": "touch /tmp/evil",
    "PERL5OPT": "-Mevil",
}


@pytest.mark.attack(
    what="A variable in cc-ci's environment, such as LD_PRELOAD, BASH_ENV or GIT_DIR, reaches a tool.",
    before="Every tool that cc-ci ran had all of cc-ci's own environment.",
    now="A tool gets a short fixed list, and what its caller names.",
    layer="input",
)
@pytest.mark.parametrize("way", ["run", "follow", "daemon"])
def test_a_program_gets_nothing_of_the_surroundings_but_a_short_list(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in EVIL.items():
        monkeypatch.setenv(name, value)
    told, argv = tmp_path / "told", [sys.executable, "-c", TELLING, str(tmp_path / "told")]
    if way == "run":
        check(LocalRunner()(argv, env={"NAMED": "1"}))
    elif way == "follow":
        assert follow(argv, env={"NAMED": "1"}, tell=lambda _line: None) == 0
    else:
        daemon = Daemon("telling", folder=tmp_path, log=tmp_path / "log", clock=SystemClock())
        daemon.start(argv, env={"NAMED": "1"})
        assert daemon.identity
        os.waitpid(daemon.identity.pid, 0)
    names = set(told.read_text().split())
    assert "NAMED" in names
    assert "PATH" in names
    assert not names & EVIL.keys()
    assert names <= {*ALWAYS, "NAMED"}


FLOOD = "import sys\nfor _ in range(300): sys.stdout.write('x' * 999_999 + '\\n')\nprint('the end')"
MEASURING = """
import resource, sys
from cc_ci.system.process import LocalRunner
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
done = LocalRunner()([sys.executable, "-c", sys.argv[1]])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(grown, len(done.stdout), done.dropped, done.returncode, done.stdout.endswith("the end\\n"))
"""


@pytest.mark.attack(
    what="A hook, an app or a suite writes hundreds of megabytes.",
    before="cc-ci kept all of it in memory, and grew to 3.2 GB.",
    now="8 MB of each stream are kept, from both ends; the rest is discarded, and a line says so.",
    layer="input",
)
def test_300_mb_of_output_cost_little_memory_and_hold_nobody_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURING, FLOOD], capture_output=True, text=True, check=True
    )
    grown, kept, dropped, code, whole_end = done.stdout.split()
    assert int(grown) < 64 * 1024
    assert int(kept) < 9 * 2**20
    assert int(kept) + int(dropped) >= 300 * 10**6
    assert (code, whole_end) == ("0", "True")


def test_what_is_cut_keeps_both_ends_and_says_how_much_is_missing() -> None:
    script = "print('first'); print('x' * 5000); print('last')"
    done = LocalRunner(limit=1000)([sys.executable, "-c", script])
    first, *_, last = done.stdout.splitlines()
    assert (first, last) == ("first", "last")
    assert f"\n[cc-ci: {done.dropped} bytes are missing here]\n" in done.stdout
    assert done.dropped == len("first\nlast\n") + 5001 - 1000


def test_an_answer_that_was_cut_is_not_parsed() -> None:
    done = LocalRunner(limit=1000)([sys.executable, "-c", "print('x' * 5000)"])
    with pytest.raises(CommandFailed, match=r"restic ls: its answer is 4001 bytes longer than is read"):
        check_whole(done, what="restic ls")


def test_a_program_that_reads_nothing_of_its_stdin_is_not_waited_for() -> None:
    done = LocalRunner()([sys.executable, "-c", "print('done')"], stdin="x" * 10**6, timeout=20)
    assert done.stdout == "done\n"


def test_stdin_and_both_streams_flow_at_once() -> None:
    script = "import sys; t = sys.stdin.read(); sys.stdout.write(t); sys.stderr.write(t)"
    done = LocalRunner()([sys.executable, "-c", script], stdin="é\r\n" * 10**5, timeout=20)
    assert done.stdout == done.stderr == "é\n" * 10**5


HOLDING = """
import subprocess, sys
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(child.pid, flush=True)
if sys.argv[1] == "hang":
    child.wait()
"""


@pytest.mark.attack(
    what="A tool's child process leaves its process group and keeps the tool's output open.",
    before="cc-ci waited for the child for ever, even after the deadline of the call.",
    now="The call ends 2 s after the tool does, and at the latest at its deadline.",
    layer="input",
)
def test_a_child_that_holds_a_pipe_holds_up_nobody() -> None:
    started = time.monotonic()
    done = LocalRunner()([sys.executable, "-c", HOLDING, "end"])
    assert time.monotonic() - started < 20
    os.kill(int(done.stdout), 9)


def test_nor_does_it_past_a_deadline(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = HOLDING.replace("print(child.pid, flush=True)", f"open({str(pid)!r}, 'w').write(str(child.pid))")
    started = time.monotonic()
    with pytest.raises(CommandFailed, match="still running after 3 s, so it was ended"):
        LocalRunner()([sys.executable, "-c", script, "hang"], timeout=3)
    assert time.monotonic() - started < 20
    os.kill(int(pid.read_text()), 9)


def test_a_followed_program_is_heard_line_by_line() -> None:
    told: list[str] = []
    script = "import sys; print('one', file=sys.stderr); print('two', file=sys.stderr); sys.exit(3)"
    assert follow([sys.executable, "-c", script], env={}, tell=told.append) == 3
    assert told == ["one", "two"]


def test_a_line_without_an_end_is_cut() -> None:
    told: list[str] = []
    script = "import sys; sys.stderr.write('x' * 1_000_000 + '\\n'); print('two', file=sys.stderr)"
    assert follow([sys.executable, "-c", script], env={}, tell=told.append) == 0
    assert told[0].endswith("x [cc-ci: 934465 bytes are missing here]")
    assert told[1:] == ["two"]


CLEANING = """
import os, pathlib, signal, sys, time
def clean(*_):
    left = b"x" * 1_000_000
    while left:
        left = left[os.write(2, left):]
    pathlib.Path(sys.argv[1]).write_text("cleaned")
    sys.exit(130)
signal.signal(signal.SIGINT, clean)
print("ready", file=sys.stderr, flush=True)
time.sleep(60)
"""


def test_an_interrupt_reaches_a_followed_program_which_may_clean_up(tmp_path: Path) -> None:
    def interrupted(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow([sys.executable, "-c", CLEANING, str(tmp_path / "mark")], env={}, tell=interrupted)
    assert (tmp_path / "mark").read_text() == "cleaned"


def test_a_text_within_the_limit_is_left_as_it_is() -> None:
    assert capped("abc\n", 4) == "abc\n"


def test_the_last_line_of_a_text_that_was_cut_says_so() -> None:
    text = capped("first\n" + "x" * 100 + "\nlast\n", 20)
    assert text.startswith("first\nxxxx\n[cc-ci: ")
    assert text.endswith("xxxx\nlast\n[cc-ci: this was cut: 92 of 112 bytes are missing]\n")
