"""What commands print for programs: JSON that names its schema and the schema's version."""

from typing import Any

import click

VERSION = 1
"""Every schema has this version until one changes by more than an added key (docs/reference/json.md)."""


def tell_json(schema: str, *, indent: int = 2, **content: Any) -> None:
    """Print `content` as one object; paths and the like are told as text."""
    import msgspec

    whole = {"schema": f"cc-ci.{schema}", "version": VERSION, **content}
    click.echo(msgspec.json.format(msgspec.json.encode(whole, enc_hook=str), indent=indent).decode())
