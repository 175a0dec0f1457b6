"""A look that hangs is joined by another: a proxy waits half a minute for an address that is gone."""

import concurrent.futures
import functools
from concurrent.futures import FIRST_COMPLETED, Future

import msgspec

from cc_ci.probes.ready import Predicate, Sight
from cc_ci.system import stopping
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds

JOINED_AFTER: tuple[Seconds, ...] = (1.0, 3.0)
"""Few, and further and further apart: an app that is slow at first must not be asked ever more."""


class Hedged(msgspec.Struct, frozen=True, kw_only=True):
    """A Predicate whose look is whichever of several is over first; the others are left behind."""

    of: Predicate
    joined_after: tuple[Seconds, ...] = JOINED_AFTER

    @property
    def name(self) -> str:
        return self.of.name

    @property
    def waits_for(self) -> str:
        return self.of.waits_for

    def look(self) -> Sight:
        flying: list[Future[Sight]] = []
        told: Future[Sight] = Future()
        with stopping.current().watched(functools.partial(told.set_result, Sight())), Pool() as pool:
            for patience in (*self.joined_after, None):
                flying.append(pool.submit(self.of.look))
                done, _ = concurrent.futures.wait(
                    [*flying, told], timeout=patience, return_when=FIRST_COMPLETED
                )
                stopping.current().check()
                if done:
                    return _best(done)
        raise AssertionError("a wait without an end was over, and nothing done")


def _best(done: set[Future[Sight]]) -> Sight:
    """A good look, if one is among those that are over."""
    sights = [future.result() for future in done]
    return next((sight for sight in sights if not sight.unmet), sights[0])
