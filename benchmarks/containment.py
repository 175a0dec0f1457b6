"""What containment costs a run: `python benchmarks/containment.py [--pairs 10]`, 5 minutes for a pair.

Two nodes, alike but for this: on one, ids are mapped, new privileges are refused, and firewall, seccomp, and
limits of parts and containers are on, as `cc-ci node up` has it; on the other, all of that is off. Each pair
runs one recipe whole, warm, once on each, in ABBA order. Nothing but this script opens a node so far:
operators have `--no-userns` and `--new-privileges`, and no switch for the rest.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import msgspec

from cc_ci.cli import main as command
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.image_cache import prepare
from cc_ci.lab import engine_daemons
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.cgroups import PARTS, Limits, NodeGroup, Share
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.node_records import SYSTEM, Wanted
from cc_ci.lab.places import Places
from cc_ci.perf.analysis.statistics import hodges_lehmann_paired, median, shift_paired
from cc_ci.perf.measuring.lock import MEASURED_VARIABLE, measuring
from cc_ci.perf.measuring.reference_node import references
from cc_ci.results.store import RUNS_VARIABLE, Store
from cc_ci.system.files import write_atomic
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import LocalRunner, check

HERE = Path(__file__).resolve().parent
NAMES = {"contained": "cont-on", "open": "cont-off"}
NO_SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW"}
OPENED = ("icc", "default-ulimits", "log-opts")
"""Settings of the engine that an open node has as the engine itself has them."""
CHAINS = ("CC-CI-IN", "CC-CI-FORWARD", "CC-CI-OUT")
RUN_AS_OPEN = "open-run"


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """One run, whole; `phases` are seconds of the critical path."""

    pair: int
    arm: str
    seconds: float
    phases: dict[str, float]
    load: tuple[float, float, float]
    """Of the machine, as the run began."""


def bring_up(arm: str, wants: Wanted) -> Node:
    """A fresh node, with or without containment."""
    node = PrivateNode(NAMES[arm])
    if arm == "contained":
        return node.reset(wants)
    whole = engine_daemons.engine_configuration

    def opened(places: Places, addresses: Addresses, *, new_privileges: bool) -> dict[str, object]:
        profile = places.runtime / "seccomp.json"
        profile.write_text(json.dumps(NO_SECCOMP))
        made = whole(places, addresses, new_privileges=new_privileges)
        return {
            **{key: value for key, value in made.items() if key not in OPENED},
            "seccomp-profile": str(profile),
        }

    with mock.patch.object(engine_daemons, "engine_configuration", opened):
        made = node.reset(msgspec.structs.replace(wants, userns=False, new_privileges=True))
    unlimited = Limits(
        cpus=wants.cpus, memory_bytes=wants.memory_bytes, parts={part: Share() for part in PARTS}
    )
    NodeGroup(node.places.cgroup).create(unlimited)
    for argv in (*(("iptables", "-F", chain) for chain in CHAINS), ("ebtables-nft", "-F", "FORWARD")):
        check(LocalRunner()(["nsenter", f"--net={node.places.network_namespace}", "--", *argv]))
    return made


def run_as_open() -> None:
    """`cc-ci` with a node whose apps have no limits that a run would look after."""
    whole = PrivateNode.load

    def load(self: PrivateNode) -> Node:
        return msgspec.structs.replace(whole(self), apps=None)

    with mock.patch.object(PrivateNode, "load", load):
        command.main()


def once(recipe: str, arm: str, pair: int, node: Node) -> Once:
    prepare(connect(node, LocalRunner()), references(recipe), cache="warm")
    load = os.getloadavg()
    with temporary_folder() as runs:
        program = [str(HERE / "containment.py"), RUN_AS_OPEN] if arm == "open" else ["-m", "cc_ci"]
        argv = [sys.executable, *program, "run", recipe, "--node", node.name, "--cache", "warm"]
        env = {**os.environ, RUNS_VARIABLE: str(runs), MEASURED_VARIABLE: "1"}
        done = subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=False)
        result = Store(runs).load()
    if done.returncode:
        sys.exit(f"{arm}: {recipe} ended with exit code {done.returncode}; no time of it counts")
    rows = result.phases.rows if result.phases else ()
    return Once(
        pair=pair,
        arm=arm,
        seconds=result.total_seconds,
        phases={row.phase: row.wall_seconds for row in rows},
        load=load,
    )


def tell(taken: list[Once]) -> None:
    """Medians, and by how much containment is slower."""
    sides = {arm: [one.seconds for one in taken if one.arm == arm] for arm in NAMES}
    for arm, values in sides.items():
        sys.stdout.write(f"{arm:10} median {median(values):.1f} s, {min(values):.1f} to {max(values):.1f}\n")
    for name, said in (
        ("times as long", hodges_lehmann_paired(sides["open"], sides["contained"])),
        ("seconds more", shift_paired(sides["open"], sides["contained"])),
    ):
        interval = f"{said.low:.3f} to {said.high:.3f}" if said.low is not None else "too few pairs to say"
        sys.stdout.write(f"contained, {name}: {said.estimate:.3f} ({interval}), n = {said.n}\n")


@contextlib.contextmanager
def nodes(wants: Wanted) -> Iterator[dict[str, Node]]:
    try:
        yield {arm: bring_up(arm, wants) for arm in NAMES}
    finally:
        for name in NAMES.values():
            PrivateNode(name).remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--recipe", default="pocket")
    parser.add_argument("--engine", default=SYSTEM)
    parser.add_argument("--out", type=Path, default=HERE / "containment")
    asked = parser.parse_args()
    wants = Wanted(cpus=2.0, memory_bytes=6 << 30, engine=asked.engine)
    taken: list[Once] = []
    asked.out.mkdir(parents=True, exist_ok=True)
    with measuring(), nodes(wants) as up:
        for pair in range(asked.pairs):
            for arm in list(NAMES)[:: 1 if pair % 2 else -1]:
                taken.append(once(asked.recipe, arm, pair, up[arm]))
                sys.stderr.write(f"pair {pair + 1} of {asked.pairs}: {arm}: {taken[-1].seconds:.1f} s\n")
                raw = msgspec.json.format(msgspec.json.encode(taken))
                write_atomic(asked.out / "raw.json", raw + b"\n")
    tell(taken)


if __name__ == "__main__":
    if sys.argv[1:2] == [RUN_AS_OPEN]:
        del sys.argv[1]
        run_as_open()
    else:
        main()
