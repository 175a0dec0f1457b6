"""What commands print for programs: JSON that names its schema and the schema's version."""

from typing import Any

import click

VERSION = 1
"""Of each schema, until one changes in more than a key that is added; docs/reference/json.md has them."""


def tell_json(schema: str, *, indent: int = 2, **content: Any) -> None:
    """Print `content` as one object; paths and the like are told as text."""
    import msgspec

    whole = {"schema": f"cc-ci.{schema}", "version": VERSION, **content}
    click.echo(msgspec.json.format(msgspec.json.encode(whole, enc_hook=str), indent=indent).decode())
