"""`cc-ci logs`: the evidence of a run, without looking for its folder."""

import click


@click.command()
@click.argument("run", default="latest")
@click.argument("service", required=False)
def logs(run: str, service: str | None) -> None:
    """Print the logs of RUN, for all services or for SERVICE. The default is the latest run.

    RUN is a run's id or the beginning of one. Any other single word is a SERVICE of the latest run.
    """
    from cc_ci.errors import UsageError
    from cc_ci.results.store import Store

    store = Store()
    if service is None and run != "latest" and not any(one.startswith(run) for one in store.runs()):
        run, service = "latest", run
    folder = store.find(run)
    found = sorted(folder.evidence.rglob("*.log"))
    chosen = [path for path in found if service is None or path.stem == service]
    if not chosen:
        there_are = ", ".join(sorted({path.stem for path in found})) or "none"
        raise UsageError(f"run {folder.run}: no log of {service or 'any service'}; there is {there_are}")
    for path in chosen:
        click.echo(f"==> {path.relative_to(folder.path)} <==")
        click.echo(path.read_text(errors="replace"))
    click.echo(f"more evidence: {folder.evidence}", err=True)
