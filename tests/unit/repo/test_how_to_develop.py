"""docs/how-to/develop.md: its example of a test is one, and the files that it sends people to are there."""

import re
from pathlib import Path

import pytest

from cc_ci.testkit.runs import Lab

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/develop.md").read_text()


def test_its_example_of_a_test_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "runtime"))
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, object] = {}
    exec(example, found)  # noqa: S102 - a page of our own
    (test,) = (one for name, one in found.items() if name.startswith("test_"))
    assert callable(test)
    test(Lab(tmp_path))


def test_each_file_that_it_names_is_there() -> None:
    named = {path for path in re.findall(r"`([\w/.]+/[\w/.]*)`", PAGE) if not path.startswith("0")}
    assert len(named) > 20
    there = [ROOT, ROOT / "src/cc_ci"]
    assert [path for path in sorted(named) if not any((root / path).exists() for root in there)] == []
    drawn = re.findall(r'\["([\w/.]+\.py)', PAGE)
    assert len(drawn) >= 7
    assert [path for path in drawn if not (ROOT / "src/cc_ci" / path).exists()] == []
