"""The options that `baseline` and `limit` share: the reference node, and when a set is resumed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cc_ci.perf.baselines.reference import BANDWIDTH, CPUS, IMAGES, MEMORY

if TYPE_CHECKING:
    from cc_ci.perf.baselines.sets import Asked


ENGINE = click.option(
    "--engine",
    metavar="NAME",
    help="As for `cc-ci node up`: system, trixie, forky, or one of `cc-ci engine list`. [as a new node's]",
)


def measuring_options(
    *, out: str, one_engine: bool = True
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of both commands; by default sets are kept below `out`."""
    options = (
        click.option("--cpus", default=CPUS, show_default=True, help="The node's CPUs."),
        click.option("--memory", default=MEMORY, show_default=True, help="Its memory, with the page cache."),
        click.option("--bandwidth", default=BANDWIDTH, show_default=True, help="The registry link's speed."),
        click.option("--images", default=IMAGES, type=click.Choice(["standin", "hub"]), show_default=True,
                     help="standin: use stand-ins and loaded images; hub: pull real ones."),
        *([ENGINE] if one_engine else []),
        click.option("--node", default="reference", show_default=True,
                     help="The private node to measure on; it is made if it does not exist."),
        click.option("--out", default=Path(out), show_default=True, help="Where sets are kept.",
                     type=click.Path(path_type=Path, file_okay=False)),
        click.option("--new", is_flag=True, help="Begin a new set, even if one with the same options is"
                     " incomplete."),
        click.option("--mix-code", is_flag=True, help="Resume a set, even if its runs were made with"
                     " another state of cc-ci, its suites or recipes."),
    )  # fmt: skip

    def added(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return added


def question(*, cpus: float, memory: str, bandwidth: str, images: str, **asked: Any) -> "Asked":
    """The options of a set, checked like settings. Raises UsageError that names the flag and its value.

    `on_engines` adds the engines.
    """
    from cc_ci.perf.baselines.sets import Asked
    from cc_ci.system.settings import flag_layer, resolve

    node = resolve(flag_layer({"cpus": cpus, "memory": memory, "bandwidth": bandwidth, "images": images}))
    return Asked(
        cpus=node.settings.cpus or cpus,
        memory_bytes=node.settings.memory_bytes or 0,
        bandwidth=node.settings.bandwidth or bandwidth,
        images=node.settings.images,
        **asked,
    )


def on_engines(asked: "Asked", names: Sequence[str | None], *, tell: Callable[[str], None]) -> "Asked":
    """Add engines by their exact names; a missing one is built.

    Raises UsageError if the names of two engines look the same in file names.
    """
    import msgspec

    from cc_ci.cli.story import told_runner
    from cc_ci.errors import UsageError
    from cc_ci.lab.engine_choice import engine_for
    from cc_ci.results.engines import short_name

    found = tuple(engine_for(name, runner=told_runner(tell), say=tell) for name in names)
    short = [short_name(name) for name in found]
    if twice := next((name for name in short if short.count(name) > 1), None):
        raise UsageError(f"engine {twice}: given twice; sets distinguish engines by their version")
    return msgspec.structs.replace(asked, engines=found)
