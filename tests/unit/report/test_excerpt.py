from pathlib import Path

import pytest

from cc_ci.errors import UsageError
from cc_ci.report.excerpt import filled
from cc_ci.results.store import load

ROOT = Path(__file__).parents[3]


def test_the_readme_s_numbers_are_those_of_the_results_beside_it() -> None:
    readme = (ROOT / "README.md").read_text()
    assert filled(readme, load(ROOT / "docs/runs/custom-html.json")) == readme


def test_a_document_without_a_place_is_refused() -> None:
    with pytest.raises(UsageError, match="run:begin"):
        filled("# nothing\n", load(ROOT / "docs/runs/custom-html.json"))
