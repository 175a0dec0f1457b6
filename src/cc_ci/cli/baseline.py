"""`cc-ci baseline`: how long runs take, measured so that it can be trusted and taken up again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.perf.sets import Asked, Host

RECIPES = "custom-html,n8n,keycloak,matrix-synapse,lasuite-docs"
NODE = "reference"
CANARIES = 5


@click.command()
@click.option("--recipes", default=RECIPES, show_default=True, help="What to measure, by name.")
@click.option("--cold", default=6, show_default=True, help="Runs of each on a node without its images.")
@click.option("--warm", default=8, show_default=True, help="Runs of each on a node that has them.")
@click.option("--profile", default="stock", show_default=True, help="A set of lever values.")
@click.option("--cpus", default=2.0, show_default=True, help="The node's CPUs.")
@click.option("--memory", default="6g", show_default=True, help="The node's memory, page cache included.")
@click.option("--bandwidth", default="100mbit", show_default=True, help="The link to the registry.")
@click.option("--node", default=NODE, show_default=True, help="The private node to use; it is made.")
@click.option(
    "--out",
    default=Path("baselines"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where sets are kept.",
)
@click.option("--new", is_flag=True, help="Begin a new set, though one with the same question lacks runs.")
def baseline(
    *,
    recipes: str,
    cold: int,
    warm: int,
    profile: str,
    cpus: float,
    memory: str,
    bandwidth: str,
    node: str,
    out: Path,
    new: bool,
) -> None:
    """Measure RECIPES again and again, cold and warm, interleaved; one that was interrupted is taken up.

    Hours of work: Ctrl-C ends it, the same command goes on where it was. Nothing else should use the machine.
    """
    from cc_ci.cli.story import story
    from cc_ci.perf.measuring import measuring
    from cc_ci.perf.sets import Asked
    from cc_ci.system.settings import size_bytes

    asked = Asked(
        recipes=tuple(name.strip() for name in recipes.split(",")),
        cold=cold,
        warm=warm,
        cpus=cpus,
        memory_bytes=size_bytes(memory),
        bandwidth=bandwidth,
        profile=profile,
    )
    with story(started=time.monotonic()) as tell, measuring():
        missing = _measure(asked, node=node, root=out, new=new, tell=tell)
    if missing:
        raise click.exceptions.Exit(5)


def _measure(
    asked: "Asked", *, node: str, root: Path, new: bool, tell: Callable[[str], None]
) -> tuple[int, ...]:
    from cc_ci.lab.node import PrivateNode, Wanted
    from cc_ci.perf.baseline import measure
    from cc_ci.perf.reference_node import ReferenceBench
    from cc_ci.system.clock import SystemClock
    from cc_ci.system.files import state_root

    private = PrivateNode(node, say=tell)
    wanted = Wanted(cpus=asked.cpus, memory_bytes=asked.memory_bytes, bandwidth=asked.bandwidth)
    try:
        # anew: what an ended process left there is in nobody's way, and takes no CPU
        up = private.reset(wanted)
        folder = _folder(asked, root=root, new=new, tell=tell)
        bench = ReferenceBench(
            up,
            results=state_root() / "measured" / folder.name,
            profile=asked.profile,
            clock=SystemClock(),
            say=tell,
        )
        missing = measure(folder, bench, say=tell)
    finally:
        private.down()
    if missing:
        tell(f"{folder}: {len(missing)} runs did not come to count; the same command tries them again")
    else:
        tell(f"{folder}: complete; `cc-ci perf docs` makes its tables")
    return missing


def _folder(asked: "Asked", *, root: Path, new: bool, tell: Callable[[str], None]) -> Path:
    from cc_ci.perf import sets

    host = sets.this_host()
    found = None if new else sets.unfinished(root, asked, host)
    if found:
        tell(f"{found}: taken up again")
        return found
    return _begin(asked, host, root=root, tell=tell)


def _begin(asked: "Asked", host: "Host", *, root: Path, tell: Callable[[str], None]) -> Path:
    import datetime as dt

    from cc_ci.perf import sets
    from cc_ci.perf.canary import canary
    from cc_ci.perf.reference_node import unreachable
    from cc_ci.system.clock import SystemClock
    from cc_ci.system.files import state_root

    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    lacking = unreachable(asked.recipes)
    for recipe, images in lacking.items():
        tell(f"{recipe}: not measured: no registry here has {', '.join(images)}")
    facts = sets.Facts(
        asked=asked,
        host=host,
        began=today,
        canaries=tuple(canary(state_root() / "scratch", SystemClock()) for _ in range(CANARIES)),
        unreachable=lacking,
    )
    folder = sets.free_name(root, f"{today}-{asked.node}")
    sets.write_facts(facts, folder)
    tell(f"{folder}: {len(facts.order)} runs")
    return folder
