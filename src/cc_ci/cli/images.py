"""`cc-ci images`: make the stand-in images, bring real ones in, say what there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.lab.images import Image, Record
    from cc_ci.lab.workshop import Builder


@click.group()
def images() -> None:
    """Images that the lab's registry serves: stand-ins built here, or real ones brought in."""


@images.command()
@click.argument("names", nargs=-1)
@click.option("--force", is_flag=True, help="Build also what is up to date, or was loaded.")
def build(names: tuple[str, ...], *, force: bool) -> None:
    """Build stand-ins NAMES, such as nginx or nginx:1.22.1, and put them into the registry.

    No NAMES: those that the demo needs. What is up to date is left alone.
    """
    from cc_ci.lab import builds
    from cc_ci.lab.images import read_images, select

    wanted = select(read_images(), names)
    due = wanted if force else builds.outdated(wanted)
    for image in wanted:
        if image not in due:
            click.echo(f"{image.short}: up to date", err=True)
    if due:
        with _builder() as builder:
            _report(builds.build(due, builder=builder))


@images.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load(file: Path) -> None:
    """Put the images of FILE, a `docker save` or OCI archive, into the registry under their own names."""
    from cc_ci.lab import builds

    with _builder() as builder:
        _report(builds.load(file, builder=builder))


@images.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(*, as_json: bool) -> None:
    """Say which images there are, and what is in them."""
    from cc_ci.lab.images import loaded, read_images

    rows = [_row(image) for image in read_images()]
    rows += [_loaded_row(record) for record in loaded(read_images())]
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
        return
    _table(rows)


def _row(image: "Image") -> dict[str, str | int | None]:
    from cc_ci.lab.images import read_record, status

    record = read_record(image.name)
    seen = status(image)
    return {
        "name": str(image.name),
        "status": seen,
        "size_bytes": record.size_bytes if record and seen != "missing" else None,
        "contents": record.contents if record and seen != "missing" else image.summary,
    }


def _loaded_row(record: "Record") -> dict[str, str | int | None]:
    return {
        "name": record.reference,
        "status": "loaded",
        "size_bytes": record.size_bytes,
        "contents": record.contents,
    }


def _table(rows: list[dict[str, str | int | None]]) -> None:
    width = max(len(str(row["name"])) for row in rows)
    for row in rows:
        size = row["size_bytes"]
        shown = f"{size / 1e6:.0f} MB" if isinstance(size, int) else "-"
        click.echo(f"{row['name']:{width}}  {row['status']:8}  {shown:>7}  {row['contents']}")


def _report(made: "tuple[Record, ...]") -> None:
    for record in made:
        size = f"{record.size_bytes / 1e6:.0f} MB"
        click.echo(f"{record.reference}  {size}  {record.seconds:.0f} s  {record.digest}")


@contextmanager
def _builder() -> "Iterator[Builder]":
    from cc_ci.cli.story import story, told_runner
    from cc_ci.lab.workshop import workshop
    from cc_ci.system.clock import SystemClock

    with story() as say, workshop(runner=told_runner(say), clock=SystemClock(), say=say) as builder:
        yield builder
