"""`cc-ci runs` as it is called."""

import json
import os
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.runs import runs
from cc_ci.errors import UsageError
from cc_ci.results.listing import latest_and_green, run_lines
from cc_ci.results.schema import RecipeUnderTest
from cc_ci.results.store import RESULTS, Store

OLD = Path(__file__).parents[1] / "results" / "old"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("CC_CI_RUNS", str(tmp_path / "runs"))
    store = Store()
    for at, (run, recipe, verdict) in enumerate(
        [("n8n-1", "n8n", "green"), ("app-1", "app", "green"), ("app-2", "app", "failed")]
    ):
        result = msgspec.structs.replace(
            example(run),
            recipe=RecipeUnderTest(name=recipe, version_from="1.0.0+1", version_to="1.1.0+2"),
            verdict=verdict,
            exit_code=int(verdict != "green"),
            started_at=1_700_000_000.0 + 86400 * at,
        )
        store.write(result)
        os.utime(store.root / run / RESULTS, (at, at))
    return store


def listed(*words: str) -> list[dict[str, object]]:
    told = json.loads(CliRunner().invoke(runs, [*words, "--json"], catch_exceptions=False).stdout)
    assert (told["schema"], told["version"]) == ("cc-ci.runs", 1)
    found: list[dict[str, object]] = told["runs"]
    return found


def test_runs_are_listed_the_newest_first(store: Store) -> None:
    del store
    assert [row["run"] for row in listed()] == ["app-2", "app-1", "n8n-1"]
    first = listed()[0]
    assert (first["recipe"], first["version_from"], first["version_to"]) == ("app", "1.0.0+1", "1.1.0+2")
    assert (first["profile"], first["verdict"], first["seconds"]) == ("stock", "failed", 10.0)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("n8n",), ["n8n-1"]),
        (("--verdict", "failed"), ["app-2"]),
        (("app", "--verdict", "green"), ["app-1"]),
        (("--profile", "peer"), []),
        (("--limit", "1"), ["app-2"]),
        (("--since", "2023-11-16"), ["app-2"]),
        (("--since", "7d"), []),
    ],
)
def test_filters(store: Store, words: tuple[str, ...], found: list[str]) -> None:
    del store
    assert [row["run"] for row in listed(*words)] == found


def test_a_row_is_in_one_line_where_it_is_piped(store: Store) -> None:
    del store
    lines = CliRunner().invoke(runs, []).stdout.splitlines()
    assert lines[0].split() == ["run", "date", "recipe", "versions", "profile", "verdict", "seconds"]
    assert lines[1].split()[-2:] == ["failed", "10"]


def test_results_of_any_version_are_listed_and_broken_ones_left_out(store: Store) -> None:
    for path in OLD.glob("*.json"):
        folder = store.root / path.stem
        folder.mkdir()
        (folder / RESULTS).write_bytes(path.read_bytes())
    (store.root / "broken").mkdir()
    (store.root / "broken" / RESULTS).write_text("{")
    lines = list(run_lines(store))
    assert len(lines) == 3 + len(list(OLD.glob("*.json")))
    assert all(line.recipe.name and line.arm_text for line in lines)


def test_a_recipe_without_runs_is_not_known(store: Store) -> None:
    del store
    error = CliRunner().invoke(runs, ["n8"]).exception
    assert isinstance(error, UsageError)
    assert "did you mean n8n? there is app, n8n" in str(error)


def test_the_last_green_run_of_a_kind_is_of_the_same_recipe_and_arm(store: Store) -> None:
    found = latest_and_green(store)
    assert found is not None
    assert [one.run for one in found] == ["app-2", "app-1"]
    only = msgspec.structs.replace(example("n8n-2"), recipe=RecipeUnderTest(name="n8n"), stages=())
    store.write(only)
    assert latest_and_green(store) is None
