"""The documents are what the data say."""

import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.attribute import attribute
from cc_ci.errors import UsageError
from cc_ci.perf.analysis.pairs import findings
from cc_ci.perf.baselines import sets
from cc_ci.perf.baselines.measured_set import newest, read, with_runs
from cc_ci.perf.documents.engines import engines_page, engines_table
from cc_ci.perf.documents.perf_docs import documents
from cc_ci.perf.documents.tables import Table, markdown
from cc_ci.perf.documents.values import limit_values
from cc_ci.results.engines import EngineUsed
from cc_ci.results.measured import Canary, Cell, Measured, compact, parts, write
from cc_ci.timing.resources import Pressure, SpanResources, Usage

ROOT = Path(__file__).parents[3]
USUAL = Canary(cpu=1.0, untar=1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "2026-01-01-2cpu-6g"
    facts = sets.SetFacts(
        asked=sets.Asked(
            recipes=("app", "far"), cold=1, warm=1, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit"
        ),
        host=sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30),
        began="2026-01-01",
        canaries=(USUAL,),
        unreachable={"far": ("far:1",)},
    )
    sets.write_facts(facts, made)
    green = msgspec.structs.replace(example(), exit_code=0, total_seconds=123.4)
    cell = Cell(recipe="app", cache="warm")
    common = {"cell": cell, "canary_before": USUAL, "foreign_cpus": 0.01, "result": compact(green)}
    write(Measured(place=1, void="canary before it: cpu took 9.00 s, usual 1.00 s", **common), made)
    write(Measured(place=1, attempt=2, parts=parts(green), **common), made)
    sets.write_trace(green, cell, made)
    return made


def test_the_projects_own_documents_are_made_of_its_data() -> None:
    data, written = ROOT / "baselines", ROOT / "docs" / "perf"
    if not data.exists():
        assert not (written / "baseline.md").exists(), "a document without its data"
        return
    again, engines = (with_runs(ROOT / "benchmarks" / name) for name in ("again", "engines"))
    made = documents(newest(data), again_folders=again, engines_folders=engines)
    for name, text in made.items():
        assert (written / name).read_text() == text, f"{name}: run `cc-ci perf docs`"


def test_every_cell_has_its_row_and_every_void_run_its_rule(folder: Path) -> None:
    text = documents(folder)["baseline.md"]
    assert "| app warm | 1 | 1 | 123 | 123 to 123 | n too small | 123 | 123 |" in text
    assert (
        "| app cold | 0 | 1 | - | not measured yet | - | - | - | `cc-ci baseline --recipes app,far --cold 1"
        in text
    )
    assert "| far warm | 0 | 1 | - | not measured: images unreachable |" in text
    assert "| 001-app-warm | canary before it: cpu took 9.00 s, usual 1.00 s |" in text


def test_each_boot_has_its_column(folder: Path) -> None:
    measured = read(folder).measured[-1]
    canary = Canary(cpu=1.2, untar=0.5)
    write(msgspec.structs.replace(measured, place=2, attempt=1, boot="b", canary_before=canary), folder)
    text = documents(folder)["baseline.md"]
    assert "| of the runs that count | at the beginning | boot 1 | boot 2 |" in text
    assert "| canary, CPU | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) | 1.20 (1.20 to 1.20) |" in text
    assert "| app warm, s | - | 123 (1) | 123 (1) |" in text


def test_what_whole_runs_used_has_a_row_per_cell(folder: Path) -> None:
    (measured,) = (one for one in read(folder).measured if one.counts)
    assert measured.result is not None
    whole = SpanResources(
        stack=Usage(cpu_seconds=100.0, written_bytes=5_000_000, peak_working_set_bytes=1_500_000_000),
        engine=Usage(cpu_seconds=20.4, written_bytes=1_000_000),
        pressure=Pressure(cpu_some_seconds=12.34, io_some_seconds=1.234),
    )
    result = msgspec.structs.replace(measured.result, resources=(whole,))
    write(msgspec.structs.replace(measured, result=result), folder)
    assert "| app warm | 120 | 6 | 1500 | 10% | 1.0% | - |" in documents(folder)["baseline.md"]


def test_numbers_to_repeat_come_with_their_commands(folder: Path) -> None:
    lines = documents(folder)["baseline.md"].splitlines()
    command = "cc-ci baseline --recipes app --no-limit --out again --engine system --cold 0 --warm 3"
    assert f"| s, app warm | 123 | - | `{command}` |" in lines


def test_numbers_that_were_repeated_are_beside_those_of_the_set(folder: Path, tmp_path: Path) -> None:
    older, newer, cold = (tmp_path / "again" / f"2026-02-0{day}-2cpu-6g" for day in (2, 3, 4))
    for again, cache, total in ((older, "warm", 200.0), (newer, "warm", 135.74), (cold, "cold", 300.0)):
        sets.write_facts(sets.read_facts(folder), again)
        slower = msgspec.structs.replace(example(), exit_code=0, total_seconds=total)
        write(Measured(place=1, cell=Cell(recipe="app", cache=cache), result=compact(slower)), again)
    lines = documents(folder, again_folders=[older, newer, cold])["baseline.md"].splitlines()
    assert any(line.startswith("| s, app warm | 123 | 136 |") for line in lines)
    assert any(line.startswith("| times as long, app warm | 1 | 1.10 (n too small) |") for line in lines)
    assert any("again/2026-02-03-2cpu-6g, n = 1 warm" in line for line in lines)
    assert any("again/2026-02-04-2cpu-6g, n = 1 cold" in line for line in lines)


