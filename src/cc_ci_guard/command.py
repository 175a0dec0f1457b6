"""`cc-ci guard`: shows that a change of cc-ci weakened nothing. It starts cc-ci as a process."""

import json
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from cc_ci_guard import census as censuses
from cc_ci_guard import inventory as inventories
from cc_ci_guard import loading, machine, planted, scores
from cc_ci_guard.campaign import Campaign, Job, Outcome, Way, digest_of, mutant_jobs, twin_jobs
from cc_ci_guard.census import Residue, Taken
from cc_ci_guard.engine import at_socket
from cc_ci_guard.errors import RESIDUE, WEAKER, GuardUsageError
from cc_ci_guard.loading import Listed
from cc_ci_guard.programs import LocalPrograms, said_by
from cc_ci_guard.results import locate, read, runs_root, runtime_root, state_root

NODE = "main"


@click.group()
def guard() -> None:
    """Show that nothing was weakened, with programs that share no code with what they judge.

    Exits 0 if all holds, 1 if something is weaker, 3 if the guard could not look, 4 if something was left.
    """


@guard.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--fewer",
    type=click.Choice(inventories.PARTS),
    multiple=True,
    help="Let B have less of this, and say what; repeatable. For arms that share deployments.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def inventory(*, a: str, b: str, fewer: tuple[inventories.Part, ...], as_json: bool) -> None:
    """Hold what run B carried out against run A: tests, assertions, probes, seeds, deployments.

    A and B are results.json files, folders or ids of runs. B may have more, and never less.
    """
    one, other = (inventories.take(read(locate(name, root=runs_root()))) for name in (a, b))
    found = inventories.compare(one, other, allowed=frozenset(fewer))
    if as_json:
        _print_json({"a": one, "b": other, "comparison": found})
    else:
        click.echo("\n".join(_inventory_lines(one, other, found)))
    sys.exit(WEAKER if found.less else 0)


def _inventory_lines(
    a: inventories.Inventory, b: inventories.Inventory, found: inventories.Comparison
) -> Iterable[str]:
    for part in inventories.PARTS:
        same = "as before" if a.hashes[part] == b.hashes[part] else f"{b.hashes[part]} now"
        counts = f"{sum(a.parts[part].values())} and {sum(b.parts[part].values())}"
        yield f"{part}: {counts}, {a.hashes[part]}, {same}"
    yield from (f"less: {one.line}" for one in found.less)
    yield from (f"less, as allowed: {one.line}" for one in found.fewer_allowed)
    yield from (f"more: {one}" for one in found.more)
    yield from (f"note: {one}" for one in found.notes)
    yield f"{b.run} has {'less than' if found.less else 'all that'} {a.run}{'' if found.less else ' has'}"


CAMPAIGN_OPTIONS = (
    click.option("--profile", default="stock", show_default=True, help="The profile that is judged."),
    click.option("--recipes", metavar="NAME,NAME", help="Of these recipes alone."),
    click.option("--only", multiple=True, metavar="NAME", help="This one alone; repeatable."),
    click.option("--node", default=NODE, show_default=True, help="A private node that nobody else uses."),
    click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 16), help="Runs at once."),
    click.option("--soak", is_flag=True, help="Run with --soak: what needs uptime to show can be seen."),
    click.option("--whole", is_flag=True, help="All stages in each run, not only the one that is judged."),
    click.option("--out", type=click.Path(path_type=Path), help="Where runs are kept, to go on from."),
    click.option("--again", is_flag=True, help="Use nothing that was kept."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines."),
)


def campaign_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(CAMPAIGN_OPTIONS):
        command = option(command)
    return command


@guard.command()
@campaign_options
@click.option("--list", "listing", is_flag=True, help="Say what mutants there are, and run nothing.")
def mutants(*, recipes: str | None, only: tuple[str, ...], listing: bool, as_json: bool, **way: Any) -> None:
    """Run recipes that are broken on purpose: each has to fail at the stage and by the check that it names.

    A kill counts only if the unedited recipe is green. Runs are kept: what was stopped goes on from there.
    """
    chosen = _chosen(loading.mutants(loading.shipped("guard") / "mutants"), recipes, only)
    if listing:
        _list(chosen, as_json=as_json)
        return
    outcomes, residue = _carry_out(mutant_jobs(chosen), **way)
    found = scores.score(outcomes, profile=way["profile"], soak=way["soak"])
    _tell(scores.lines(found), {"score": found, "residue": residue}, residue, as_json=as_json)
    _exit(residue, weaker=bool(found.alive or found.alarms.false))


