"""`cc-ci report`: a run or a set of runs as one HTML file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.perf.analysis.statistics import Ratio
    from cc_ci.perf.baselines.measured_set import Set
    from cc_ci.report.html.set_page import MedianAndLimit


@click.command()
@click.argument("what", default="latest", metavar="RUN|SET")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
def report(what: str, *, out: Path | None) -> None:
    """Draw a run, or a set of measured runs, as one self-contained HTML file.

    RUN is a run's id, the beginning of one, `latest`, or a results.json; SET the folder of a baseline. The
    page is written beside what it shows, as report.html or NAME.html for NAME.json, unless --out says
    otherwise.
    """
    from cc_ci.results.measured import RUNS
    from cc_ci.system.files import write_atomic

    folder = Path(what)
    is_set = (folder / RUNS).is_dir()
    target, page = _of_set(folder, out) if is_set else _of_run(what, out)
    write_atomic(target, page.encode())
    click.echo(target)


def _of_run(what: str, out: Path | None) -> tuple[Path, str]:
    from cc_ci.cli.chosen_run import results_file
    from cc_ci.report.html.evidence import evidence_of
    from cc_ci.report.html.run_page import run_page
    from cc_ci.results.store import RESULTS, load

    source = results_file(what)
    result = load(source)
    own = source.name == RESULTS
    target = out or (source.with_name("report.html") if own else source.with_suffix(".html"))
    return target, run_page(result, evidence=evidence_of(result, source.parent, page=target))


def _of_set(folder: Path, out: Path | None) -> tuple[Path, str]:
    from cc_ci.perf.documents.wording import conditions
    from cc_ci.report.html.set_page import set_page
    from cc_ci.results.measured import read_set

    whole = _whole(folder)
    page = set_page(
        folder.resolve().name,
        read_set(folder),
        bounds=tuple(_bounds(whole)) if whole else (),
        conditions=conditions(whole) if whole else {},
    )
    return out or folder / "report.html", page


def _whole(folder: Path) -> "Set | None":
    """The set with its facts; None for single runs, which are less than a baseline."""
    from cc_ci.perf.baselines.measured_set import read
    from cc_ci.perf.baselines.sets import FACTS

    return read(folder) if (folder / FACTS).exists() else None


def _bounds(measured: "Set") -> "Iterator[MedianAndLimit]":
    """Empty if the set has no pairs of bare and deployed runs."""
    from cc_ci.perf.analysis.pairs import findings
    from cc_ci.report.html.set_page import MedianAndLimit

    for one in findings(measured):
        yield MedianAndLimit(
            recipe=one.recipe,
            cache=one.cache,
            run=one.run,
            limit=one.limit,
            floor=one.floor,
            rho=_said(one.rho) if one.rho else None,
        )


def _said(rho: "Ratio") -> str:
    if rho.low is None or rho.high is None:
        return f"{rho.estimate:.2f}"
    return f"{rho.estimate:.2f} ({rho.low:.2f} to {rho.high:.2f})"
