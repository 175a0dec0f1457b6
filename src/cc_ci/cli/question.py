"""What `baseline` and `limit` have in common: the node that is measured on, and when a set is taken up."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cc_ci.perf.baselines.sets import Asked

IMAGES = click.Choice(["standin", "hub"])


def measuring_options(*, out: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options of both commands; sets are kept below `out` unless told otherwise."""
    options = (
        click.option("--cpus", default=2.0, show_default=True, help="The node's CPUs."),
        click.option("--memory", default="6g", show_default=True, help="Its memory, page cache included."),
        click.option("--bandwidth", default="100mbit", show_default=True, help="The link to the registry."),
        click.option("--images", default="standin", type=IMAGES, show_default=True, help="Of which kind."),
        click.option("--node", default="reference", show_default=True, help="The private node; it is made."),
        click.option("--out", default=Path(out), show_default=True, help="Where sets are kept.",
                     type=click.Path(path_type=Path, file_okay=False)),
        click.option("--new", is_flag=True, help="Begin a new set, though one with the same question lacks"
                     " runs."),
        click.option("--mix-code", is_flag=True, help="Take a set up though its runs are of another state"
                     " of cc-ci, its suites or recipes."),
    )  # fmt: skip

    def added(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return added


def question(*, cpus: float, memory: str, bandwidth: str, images: str, **asked: Any) -> "Asked":
    """What is asked, checked as settings are. Raises UsageError that names the flag and its value."""
    from cc_ci.errors import UsageError
    from cc_ci.perf.baselines.sets import Asked
    from cc_ci.system.settings import flag_layer, resolve

    node = resolve(flag_layer({"cpus": cpus, "memory": memory, "bandwidth": bandwidth, "images": images}))
    made = Asked(
        cpus=node.settings.cpus or cpus,
        memory_bytes=node.settings.memory_bytes or 0,
        bandwidth=node.settings.bandwidth or bandwidth,
        images=node.settings.images,
        **asked,
    )
    if not made.cold and not made.warm:
        raise UsageError("--cold 0 --warm 0: no run is asked for; give one of them a number")
    return made
