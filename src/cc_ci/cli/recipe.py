"""`cc-ci recipe`: what is understood of a recipe, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from cc_ci.recipes.findings import Finding

COLOURS = {"error": "red", "warning": "yellow", "unchecked": "cyan"}
PATH = click.argument("path", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")


@click.group()
def recipe() -> None:
    """Read a recipe, as a folder or repository on this machine; no Docker is needed."""


@recipe.command()
@PATH
@JSON
@click.option(
    "--compose", "files", multiple=True, help="A compose file to use, in order; else what .env.sample says."
)
def inspect(path: Path, *, files: tuple[str, ...], as_json: bool) -> None:
    """Show what is understood of the recipe at PATH."""
    from cc_ci.recipes.inspection import inspect as inspected
    from cc_ci.recipes.recipe import read_recipe

    seen = inspected(read_recipe(path), variant=files or None)
    if as_json:
        _print_json(seen)
        return
    console = _console()
    for name, value in seen.items():
        if isinstance(value, list) and name != "functions":
            console.print(f"\n{name}", style="bold")
            console.print(_table(value))
        else:
            console.print(f"{name}: {_shown(value)}", soft_wrap=True)


@recipe.command()
@PATH
@JSON
def lint(path: Path, *, as_json: bool) -> None:
    """Judge the recipe at PATH; exits 1 if there are errors."""
    from cc_ci.recipes.lint import lint as linted
    from cc_ci.recipes.recipe import read_recipe

    findings = linted(read_recipe(path))
    if as_json:
        import msgspec

        _print_json([msgspec.to_builtins(finding) for finding in findings])
    else:
        _print_findings(findings)
    if any(finding.severity == "error" for finding in findings):
        raise click.exceptions.Exit(1)


def _print_findings(findings: "tuple[Finding, ...]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("rule", "severity", "where", "what", box=None)
    for one in findings:
        where = f"{one.file}:{one.line}" if one.line else one.file or ""
        table.add_row(one.rule, Text(one.severity, style=COLOURS[one.severity]), where, one.message)
    console = _console()
    console.print(table)
    count = {severity: sum(one.severity == severity for one in findings) for severity in COLOURS}
    console.print(", ".join(f"{number} {severity}" for severity, number in count.items()))


def _print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value)))


def _console() -> Any:
    import sys

    from cc_ci.report.tables import console

    return console(sys.stdout)


def _table(rows: list[dict[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table(box=None)
    for column in rows[0] if rows else ["none"]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(_shown, row.values()))
    return table


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return "-" if value is None or value == "" else str(value)
