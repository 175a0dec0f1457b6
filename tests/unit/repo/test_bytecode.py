"""What is compiled ahead is never older than its source."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHECKED_HASH = 0b11
"""PEP 552: told apart by a hash of the source, which is looked at."""


def run(folder: Path) -> str:
    argv = [sys.executable, "-c", "import made; print(made.VALUE)"]
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout.strip()


def compile_line() -> list[str]:
    """The command of scripts/setup, without the folder."""
    (line,) = (line for line in (ROOT / "scripts/setup").read_text().splitlines() if "compileall" in line)
    return line.split()[1:-1]


def test_a_source_that_changed_within_the_same_second_is_what_runs(tmp_path: Path) -> None:
    source = tmp_path / "made.py"
    source.write_text("VALUE = 1\n")
    subprocess.run([sys.executable, *compile_line(), str(tmp_path)], check=True)
    (compiled,) = (tmp_path / "__pycache__").iterdir()
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == CHECKED_HASH
    stamp = source.stat()
    assert run(tmp_path) == "1"
    source.write_text("VALUE = 2\n")
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run(tmp_path) == "2"
