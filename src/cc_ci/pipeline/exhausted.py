"""A step whose app took all that it may is a failure of the app, whatever else became of the step."""

import contextlib
import threading
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Stopped
from cc_ci.isolation.exhaustion import LimitHit
from cc_ci.pipeline.plan import Step


class Watches(Protocol):
    """Says what apps of the run were found to have reached since it was last asked, and forgets it."""

    def hits(self) -> Sequence[LimitHit]: ...


class NoWatch:
    """For a node whose limits are its operator's own."""

    def hits(self) -> Sequence[LimitHit]:
        return ()


class Reached:
    """Hands each step what was reached in its time, and by its own deployment; safe between threads."""

    def __init__(self, watch: Watches, deployments: Collection[str]) -> None:
        self._watch = watch
        self._deployments = deployments
        """The recipe's; all others are a provider's or the run's own."""
        self._lock = threading.Lock()
        self._kept: list[LimitHit] = []

    @contextlib.contextmanager
    def within(self, step: Step) -> Iterator[None]:
        """Raise for what was reached while the block went on; what came of it comes second in the message.

        Raises StageFailed where the app did it, InfrastructureError where a provider or another run did.
        """
        # a removal takes what the kernel counted along
        found = self._take(step) if step.closing else []
        try:
            yield
        except (CcCiError, Stopped) as error:
            if found := [*found, *self._take(step)]:
                raise _error(found, step, after=error) from error
            raise
        if found := [*found, *self._take(step)]:
            raise _error(found, step)

    def _take(self, step: Step) -> list[LimitHit]:
        # a hit that another chain's step drops here would be a fault that nobody is told of
        with self._lock:
            self._kept += self._watch.hits()
            mine = [hit for hit in self._kept if self._concerns(hit, step)]
            self._kept = [hit for hit in self._kept if hit not in mine]
        return mine

    def _concerns(self, hit: LimitHit, step: Step) -> bool:
        return hit.deployment == step.deployment or hit.deployment not in self._deployments


def _error(found: Sequence[LimitHit], step: Step, *, after: BaseException | None = None) -> CcCiError:
    own = [hit for hit in found if hit.deployment == step.deployment and not hit.others]
    hit = (own or found)[0]
    whose = "" if hit.deployment == step.deployment else f"{hit.deployment}: "
    what = f"{whose}{hit.text}" + (f"; so: {after}" if isinstance(after, CcCiError) else "")
    return StageFailed(what) if own else InfrastructureError(what)
