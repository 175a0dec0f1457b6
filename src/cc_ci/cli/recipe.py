"""`cc-ci recipe`: how cc-ci understands a recipe, and what is wrong with it."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc_ci.cli.told_json import tell_json
from cc_ci.system.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from cc_ci.recipes.linting.findings import Finding
    from cc_ci.recipes.linting.ignores import Ignore

COLOURS = {"error": "red", "warning": "yellow", "unchecked": "cyan"}
PATH = click.argument("path", metavar="RECIPE")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
TRUST = click.option(
    "--trust", metavar="PERMISSION", multiple=True, help="Treat this permission as given; repeatable."
)


@click.group()
def recipe() -> None:
    """Read a recipe, by its name, its folder or the address of its repository; no Docker is needed."""


@contextlib.contextmanager
def located(asked: str) -> Iterator[Path]:
    """The folder of a recipe by a name, a path or an address. Raises UsageError for one that holds none."""
    from cc_ci.errors import UsageError
    from cc_ci.pipeline.locating import locate
    from cc_ci.system.held import temporary_folder
    from cc_ci.system.process import LocalRunner
    from cc_ci.system.settings import load_settings

    with temporary_folder() as scratch:
        root = locate(asked, roots=load_settings().recipes, scratch=scratch, runner=LocalRunner())
        if not any(root.glob("compose*.y*ml")) and not (root / ".env.sample").exists():
            raise UsageError(f"{asked}: holds no recipe: neither a compose.yml nor an .env.sample is in it")
        yield root


@recipe.command()
@PATH
@JSON
@click.option(
    "--compose", "files", multiple=True, help="A compose file to use, in order. [as in .env.sample]"
)
def inspect(path: str, *, files: tuple[str, ...], as_json: bool) -> None:
    """Show how cc-ci understands RECIPE."""
    from cc_ci.recipes.inspection import inspect as inspected
    from cc_ci.recipes.recipe import read_recipe

    with located(path) as root:
        seen = inspected(read_recipe(root), variant=files or None)
    if as_json:
        tell_json("recipe", recipe=seen)
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
    path: str, *, as_json: bool, ignores: Path | None, write_baseline: Path | None, trust: tuple[str, ...]
) -> None:
    """List mistakes in RECIPE; exits with 1 if there are errors."""
    from cc_ci.recipes.linting.ignores import baseline
    from cc_ci.recipes.linting.lint import lint as linted
    from cc_ci.recipes.recipe import read_recipe

    with located(path) as root:
        report = linted(read_recipe(root), ignores=_entries(ignores))
        needed = _needed(root, trust)
    if write_baseline:
        write_baseline.write_text(baseline(report.findings, reason="was there when cc-ci began to look"))
        click.echo(f"{write_baseline}: {len(report.findings)} findings", err=True)
        return
    if as_json:
        tell_json("findings", findings=report.findings, ignored=len(report.ignored))
    else:
        _print_findings(report.findings, ignored=len(report.ignored))
        _tell_trust(path, needed)
    if any(finding.severity == "error" for finding in report.findings):
        raise click.exceptions.Exit(1)


@recipe.command()
@click.argument("path", metavar="[RECIPE]", required=False)
@JSON
@TRUST
def trust(path: str | None, *, as_json: bool, trust: tuple[str, ...]) -> None:
    """List all permissions for --trust; with RECIPE, those that it needs, with file and line."""
    from cc_ci.recipes.policy.permissions import KINDS

    if path is None:
        rows: list[dict[str, Any]] = [{"permission": form, "opens": opens} for form, opens in KINDS.items()]
    else:
        with located(path) as root:
            rows = _needed(root, trust)
    if as_json:
        tell_json("permissions", permissions=rows)
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


def _tell_trust(path: str, rows: list[dict[str, Any]]) -> None:
    needed = list(dict.fromkeys(row["permission"] for row in rows))
    if needed:
        flags = " ".join(f"--trust {shlex.quote(name)}" for name in needed)
        click.echo(f"a run is refused without {flags}; `cc-ci recipe trust {path}` says why", err=True)


@recipe.command()
@click.argument("refs", nargs=-1, metavar="[RULE]...")
@JSON
def rules(refs: tuple[str, ...], *, as_json: bool) -> None:
    """List the rules of lint, or only RULE: what each requires, why, and whether abra has it."""
    from cc_ci.recipes.linting.findings import RULES
    from cc_ci.recipes.linting.rule_examples import EXAMPLES
    from cc_ci.system.suggesting import unknown

    if stranger := next((ref for ref in refs if ref not in RULES), None):
        raise unknown("rule", stranger, RULES)
    rows: list[dict[str, Any]] = [
        {
            "rule": one.ref,
            "severity": one.severity,
            "title": one.title,
            "why": one.why,
            "remedy": one.remedy,
            "example": EXAMPLES[one.ref],
            "abra": one.of_abra,
        }
        for one in RULES.values()
        if not refs or one.ref in refs
    ]
    if as_json:
        tell_json("rules", rules=rows)
        return
    for row in rows:
        abra = "abra has it" if row["abra"] else "cc-ci's own"
        click.echo(f"{row['rule']}  {row['severity']}  {row['title']} ({abra})")
        click.echo(f"      why: {row['why']}")
        click.echo(f"      example: {row['example']}")
        click.echo(f"      remedy: {row['remedy']}")


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
    from rich.text import Text

    from cc_ci.report.fitting import Column, fitted_table

    names = ("rule", "severity", "where")
    columns = (*(Column(name=name) for name in names), Column(name="what", fold=True))
    rows = [
        (one.rule, Text(one.severity, style=COLOURS[one.severity]), one.where, one.message)
        for one in findings
    ]
    console = _console()
    if rows:
        console.print(fitted_table(columns, rows, width=console.width))
    count = {severity: sum(one.severity == severity for one in findings) for severity in COLOURS}
    counted = [f"{number} {severity}" for severity, number in count.items()]
    console.print(", ".join([*counted, *([f"{ignored} ignored"] if ignored else [])]))


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
