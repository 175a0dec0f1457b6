"""Suites that were made to hang, to kill or to confuse their reader: one line, at once, and its blame."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.suite import files
from cc_ci.suite.checking import faults
from cc_ci.suite.facts import read_suite
from cc_ci.system.clearing import remove_tree

AT_ONCE = 5.0


def suite(root: Path, text: str = 'recipe = "notes"\n') -> Path:
    folder = root / "notes"
    folder.mkdir()
    (folder / "suite.toml").write_text(text)
    return folder


def refused(folder: Path, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(InfrastructureError, match=said) as caught:
        read_suite(folder)
    assert time.monotonic() - started < AT_ONCE
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            f"recipe = {'[' * 20_000}{']' * 20_000}",
            "can't be read",
            marks=pytest.mark.attack(
                what="suite.toml nests 20,000 lists",
                before="unexpected RecursionError, exit 3, without a word of the suite",
                now="one line with the file",
                layer="input",
            ),
        ),
        pytest.param(
            f"recipe = 'notes'\ntimeouts = {{ tests = {'9' * 5000} }}",
            "can't be read: Exceeds the limit",
            marks=pytest.mark.attack(
                what="suite.toml has a number of 5,000 digits",
                before="unexpected ValueError, exit 3, without a word of the suite",
                now="one line with the file",
                layer="input",
            ),
        ),
        pytest.param(
            "recipe = 'notes'\ntimeouts = { tests = inf }",
            r"timeouts.tests: expected `float` <= 86400",
            marks=pytest.mark.attack(
                what="a suite asks for an infinite time",
                before="OverflowError in the middle of a run, told as an internal error",
                now="refused with file and key; a day is the most",
                layer="input",
            ),
        ),
        pytest.param("recipe = 'notes'\ntimeouts = { seed = nan }", "timeouts.seed: expected `float`"),
        pytest.param("recipe = 'notes'\nweight = { cpus = inf }", "weight.cpus: expected `float` <= "),
        pytest.param(
            "recipe = 'notes'\nprobe = { path = \"/\\r\\nHost: other\\r\\n\" }",
            r"probe.path: has to be a path: it begins with / and has no space",
            marks=pytest.mark.attack(
                what="a path of suite.toml brings a header of its own along",
                before="escaped in requests through the proxy, a protocol error elsewhere",
                now="refused with file and key",
                layer="input",
            ),
        ),
        pytest.param(
            'recipe = "notes\\n"',
            "recipe: has to be a name: letters, digits, dots, - and _",
            marks=pytest.mark.attack(
                what="a name ends in a line's end",
                before="accepted: the pattern's end matched before it",
                now="refused with file and key",
                layer="input",
            ),
        ),
        pytest.param('recipe = "notes"\nenv = { "A=B" = "x" }', "env.*: has to be a variable's name"),
        pytest.param('recipe = "notes"\nenv = { A = "a\\u0000b" }', "env.*: has to be a text without a zero"),
        pytest.param(f"recipe = 'notes'\nenv = {{ A = '{'x' * 300_000}' }}", "larger than 262144 bytes"),
        pytest.param(f"recipe = 'notes'\nenv = {{ A = '{'x' * 20_000}' }}", "env.*: expected .* <= 10000"),
    ],
)
def test_the_facts_are_bounded(text: str, said: str, tmp_path: Path) -> None:
    refused(suite(tmp_path, text), rf"notes/suite.toml: .*{said}")


def deep(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    for _level in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    Path("test_deep.py").touch()
    os.chdir(here)


def many(folder: Path) -> None:
    for number in range(101):
        (folder / f"test_{number}.py").touch()


def large(folder: Path) -> None:
    os.truncate(suite_file(folder), 1 << 40)


def suite_file(folder: Path) -> Path:
    (folder / "data.bin").touch()
    return folder / "data.bin"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda folder: os.mkfifo(folder / "test_pipe.py"),
            r"test_pipe.py: no plain file; a suite holds plain files only",
            marks=pytest.mark.attack(
                what="a file of a suite is a named pipe",
                before="left out without a word",
                now="refused",
                layer="input",
            ),
        ),
        pytest.param(
            lambda folder: ((folder / "suite.toml").unlink(), os.mkfifo(folder / "suite.toml")),
            "suite.toml: can't be read: not a plain file",
            marks=pytest.mark.attack(
                what="suite.toml is a named pipe",
                before="hung for ever",
                now="opened without waiting, and refused",
                layer="input",
            ),
        ),
        pytest.param(lambda folder: (folder / "x.py").symlink_to("/etc/shadow"), "x.py: a link"),
        pytest.param(
            large,
            r"data.bin: can't be read: larger than 33554432 bytes",
            marks=pytest.mark.attack(
                what="a file of a suite is a terabyte large",
                before="read into memory for its hash",
                now="refused at 32 MB; all of a suite at 128 MB",
                layer="input",
            ),
        ),
        pytest.param(many, "more than 100 files and folders; that is no suite"),
        pytest.param(
            lambda folder: (folder / "test_\x1b[2J.py").touch(),
            r"test_\\x1b\[2J.py: has characters that can't be shown",
        ),
    ],
)
def test_the_files_are_bounded(
    change: Callable[[Path], object], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_FILES", 100)
    folder = suite(tmp_path)
    change(folder)
    refused(folder, said)


def test_deep_folders_are_left_out(tmp_path: Path) -> None:
    folder = suite(tmp_path)
    deep(folder)
    try:
        assert not read_suite(folder).has_tests
    finally:
        remove_tree(folder)


@pytest.mark.attack(
    what="A test file nests brackets without end, or contains a zero byte.",
    before="`suite check` ended with an unexpected MemoryError or ValueError and exit 3.",
    now="The suite is blamed, with the file.",
    layer="input",
)
def test_python_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    folder = suite(tmp_path)
    (folder / "test_deep.py").write_text("x = " + "(" * 5000)
    (folder / "test_minus.py").write_text("x = " + "-" * 100_000 + "1")
    (folder / "test_zero.py").write_bytes(b"x = 1\0")
    found = faults(read_suite(folder))
    assert [Path(line.split(":")[0]).name for line in found] == [
        "test_deep.py",
        "test_minus.py",
        "test_zero.py",
    ]