def test_what_was_repeated_on_another_engine_is_left_out(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again" / "2026-01-02-2cpu-6g"
    shutil.copytree(folder, again)
    assert "Again: " in documents(folder, again_folders=[again])["baseline.md"]
    facts = sets.read_facts(again)
    newer = EngineUsed(engine="28.5.2")
    sets.write_facts(msgspec.structs.replace(facts, engines={"system": newer}), again)
    assert "Again: " not in documents(folder, again_folders=[again])["baseline.md"]


def test_engines_are_columns_and_the_first_is_what_the_others_are_held_against(tmp_path: Path) -> None:
    asked = sets.Asked(recipes=("app",), cold=0, warm=6, cpus=2.0, memory_bytes=6 << 30, bandwidth="100mbit",
                       engines=("system", "docker-28.5.2+dfsg4-5"))  # fmt: skip
    host = sets.Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30)
    used = {
        name: EngineUsed(engine=version)
        for name, version in zip(asked.engines, ("20.10.24", "28.5.2"), strict=True)
    }
    facts = sets.SetFacts(asked=asked, host=host, began="2026-01-01", canaries=(USUAL,), engines=used)
    sets.write_facts(facts, tmp_path)
    for place, cell in enumerate(facts.order[:-1], 1):
        took = (400.0 if cell.engine == "system" else 200.0) + place
        where = msgspec.structs.replace(example().environment, engine=used[cell.engine].engine)
        green = msgspec.structs.replace(example(), exit_code=0, total_seconds=took, environment=where)
        write(Measured(cell=cell, place=place, result=compact(green), parts=parts(green)), tmp_path)
    table = engines_table(read(tmp_path))
    assert table.head == ("recipe", "20.10.24", "28.5.2", "28.5.2 / 20.10.24")
    ((recipe, older, newer, ratio),) = table.rows
    assert (recipe, older, newer) == ("app warm", "405 (5; 401 to 409)", "206 (6; 202 to 211)")
    assert ratio == "0.51 (0.50 to 0.52)"
    assert "system: 20.10.24; docker-28.5.2+dfsg4-5: 28.5.2." in table.note
    page = engines_page([read(tmp_path)])
    assert "moving from 20.10.24 to 28.5.2 saves 198 s of 405 s (49%); n = 5 and 6." in page
    assert (
        "## app warm, by stage\n\n| stage | 20.10.24 | 28.5.2 |\n| --- | ---: | ---: |\n| install |" in page
    )


def test_attribution_opens_with_a_line_per_cell(folder: Path) -> None:
    lines = documents(folder)["attribution.md"].splitlines()
    assert lines[2].startswith("- app warm (n = 1), place 1: 2m 03s = ")
    assert any(line.startswith("| images.keep |") for line in lines)


def test_programs_read_the_same_numbers(folder: Path) -> None:
    called = CliRunner().invoke(attribute, [str(folder), "--json"])
    (cell,) = msgspec.json.decode(called.stdout)["cells"]
    assert cell["cell"] == {"recipe": "app", "cache": "warm", "arm": "stock", "engine": ""}
    assert cell["seconds"] == {"values": [123.4], "median": 123.4, "interval": None}
    told = CliRunner().invoke(attribute, [str(folder)]).stdout
    assert cell["levers"]
    for lever in cell["levers"]:
        assert lever["lever"] in told
    assert cell["phases"]["converge"]["median"] == pytest.approx(4.9)


def test_a_limit_for_programs_tells_each_pair_and_no_whole_runs() -> None:
    found = findings(read(newest(ROOT / "baselines")))
    told = msgspec.json.decode(msgspec.json.encode(limit_values(found)))
    assert len(told) == len(found)
    for cell, one in zip(told, found, strict=True):
        assert [pair["deployed"] for pair in cell["pairs"]] == [pair.deployed.name for pair in one.pairs]
        assert all(pair["holds"] is (pair["limit"] <= pair["run"]) for pair in cell["pairs"])
    assert "spans" not in str(told)


def test_what_a_machine_cant_write_comes_from_beside_the_data(folder: Path) -> None:
    note = folder / "notes" / "attribution.md"
    note.parent.mkdir()
    note.write_text("What of half an hour this explains.\n")
    assert "What of half an hour this explains." in documents(folder)["attribution.md"]


def test_the_newest_set_with_runs_is_taken(folder: Path) -> None:
    empty = folder.parent / "2026-02-02-2cpu-6g"
    sets.write_facts(sets.read_facts(folder), empty)
    assert newest(folder.parent) == folder
    with pytest.raises(UsageError, match="no baseline with runs"):
        newest(folder)


def test_a_cell_of_a_table_can_not_end_it() -> None:
    table = Table(title="t", head=("a", "b"), rows=(("x|y", "1"),))
    assert markdown(table) == "## t\n\n| a | b |\n| --- | ---: |\n| x/y | 1 |\n"
