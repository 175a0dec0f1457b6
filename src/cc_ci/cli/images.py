"""`cc-ci images`: build stand-in images, load real ones, and list them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.lab.images import ImageRecord, StandIn
    from cc_ci.lab.workshop import Builder


ImageRow = dict[str, str | float | None]


@click.group()
def images() -> None:
    """Images that the lab's registry serves: stand-ins that are built here, or real ones that you load."""


@images.command()
@click.argument("names", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Build every stand-in.")
@click.option("--force", is_flag=True, help="Also build what is up to date or was loaded.")
def build(names: tuple[str, ...], *, all_: bool, force: bool) -> None:
    """Build stand-ins NAMES, such as nginx or nginx:1.22.1, and put them into the registry.

    No NAMES: those that the demo needs. What is up to date is left alone, so that a call that was interrupted
    is taken up by the next one.
    """
    from cc_ci.lab import builds
    from cc_ci.lab.images import read_images, select

    if names and all_:
        raise click.UsageError("give NAMES or --all, not both")
    wanted = read_images() if all_ else select(read_images(), names)
    due = wanted if force else builds.outdated(wanted)
    for image in wanted:
        if image not in due:
            click.echo(f"{image.short}: up to date", err=True)
    if due:
        with _builder() as builder:
            # another command may have made some while this one waited for its turn
            _report(builds.build(due if force else builds.outdated(wanted), builder=builder))
            _serve(builder.say)


@images.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def load(file: Path) -> None:
    """Put the images of FILE, a `docker save` or OCI archive, into the registry under their own names."""
    from cc_ci.lab import builds

    with _builder() as builder:
        _report(builds.load(file, builder=builder))
        _serve(builder.say)


def _serve(say: "Callable[[str], None]") -> None:
    """Let running nodes serve new images at once, also under a new upstream name."""
    from cc_ci.errors import CcCiError
    from cc_ci.lab.node import PrivateNode
    from cc_ci.lab.node_records import all_nodes

    for name in all_nodes():
        try:
            new = PrivateNode(name, say=say).serve_images()
        except CcCiError as error:
            mend = f"`cc-ci node up --name {name}` fixes it"
            say(f"warning: node {name} does not serve them yet; {mend}: {error}")
        else:
            if new:
                say(f"node {name}: serves images of {', '.join(new)} from now on")


@images.command()
@click.option("--node", metavar="NAME", help="A private node's name, a docker context, or a host's address.")
@click.option("--free", metavar="SIZE", help="Remove no more than it takes to have so much of the disk free.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def prune(*, node: str | None, free: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove images from a node that no active recipe needs, the least lately used first.

    Active recipes are those that are enrolled (`cc-ci enroll`), and those run in the last 14 days. What no
    run of cc-ci has brought to the node is not touched.
    """
    from cc_ci.cli.kept import EnrolledImages
    from cc_ci.cli.told_json import tell_json
    from cc_ci.errors import UsageError
    from cc_ci.isolation import kept_images
    from cc_ci.system.settings import size_bytes

    kept = EnrolledImages.on(node)
    if free and kept.free is None:
        raise UsageError(f"--free {free}: the disk of node {kept.node} is another machine's; leave it out")
    gone = kept_images.prune(
        kept.engine,
        kept.file,
        now=kept.now,
        free=kept.free,
        wanted_free=size_bytes(free) if free else None,
        dry=dry_run,
    )
    if as_json:
        tell_json("pruned", pruned=gone)
        return
    for line in kept.told(gone, dry=dry_run):
        click.echo(line)


@images.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(*, as_json: bool) -> None:
    """List the images, and what is in them."""
    from cc_ci.lab.images import loaded, read_images

    rows = [_row(image) for image in read_images()]
    rows += [_loaded_row(record) for record in loaded(read_images())]
    if as_json:
        from cc_ci.cli.told_json import tell_json

        tell_json("images", images=rows)
        return
    _table(rows)


def _row(image: "StandIn") -> ImageRow:
    from cc_ci.lab.images import own_bytes, read_record, status

    record = read_record(image.name)
    seen = status(image)
    return {
        "name": str(image.name),
        "status": seen,
        "size_bytes": record.size_bytes if record and seen != "missing" else None,
        "own_bytes": own_bytes(image) if record and seen != "missing" else None,
        "seconds": record.seconds if record and seen != "missing" else None,
        "contents": record.contents if record and seen != "missing" else image.summary,
    }


def _loaded_row(record: "ImageRecord") -> ImageRow:
    return {
        "name": record.reference,
        "status": "loaded",
        "size_bytes": record.size_bytes,
        "own_bytes": record.size_bytes,
        "seconds": record.seconds,
        "contents": record.contents,
    }


def _table(rows: list[ImageRow]) -> None:
    """Sizes are unpacked; `own` is an image's size without the parent that it shares."""
    width = max(len(str(row["name"])) for row in rows)
    click.echo(f"{'image':{width}}  {'status':8}  {'size':>8}  {'own':>8}  {'built in':>8}  contents")
    for row in rows:
        sizes = f"{_megabytes(row['size_bytes']):>8}  {_megabytes(row['own_bytes']):>8}"
        seconds = f"{row['seconds']:.0f} s" if row["seconds"] is not None else "-"
        click.echo(f"{row['name']:{width}}  {row['status']:8}  {sizes}  {seconds:>8}  {row['contents']}")


def _megabytes(size: str | float | None) -> str:
    return f"{size / 1e6:.0f} MB" if isinstance(size, (int, float)) else "-"


def _report(made: "tuple[ImageRecord, ...]") -> None:
    from cc_ci.lab.images import read_images

    known = {str(image.name): image for image in read_images()}
    names = [record.reference for record in made]
    rows = [
        _row(known[name]) if name in known else _loaded_row(one)
        for name, one in zip(names, made, strict=True)
    ]
    _table(rows)


@contextmanager
def _builder() -> "Iterator[Builder]":
    from cc_ci.cli.story import story, told_runner
    from cc_ci.lab.workshop import workshop
    from cc_ci.system.clock import SystemClock

    with (
        story(started=time.monotonic()) as say,
        workshop(runner=told_runner(say), clock=SystemClock(), say=say) as builder,
    ):
        yield builder
