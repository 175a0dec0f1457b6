"""`cc-ci perf`: documents about measurements."""

from pathlib import Path

import click

AGAIN = Path("benchmarks/again")
ENGINES = Path("benchmarks/engines")
ROOT = click.Path(path_type=Path, file_okay=False)
SET = click.option("--set", "folder", type=ROOT, help="The set to use, by default the newest baseline.")
BASELINES = click.option("--baselines", type=ROOT, default=Path("baselines"), show_default=True,
                         help="Where they are.")  # fmt: skip


@click.group()
def perf() -> None:
    """Write documents about measurements, and derive numbers from them."""


@perf.command()
@SET
@BASELINES
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


@perf.command()
@SET
@BASELINES
def aa(*, folder: Path | None, baselines: Path) -> None:
    """Say what equal runs of a set differ by, and how many pairs an experiment takes by that.

    `cc-ci baseline --twice` measures such pairs side by side; those of other sets lie further apart.
    """
    from cc_ci.cli.told_tables import tell_tables
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis.host_speed import exponent
    from cc_ci.perf.analysis.pairs_needed import noises
    from cc_ci.perf.baselines.measured_set import newest, read
    from cc_ci.perf.documents.noise import noise_table

    measured = read(folder or newest(baselines))
    click.echo(f"of {measured.folder}", err=True)
    found = noises(measured)
    if not found:
        raise UsageError(f"{measured.folder}: no two runs of one cell and one boot count")
    table = noise_table(found)
    tell_tables([table])
    click.echo(table.note)
    power = exponent([pair for one in found for pair in one.pairs])
    if power is not None:
        click.echo(f"times follow the canary on all CPUs to the power {power:.2f}: `compare --covariate`")


@perf.command()
@SET
@BASELINES
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def budgets(*, folder: Path | None, baselines: Path, as_json: bool) -> None:
    """Derive budgets from the floors of a set: a fifth on top, by recipe and shape of the plan."""
    import msgspec

    from cc_ci.cli.told_json import tell_json
    from cc_ci.cli.told_tables import tell_tables
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis.budgets import budgets as derived
    from cc_ci.perf.analysis.pairs import findings
    from cc_ci.perf.baselines.measured_set import newest, read
    from cc_ci.perf.documents.budgets import budgets_table

    measured = read(folder or newest(baselines))
    click.echo(f"of {measured.folder}", err=True)
    found = derived(findings(measured))
    if not found:
        raise UsageError(f"{measured.folder}: no floors; `cc-ci baseline` measures them beside its runs")
    if as_json:
        rows = [{**msgspec.structs.asdict(one), "seconds": one.seconds} for one in found]
        tell_json("budgets", budgets=rows)
        return
    tell_tables([budgets_table(found)])
    if not any(one.shape == "chains2" for one in found):
        click.echo("the set does not tell what single steps used: no budgets of two chains", err=True)
