"""Whether a run has a realm of a warm provider, found out before anything of the run is on the node."""

from collections.abc import Callable

import filelock
import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError
from cc_ci.isolation.leases import liveness
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline.needs import Need
from cc_ci.providers.warm import NAME, WarmKeycloak
from cc_ci.providers.warm_record import Images
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import ProviderUsed
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner

Make = Callable[..., WarmKeycloak]


class Warmth(msgspec.Struct, frozen=True, kw_only=True):
    """`warm` is what the run borrows of; without it, `because` is why, where one was asked for."""

    warm: WarmKeycloak | None = None
    because: str | None = None

    def told(self, need: Need) -> ProviderUsed:
        memory = self.warm.memory_bytes() if self.warm else None
        return msgspec.structs.replace(
            need.described, warm=self.warm is not None, because=self.because, memory_bytes=memory
        )


def images_of(stack: Stack) -> Images:
    """What a warm provider is made of, as its recipe names it. Raises InfrastructureError."""
    missing = next((name for name in ("app", "db") if name not in stack.services), None)
    if missing:
        raise InfrastructureError(f"recipe {NAME}: has no service {missing}, so that none can be kept warm")
    return Images(app=stack.services["app"].image, database=stack.services["db"].image)


def warmth(
    need: Need | None,
    arm: Chosen,
    *,
    run: str,
    node: Node,
    engine: Engine,
    runner: Runner,
    clock: Clock,
    say: Callable[[str], None],
    make: Make = WarmKeycloak,
) -> Warmth:
    """Check the warm provider, and make it anew where it failed and no other run has a realm of it."""
    if need is None or arm.word("provider.warm") == "no":
        return Warmth()
    if need.name != NAME or not node.private:
        what = f"node {node.name} is not cc-ci's own" if need.name == NAME else f"none of {need.name} is kept"
        return Warmth(because=what)
    pauses = arm.word("provider.pause") == "yes"
    warm = make(node, engine, runner, clock, say=say, pauses=pauses)
    try:
        because = _usable(warm, need, run=run, engine=engine, say=say)
    except CcCiError as error:
        because = str(error)
    return Warmth(because=because) if because else Warmth(warm=warm)


def _usable(
    warm: WarmKeycloak, need: Need, *, run: str, engine: Engine, say: Callable[[str], None]
) -> str | None:
    """Why it can't be used, also after it was made anew; None if it can."""
    images, version = images_of(need.stack), need.candidate.label
    with filelock.FileLock(warm.lock):
        if warm.record is None:
            return f"there is no warm one; `cc-ci provider up {NAME}` makes it"
        fault = warm.fault(version=version, images=images)
        if fault is None:
            return None
        if users := [one for one in warm.users(liveness(engine)) if one != run]:
            return f"the warm one is not as it was made, and run {users[0]} uses it: {fault}"
        say(f"{NAME}: the warm one is being recreated: {fault}")
        for reference in (images.database, images.app):
            if engine.image(reference) is None:
                engine.pull(reference)
        warm.up(version=version, images=images)
    return None
