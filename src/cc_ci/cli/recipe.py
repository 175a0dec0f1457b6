"""`cc-ci recipe`: how cc-ci understands a recipe, and what is wrong with it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc_ci.system.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from cc_ci.recipes.linting.findings import Finding
    from cc_ci.recipes.linting.ignores import Ignore

COLOURS = {"error": "red", "warning": "yellow", "unchecked": "cyan"}
PATH = click.argument("path", type=click.Path(path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
TRUST = click.option(
    "--trust", metavar="PERMISSION", multiple=True, help="Treat this permission as given; repeatable."
)


@click.group()
def recipe() -> None:
    """Read a recipe, as a folder or repository on this machine; no Docker is needed."""


@recipe.command()
@PATH
@JSON
@click.option(
    "--compose", "files", multiple=True, help="A compose file to use, in order. [as in .env.sample]"
)
def inspect(path: Path, *, files: tuple[str, ...], as_json: bool) -> None:
    """Show how cc-ci understands the recipe at PATH."""
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
@click.option(
    "--ignores",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file of findings to ignore, in addition to the recipe's .cc-ci-lint.toml.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a file that ignores everything found now, and exit with 0.",
)
@TRUST
def lint(
    path: Path, *, as_json: bool, ignores: Path | None, write_baseline: Path | None, trust: tuple[str, ...]
) -> None:
    """List mistakes in the recipe at PATH; exits with 1 if there are errors."""
    from cc_ci.recipes.linting.ignores import baseline
    from cc_ci.recipes.linting.lint import lint as linted
    from cc_ci.recipes.recipe import read_recipe

    report = linted(read_recipe(path), ignores=_entries(ignores))
    if write_baseline:
        write_baseline.write_text(baseline(report.findings, reason="was there when cc-ci began to look"))
        click.echo(f"{write_baseline}: {len(report.findings)} findings", err=True)
        return
    if as_json:
        import msgspec

        _print_json([msgspec.to_builtins(finding) for finding in report.findings])
    else:
        _print_findings(report.findings, ignored=len(report.ignored))
        _tell_trust(path, trust)
    if any(finding.severity == "error" for finding in report.findings):
        raise click.exceptions.Exit(1)


@recipe.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@JSON
@TRUST
def trust(path: Path | None, *, as_json: bool, trust: tuple[str, ...]) -> None:
    """List all permissions for --trust; with PATH, those that the recipe needs, with file and line."""
    from cc_ci.recipes.policy.permissions import KINDS

    if path is None:
        rows: list[dict[str, Any]] = [{"permission": form, "opens": opens} for form, opens in KINDS.items()]
    else:
        rows = _needed(path, trust)
    if as_json:
        _print_json(rows)
    elif rows:
        _console().print(_table(rows))
    else:
        click.echo(f"{path}: asks for nothing beyond containers of its own", err=True)


def _needed(path: Path, trusted: tuple[str, ...]) -> list[dict[str, Any]]:
    """The permissions that any combination of the recipe's compose files needs."""
    from cc_ci.recipes.policy.asked import permissions
    from cc_ci.recipes.policy.permissions import require_known
    from cc_ci.recipes.recipe import read_recipe

    require_known(trusted)
    return [
        {"permission": one.permission, "where": str(one.source or ""), "what": f"{one.key}: {one.what}"}
        for one in permissions(read_recipe(path))
        if one.permission not in trusted
    ]


def _tell_trust(path: Path, trusted: tuple[str, ...]) -> None:
    needed = list(dict.fromkeys(row["permission"] for row in _needed(path, trusted)))
    if needed:
        flags = " ".join(f"--trust {shlex.quote(name)}" for name in needed)
        click.echo(f"a run is refused without {flags}; `cc-ci recipe trust {path}` says why", err=True)


@recipe.command()
@JSON
def rules(*, as_json: bool) -> None:
    """List the rules of lint: what each requires, why, and whether abra has it."""
    from cc_ci.recipes.linting.findings import RULES

    rows: list[dict[str, Any]] = [
        {
            "rule": one.ref,
            "severity": one.severity,
            "title": one.title,
            "why": one.why,
            "remedy": one.remedy,
            "abra": one.of_abra,
        }
        for one in RULES.values()
    ]
    if as_json:
        _print_json(rows)
    else:
        _console().print(_table([{**row, "abra": "yes" if row["abra"] else "no"} for row in rows]))


def _entries(file: Path | None) -> "tuple[Ignore, ...]":
    from cc_ci.errors import UsageError
    from cc_ci.recipes.linting.ignores import read_ignores

    if file is None:
        return ()
    found = read_ignores(file.read_text(), name=str(file))
    if found.faults:
        raise UsageError(f"{file}: {found.faults[0].message}")
    return found.entries


def _print_findings(findings: "tuple[Finding, ...]", *, ignored: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("rule", "severity", "where", "what", box=None)
    for one in findings:
        severity = Text(one.severity, style=COLOURS[one.severity])
        table.add_row(one.rule, severity, Text(one.where), Text(one.message))
    console = _console()
    console.print(table)
    count = {severity: sum(one.severity == severity for one in findings) for severity in COLOURS}
    counted = [f"{number} {severity}" for severity, number in count.items()]
    console.print(", ".join([*counted, *([f"{ignored} ignored"] if ignored else [])]))


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
    return "-" if value is None or value == "" else printable(str(value))
