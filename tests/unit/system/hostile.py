"""Texts of strangers for property tests: random ones, and real ones that were broken.

CC_CI_FUZZ says how many examples each test takes; some dozen where it is not set, so that CI stays quick.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
EXAMPLES = int(os.environ.get("CC_CI_FUZZ", "40"))
AT_ONCE = 10.0
"""Seconds for one example, on a machine that does other things beside."""

PIECES = (
    *("{", "}", "[", "]", "&a ", "*a", "<<: *a\n", ": ", "- ", "? ", "|\n", ">\n", "!!set ", "!x ", "%", "@"),
    *("'", '"', "\\", "`", "$", "${", "${A", "${A:-", "$$", "$(", "}}", "{{", "{{ .Domain }}", "=", "#"),
    *("\0", "\x1b[2J", "\u202e", "\x85", "\u2028", "\ufeff", "\ud7ff", "\U0010ffff", "\r", "\t", "\n\n"),
    *("9" * 30, "9" * 5000, "-1", "0x", "1e999", ".nan", ".inf", "1:2", "0o7", "1_000", "2020-01-01", "٣"),
    *("null", "true", "~", "services:", "image:", "deploy:", "labels:", "ports:", "volumes:", "version:"),
    *("()", "{ ", "function ", "export ", "../../", "/", ":", ",", "compose.yml", "Host(`", "`)", "&&", "||"),
)
"""What parsers choke on."""

SMALL = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)

words = st.one_of(st.sampled_from(PIECES), st.text(max_size=20))
texts = st.one_of(st.text(max_size=300), st.lists(words, max_size=60).map("".join))


def originals(name: str) -> list[str]:
    """All files of that name in the recipes that are at hand."""
    folders = (ROOT / "tests/recipes", ROOT / "lab/recipes")
    found = [path for folder in folders for path in sorted(folder.rglob(name)) if path.is_file()]
    assert found, name
    return [path.read_text(encoding="utf-8-sig") for path in found]


@st.composite
def broken(draw: st.DrawFn, name: str) -> str:
    """A real file with some pieces taken out, put in, moved or said again and again."""
    text = draw(st.sampled_from(originals(name)))
    for _turn in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        times = draw(st.sampled_from([0, 1, 1, 1, 2, 50]))
        middle = draw(st.one_of(words, st.just(text[start:end])))
        text = text[:start] + middle * times + text[end:]
    return text


def any_file(name: str) -> st.SearchStrategy[str]:
    return st.one_of(broken(name), texts)


@contextmanager
def at_once() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < AT_ONCE


def survives(call: Callable[[], object], *allowed: type[Exception]) -> None:
    """The call ends at once, by itself or by one of these; and by none that was not foreseen."""
    with at_once():
        try:
            call()
        except allowed as error:
            said = str(error)
            assert said.isprintable()
            assert "did not foresee" not in said, said
            assert len(said) < 2000
