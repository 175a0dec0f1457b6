"""`python -m cc_ci.suite.inside.session`: the suite's pytest, its output kept as evidence."""

import argparse
import faulthandler
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from cc_ci.suite.protocol import EVIDENCE_FOLDER, LOG_FILE, SSO_TESTS, SUITE_FOLDER, SuitePart

OPTIONS = (
    *("-p", "cc_ci.suite.inside.plugin"),
    *("-p", "no:cacheprovider"),
    *("-o", "enable_assertion_pass_hook=true"),
    *("-o", "xfail_strict=true"),
    # a configuration of the suite's own could change what is counted
    *("-c", "/dev/null"),
    *("--rootdir", str(SUITE_FOLDER)),
    "-ra",
)
LAST_WORDS = 2.0
"""Seconds before the end at which a suite that hangs says where."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it, as `arguments` say, or else the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=float, required=True)
    parser.add_argument("--select")
    parser.add_argument("--part", choices=get_args(SuitePart), required=True)
    asked = parser.parse_args(arguments)
    log = os.open(EVIDENCE_FOLDER / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.dump_traceback_later(max(asked.timeout - LAST_WORDS, 0.1), file=log)
    import pytest  # noqa: PLC0415 - its import belongs into the log, too

    selection = [
        *part_options(asked.part, folder=SUITE_FOLDER),
        *(["-k", asked.select] if asked.select else []),
    ]
    sys.exit(pytest.main([*OPTIONS, *selection, str(SUITE_FOLDER)]))


def part_options(part: SuitePart, *, folder: Path) -> list[str]:
    """Pytest's options for one part of the suite in `folder`: its files alone are collected."""
    if part == "sso":
        return ["-o", f"python_files={SSO_TESTS}"]
    # absolute, since pytest takes such a pattern from where it was started; `*` goes over folders, too
    left_out = [f"--ignore-glob={folder}/{place}{SSO_TESTS}" for place in ("", "*/")]
    return ["-o", "python_files=test_*.py", *left_out]


if __name__ == "__main__":
    main()
