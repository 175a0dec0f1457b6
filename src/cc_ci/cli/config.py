"""`cc-ci config`: the current settings, and where each comes from."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cc_ci.system.settings import Resolved


@click.group()
def config() -> None:
    """Show settings from files, the environment and flags."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show(*, as_json: bool) -> None:
    """Print each setting, its value and where it came from."""
    from cc_ci.system.settings import load_resolved

    rows = _rows(load_resolved())
    if as_json:
        from cc_ci.cli.told_json import tell_json

        tell_json("settings", settings=rows)
        return
    width = max(map(len, rows))
    for name, row in rows.items():
        click.echo(f"{name:<{width}}  {_shown(row['value']):<24}  {row['origin']}")


def _rows(resolved: "Resolved") -> dict[str, dict[str, Any]]:
    import msgspec

    values = msgspec.to_builtins(resolved.settings, enc_hook=str)
    return {name: {"value": value, "origin": resolved.origins[name]} for name, value in values.items()}


def _shown(value: object) -> str:
    if value is None or value in ((), {}):
        return "-"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {', '.join(names)}" for key, names in value.items())
    return ":".join(value) if isinstance(value, tuple) else str(value)
