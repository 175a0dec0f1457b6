"""Take samples of a node's resources in a thread of its own while a run goes on."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from cc_ci.system.units import Seconds
from cc_ci.timing.readings import NodeReader
from cc_ci.timing.resources import SampledResources
from cc_ci.timing.series import Sample

INTERVAL: Seconds = 0.25
"""About a dozen small files are read each time: under 0.2 % of one CPU."""


class ResourceSampler:
    """Sample `read` while entered, and at both ends; `elapsed` is the run's clock (Trace.elapsed)."""

    def __init__(
        self, read: NodeReader, *, elapsed: Callable[[], Seconds], interval: Seconds = INTERVAL
    ) -> None:
        self._read = read
        self._elapsed = elapsed
        self._interval = interval
        self._samples: list[Sample] = []
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work, name="cc-ci-sampler", daemon=True)

    def __enter__(self) -> Self:
        self.sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()
        self.sample()

    def sample(self) -> None:
        """Take one sample now, besides those of the thread: before a removal, say."""
        self._samples.append(Sample(at=self._elapsed(), reading=self._read()))

    def resources(self) -> SampledResources:
        """What was sampled so far."""
        samples = sorted(self._samples, key=lambda sample: sample.at)
        return SampledResources(samples, why_missing=self._read.why_missing)

    def _work(self) -> None:
        while not self._left.wait(self._interval):
            self.sample()
