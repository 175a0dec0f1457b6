"""The builder: the private node on which images are made, up only while one command needs it."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import msgspec

from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.lab import node as nodes
from cc_ci.lab.node_records import BUILDER
from cc_ci.lab.places import places
from cc_ci.system.clock import Clock
from cc_ci.system.files import runtime_root, state_root
from cc_ci.system.process import Completed, Runner


class Builder(msgspec.Struct, frozen=True, kw_only=True):
    """The node that images are made on, and the ways to drive it; `say` gets a line for each step.

    `scratch` is a folder that nobody else uses meanwhile.
    """

    node: Node
    runner: Runner
    clock: Clock
    say: Callable[[str], None]
    scratch: Path

    def docker(self, *arguments: str) -> Completed:
        """Run the docker client with none of the user's own configuration.

        A proxy or credentials in that would otherwise end up in what is built.
        """
        empty = self.scratch / "client"
        empty.mkdir(exist_ok=True)
        env = {**client_environment(self.node, config=empty), "DOCKER_BUILDKIT": "0"}
        return self.runner(["docker", *arguments], env=env)


@contextlib.contextmanager
def workshop(*, runner: Runner, clock: Clock, say: Callable[[str], None]) -> Iterator[Builder]:
    """Bring the builder up for one command at a time, and take it down again; what it has built stays."""
    with _scratch(say) as scratch:
        if places(BUILDER).runtime.exists():
            # a command that was killed left it, perhaps with its data in another folder
            nodes.PrivateNode(BUILDER, say=say).down(anybody_s=True)
        say("builder: starting an engine of its own")
        try:
            # an interrupt while it comes up must not leave half of it
            node = nodes.up(BUILDER, say=say)
            yield Builder(node=node, runner=runner, clock=clock, say=say, scratch=scratch)
        finally:
            nodes.down(BUILDER, say=say)


@contextlib.contextmanager
def _scratch(say: Callable[[str], None]) -> Iterator[Path]:
    """A folder for one command at a time, wherever its state is: there is one builder on a machine."""
    folder = state_root() / "images" / "work"
    folder.parent.mkdir(parents=True, exist_ok=True)
    runtime_root().mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(runtime_root() / f"{BUILDER}.turn")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        say("waiting for another command that makes images")
        lock.acquire()
    try:
        # a killed command leaves it
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
