from pathlib import Path

import msgspec
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.report import report
from cc_ci.results.measured import Cell, Measured, compact, parts, write
from cc_ci.results.store import Store


def test_a_run_is_drawn_beside_its_results(tmp_path: Path) -> None:
    folder = Store(tmp_path).write(example())
    done = CliRunner().invoke(report, [str(folder.results)], catch_exceptions=False)
    assert done.output.strip() == str(folder.path / "report.html")
    assert "<h1>custom-html is " in (folder.path / "report.html").read_text()


def test_a_trace_has_a_page_of_its_own_name(tmp_path: Path) -> None:
    trace = tmp_path / "app-warm.json"
    trace.write_bytes(msgspec.json.encode(example()))
    done = CliRunner().invoke(report, [str(trace)], catch_exceptions=False)
    assert done.output.strip() == str(tmp_path / "app-warm.html")


def test_a_set_without_bare_runs_says_that_its_limit_is_not_measured(tmp_path: Path) -> None:
    result = msgspec.structs.replace(example(), exit_code=0)
    cell = Cell(recipe="custom-html", cache="warm")
    write(Measured(cell=cell, place=1, result=compact(result), parts=parts(result)), tmp_path / "set")
    out = tmp_path / "page.html"
    CliRunner().invoke(report, [str(tmp_path / "set"), "--out", str(out)], catch_exceptions=False)
    assert "Not measured: cc-ci limit RECIPE measures it." in out.read_text()
