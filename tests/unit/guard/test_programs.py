"""Programs are real ones here: what they said is kept, and one that takes too long is told to end."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cc_ci.system.clock import SystemClock
from cc_ci.system.waiting import wait_until
from cc_ci_guard.errors import GuardBlindError
from cc_ci_guard.programs import LocalPrograms, said_by


def test_what_it_says_is_kept_and_its_exit_code_is_told(tmp_path: Path) -> None:
    script = "import os, sys; print(os.environ['CC_CI_RUNS']); print('no', file=sys.stderr); sys.exit(5)"
    log = tmp_path / "log"
    ended = LocalPrograms()([sys.executable, "-c", script], env={"CC_CI_RUNS": "there"}, log=log, timeout=60)
    assert ended.returncode == 5
    assert sorted(log.read_text().split()) == ["no", "there"]


def test_one_that_takes_too_long_is_told_to_end_and_may_tidy_up(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('tidied'))\n"
        "print('begun', flush=True)\ntime.sleep(60)"
    )
    ended = LocalPrograms()([sys.executable, "-c", script], env={}, log=tmp_path / "log", timeout=4)
    assert ended.returncode is None
    assert (tmp_path / "log").read_text().split() == ["begun", "tidied"]


def test_what_runs_is_ended_from_another_thread(tmp_path: Path) -> None:
    programs = LocalPrograms()
    log = tmp_path / "log"
    with ThreadPoolExecutor(1) as pool:
        script = "import time; print('begun', flush=True); time.sleep(60)"
        running = pool.submit(programs, [sys.executable, "-c", script], env={}, log=log, timeout=60)
        wait_until(
            lambda: log.exists() and log.read_text(),
            name="it to begin",
            ready=bool,
            timeout=50,
            clock=SystemClock(),
        )
        programs.end()
        assert running.result().returncode == -signal.SIGTERM


def test_a_short_program_that_fails_is_told_with_its_last_line() -> None:
    with pytest.raises(GuardBlindError, match=r"exit 3: the end$"):
        said_by([sys.executable, "-c", "import sys; sys.stderr.write('a\\nthe end'); sys.exit(3)"])
    with pytest.raises(GuardBlindError, match="No such file"):
        said_by(["no-such-program-here"])
