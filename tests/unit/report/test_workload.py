from pathlib import Path

import msgspec
import pytest

from cc_ci.errors import UsageError
from cc_ci.report.workload import compact, filled, keep, kept, tables
from cc_ci.results.schema import CacheState, RunResult
from cc_ci.results.store import load

ROOT = Path(__file__).parents[3]
RUNS = ROOT / "docs" / "runs"


@pytest.fixture
def whole() -> RunResult:
    return load(RUNS / "custom-html.json")


def proved(result: RunResult, cache: str, *, total: float) -> RunResult:
    state = msgspec.structs.replace(result.cache, asked=cache, proved=True)
    return msgspec.structs.replace(result, cache=state, total_seconds=total)


def test_the_document_s_numbers_are_those_of_the_results_beside_it() -> None:
    document = (ROOT / "docs" / "workload.md").read_text()
    assert filled(document, RUNS) == document


def test_each_recipe_is_there_warm_at_least() -> None:
    cells = {(result.recipe.name, result.cache.asked) for result in kept(RUNS)}
    recipes = ("custom-html", "n8n", "keycloak", "matrix-synapse")
    assert {(recipe, "warm") for recipe in recipes} <= cells


def test_a_result_is_kept_without_what_no_table_shows(whole: RunResult, tmp_path: Path) -> None:
    path = keep(proved(whole, "warm", total=9.0), tmp_path)
    assert path.name == "custom-html-warm.json"
    again = load(path)
    assert (again.samples, len(again.resources)) == ((), 1)
    assert {span.name for span in again.spans} == {"backup"}
    assert tables([again], []) == tables([compact(proved(whole, "warm", total=9.0))], [])
    assert f"| custom-html | warm | {whole.stages[0].seconds:.0f} |" in tables([again], [])


def test_what_people_call_a_span_changes_no_number(whole: RunResult) -> None:
    other = tuple(msgspec.structs.replace(span, name="as you like") for span in whole.spans)
    renamed = msgspec.structs.replace(whole, spans=other)
    first, second = (compact(proved(one, "warm", total=9.0)) for one in (whole, renamed))
    assert tables([first], []) == tables([second], [])
    assert [span.id for span in first.spans] == [span.id for span in second.spans] != []


def test_a_cache_state_that_was_not_proved_is_no_row(whole: RunResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not proved"):
        keep(msgspec.structs.replace(whole, cache=CacheState(asked="warm", proved=False)), tmp_path)


def test_the_lightest_recipe_comes_first(whole: RunResult, tmp_path: Path) -> None:
    heavy = msgspec.structs.replace(whole.recipe, name="a-heavy")
    for recipe, total in ((heavy, 90.0), (whole.recipe, 9.0)):
        for cache in ("cold", "warm"):
            keep(msgspec.structs.replace(proved(whole, cache, total=total), recipe=recipe), tmp_path)
    found = [(one.recipe.name, one.cache.asked) for one in kept(tmp_path)]
    assert found == [(name, cache) for name in ("custom-html", "a-heavy") for cache in ("cold", "warm")]


def test_a_document_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="workload:begin"):
        filled("# nothing\n", tmp_path)
