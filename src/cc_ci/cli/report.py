"""`cc-ci report`: a run or a set of runs as one HTML file."""

from collections.abc import Iterator
from pathlib import Path

import click


@click.command()
@click.argument("what", default="latest", metavar="RUN|SET")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.")
def report(what: str, *, out: Path | None) -> None:
    """Draw a run, or a set of measured runs, as one HTML file that needs nothing but itself.

    RUN is a run's id, the beginning of one, `latest`, or a results.json; SET the folder of a baseline. The
    page is written beside what it shows, as report.html, unless --out says otherwise.
    """
    from cc_ci.results.measured import RUNS
    from cc_ci.system.files import write_atomic

    folder = Path(what)
    is_set = (folder / RUNS).is_dir()
    target, page = _of_set(folder, out) if is_set else _of_run(what, out)
    write_atomic(target, page.encode())
    click.echo(target)


def _of_run(what: str, out: Path | None) -> tuple[Path, str]:
    from cc_ci.report.html.evidence import evidence_of
    from cc_ci.report.html.run_page import run_page
    from cc_ci.results.store import Store, load

    source = Path(what) if Path(what).is_file() else Store().find(what).results
    result = load(source)
    target = out or source.with_name("report.html")
    return target, run_page(result, evidence=evidence_of(result, source.parent, page=target))


def _of_set(folder: Path, out: Path | None) -> tuple[Path, str]:
    from cc_ci.report.html.set_page import set_page
    from cc_ci.results.measured import read_set

    page = set_page(folder.resolve().name, read_set(folder), bounds=tuple(_bounds(folder)))
    return out or folder / "report.html", page
