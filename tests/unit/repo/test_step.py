import re
import subprocess
from pathlib import Path

STEP = Path(__file__).parents[3] / "scripts" / "step"


def step(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(STEP), *arguments], capture_output=True, text=True, check=False)


def test_a_step_is_named_before_and_timed_after() -> None:
    done = step("layers", "echo", "kept")
    *said, timed = done.stdout.splitlines()
    assert said == ["", "== layers: echo kept", "kept"]
    assert re.fullmatch(r"== layers: done in \d+ s", timed)


def test_a_step_that_fails_says_which_and_keeps_its_code() -> None:
    failed = step("layers", "sh", "-c", "exit 7")
    assert failed.returncode == 7
    assert re.fullmatch(r"== layers: FAILED with exit 7 after \d+ s: sh -c exit 7\n", failed.stderr)
