"""`cc-ci perf`: documents about measurements."""

from pathlib import Path

import click

AGAIN = Path("benchmarks/again")
ENGINES = Path("benchmarks/engines")
ROOT = click.Path(path_type=Path, file_okay=False)


@click.group()
def perf() -> None:
    """Write documents about measurements."""


@perf.command()
@click.option("--set", "folder", type=ROOT, help="The baseline to use, by default the newest.")
@click.option("--baselines", type=ROOT, default=Path("baselines"), show_default=True, help="Where they are.")
@click.option("--limit", type=ROOT, help="A set of `cc-ci limit` for limit.md, not the baseline's own pairs.")
@click.option("--again", type=ROOT, default=AGAIN, show_default=True, help="Sets that repeat some of it.")
@click.option(
    "--engines", type=ROOT, default=ENGINES, show_default=True, help="Sets of `cc-ci engine measure`."
)
@click.option("--out", type=ROOT, default=Path("docs/perf"), show_default=True, help="Where documents go.")
def docs(
    *, folder: Path | None, baselines: Path, limit: Path | None, again: Path, engines: Path, out: Path
) -> None:
    """Write the documents from the newest baseline and the notes beside it.

    This overwrites documents in the folder of --out.
    """
    from cc_ci.perf.baselines.measured_set import newest, with_runs
    from cc_ci.perf.documents.perf_docs import documents
    from cc_ci.system.files import write_atomic

    chosen = folder or newest(baselines)
    click.echo(f"made from {chosen}", err=True)
    for name, text in documents(chosen, limit, with_runs(again), with_runs(engines)).items():
        write_atomic(out / name, text)
        click.echo(out / name)