@guard.command()
@campaign_options
@click.option("--times", default=1, show_default=True, type=click.IntRange(1), help="How often each runs.")
@click.option("--list", "listing", is_flag=True, help="Say what twins there are, and run nothing.")
def twins(
    *, recipes: str | None, only: tuple[str, ...], times: int, listing: bool, as_json: bool, **way: Any
) -> None:
    """Run recipes that are unusual and sound: each has to be green. A red one is a false alarm."""
    chosen = _chosen(loading.twins(loading.shipped("guard") / "twins"), recipes, only)
    if listing:
        _list(chosen, as_json=as_json)
        return
    outcomes, residue = _carry_out(twin_jobs(chosen, times=times), **way)
    found = scores.alarms(outcomes)
    _tell(scores.alarm_lines(found), {"alarms": found, "residue": residue}, residue, as_json=as_json)
    _exit(residue, weaker=bool(found.false))


@guard.command()
@click.option("--node", default=NODE, show_default=True, help="A private node by its name.")
@click.option("--save", type=click.Path(path_type=Path), help="Write the census to this file.")
@click.option(
    "--against", type=click.Path(path_type=Path), help="Exit 4 if it is another one than this file's."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def census(*, node: str, save: Path | None, against: Path | None, as_json: bool) -> None:
    """Say what exists on a node and of it on this machine: what, whose, how old."""
    taken = _census(node)
    if save:
        censuses.save(taken, save)
    residue = censuses.difference(censuses.load(against), taken) if against else None
    if as_json:
        _print_json({"census": taken, "residue": residue})
    elif residue is None:
        click.echo(
            "\n".join([*(one.line for one in taken.things), *(f"not seen: {one}" for one in taken.unseen)])
        )
    else:
        click.echo("\n".join(censuses.lines(residue)) or "nothing was left, and nothing is lost")
    sys.exit(0 if residue is None or residue.clean else RESIDUE)


@guard.command()
@click.argument("run")
@click.option(
    "--planted",
    "file",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The planted secrets, a line each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def secrets(*, run: str, file: Path, as_json: bool) -> None:
    """Look for planted secrets in all that a run left: plain, encoded, and in pieces over lines.

    RUN is a folder, or a run's id. The secrets themselves are never printed.
    """
    values = [line for line in file.read_text().splitlines() if line]
    if not values or min(map(len, values)) < planted.SHORTEST:
        raise GuardUsageError(
            f"{file}: has no secret, or one below {planted.SHORTEST} characters; plant longer ones"
        )
    folder = Path(run) if Path(run).is_dir() else locate(run, root=runs_root()).parent
    found = list(planted.search(folder, values))
    if as_json:
        _print_json(found)
    else:
        click.echo("\n".join(one.told for one in found) or f"{len(values)} planted secrets, none in {folder}")
    sys.exit(WEAKER if found else 0)


def _chosen(found: Sequence[Listed], recipes: str | None, only: Sequence[str]) -> tuple[Listed, ...]:
    wanted = set(recipes.split(",")) if recipes else {one.recipe for one in found}
    unknown = sorted({*only} - {one.name for one in found} | wanted - {one.recipe for one in found})
    if unknown:
        raise GuardUsageError(f"{unknown[0]}: there is no such mutant, twin or recipe; `--list` has them all")
    return tuple(one for one in found if one.recipe in wanted and (not only or one.name in only))


def _list(chosen: Sequence[Listed], *, as_json: bool) -> None:
    if as_json:
        _print_json(chosen)
    else:
        click.echo(
            "\n".join(f"{one.recipe:16} {one.name}: {one.change.what} ({one.place})" for one in chosen)
        )


def _carry_out(
    work: Sequence[Job],
    *,
    profile: str,
    node: str,
    jobs: int,
    soak: bool,
    whole: bool,
    out: Path | None,
    again: bool,
) -> tuple[tuple[Outcome, ...], Residue]:
    """Carry jobs out between two censuses of the node."""
    way = Way(profile=profile, node=node, soak=soak, whole=whole, code=_code(again=again))
    campaign = Campaign(
        way,
        recipes=loading.shipped("lab") / "recipes",
        out=out or state_root() / "guard" / profile,
        program=LocalPrograms(),
        tell=lambda line: click.echo(line, err=True),
    )
    # a supervisor's signal ends runs as Ctrl-C does, which reaches them by itself
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = _census(node)
    outcomes = campaign(work, at_once=jobs)
    return outcomes, censuses.difference(before, _census(node))


def _code(*, again: bool) -> str:
    """What the kept runs were made by: cc-ci's own files and its suites; `again` is like no other."""
    return digest_of([loading.shipped("suites"), loading.judged()]) + (f" {machine.now()}" if again else "")


def _census(node: str) -> Taken:
    places = machine.Places(node=node, state=state_root(), runtime=runtime_root())
    return machine.take(places, ask=at_socket(places.socket), said=said_by, now=machine.now())


def _tell(lines: Iterable[str], data: Any, residue: Residue, *, as_json: bool) -> None:
    if as_json:
        _print_json(data)
        return
    click.echo("\n".join([*lines, *censuses.lines(residue)]))


def _exit(residue: Residue, *, weaker: bool) -> None:
    sys.exit(WEAKER if weaker and residue.clean else 0 if residue.clean else RESIDUE)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(msgspec.to_builtins(data), indent=1))
