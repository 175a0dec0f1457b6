"""docs/how-to/my-run-is-red.md: its messages and exit codes are the code's own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc_ci.results.verdict import EXIT_CODES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/my-run-is-red.md").read_text()
PYTESTS_OWN = "test_doors.py::"
SHORTEST = 4
"""Shorter pieces of a message, such as `: `, are everywhere."""


def literals() -> Iterator[str]:
    """Every text in the code; f-strings have a zero byte where something is filled in."""
    for path in sorted((ROOT / "src/cc_ci").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
                yield "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


SAID = "\n".join(literals())


def messages() -> list[str]:
    blocks = re.findall(r"```text\n(.*?)```", PAGE.partition("## The ten")[2], re.DOTALL)
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## Other messages")[2], re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in (*lines, *rows) if not line.startswith(PYTESTS_OWN)]


def pieces(message: str) -> list[str]:
    found = re.split(r"\b[A-Z]{3,}\b|\.\.\.", message)
    return [piece for piece in (one.strip("'`:;, ") for one in found) if len(piece) >= SHORTEST]


@pytest.mark.parametrize("message", messages())
def test_each_message_is_one_of_the_code(message: str) -> None:
    assert pieces(message)
    assert [piece for piece in pieces(message) if piece not in SAID] == []


def test_there_are_ten_causes() -> None:
    assert [int(number) for number in re.findall(r"^### (\d+)\.", PAGE, re.MULTILINE)] == list(range(1, 11))


def test_it_has_each_exit_code() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (\w+) \|", PAGE, re.MULTILINE))
    assert told == {str(code): word for word, code in EXIT_CODES.items()}
