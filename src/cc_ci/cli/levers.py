"""`cc-ci levers`: every lever, described, and the profiles."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.levers.lever import Lever


@click.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def levers(names: tuple[str, ...], *, as_json: bool) -> None:
    """List the levers of a run, or describe NAMES in full.

    `cc-ci run --lever NAME=VALUE` sets one to another value than its profile has.
    """
    from cc_ci.cli.told_json import tell_json
    from cc_ci.levers.registry import LEVERS, lever_named

    chosen = tuple(map(lever_named, names)) or LEVERS
    if as_json:
        tell_json("levers", levers=_rows(chosen))
    elif names:
        click.echo("\n\n".join("\n".join(_details(lever)) for lever in chosen))
    else:
        _tell_table(chosen)


def _rows(chosen: "tuple[Lever, ...]") -> list[dict[str, object]]:
    import msgspec

    from cc_ci.levers.registry import PROFILES

    return [
        {
            **msgspec.structs.asdict(lever),
            "values": str(lever.values),
            "profiles": {name: lever.in_profile(name) for name in PROFILES},
            "touches": sorted(lever.touches),
        }
        for lever in chosen
    ]


def _tell_table(chosen: "tuple[Lever, ...]") -> None:
    from cc_ci.levers.arms import WHAT
    from cc_ci.levers.registry import PROFILES
    from cc_ci.levers.values import told
    from cc_ci.report.tables import console, plain_table

    head = ("lever", "idea", *PROFILES, "values", "changes")
    rows = [
        (lever.name, lever.idea, *(told(lever.in_profile(name)) for name in PROFILES), str(lever.values),
         lever.changes)
        for lever in chosen
    ]  # fmt: skip
    out = console(sys.stdout)
    out.print(
        plain_table(head, rows, words={0, 1, *range(2, 2 + len(PROFILES)), len(head) - 2, len(head) - 1})
    )
    out.print()
    for name, what in WHAT.items():
        out.print(f"profile {name}: {what}")


def _details(lever: "Lever") -> list[str]:
    from cc_ci.levers.registry import PROFILES
    from cc_ci.levers.values import told

    values = ", ".join(f"{told(lever.in_profile(name))} in {name}" for name in PROFILES)
    found = {
        "values": f"{lever.values}; {values}",
        "idea": lever.idea,
        "changes": lever.changes,
        "touches": ", ".join(sorted(lever.touches)),
        "risk": lever.risk,
        "guard": lever.guard,
        "source": lever.source,
    }
    return [lever.name, *(f"  {name}: {said}" for name, said in found.items() if said)]
