"""What one step leaves for another: typed values under the names that the plan has for them."""

import threading
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from cc_ci.backups.restic import Repository
from cc_ci.isolation.census import NodeCensus
from cc_ci.pipeline.plan import Step
from cc_ci.providers.api import Provider
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import Leak, TestResult
from cc_ci.stages.backing_up import Backed
from cc_ci.stages.bench import Deployed, Findings
from cc_ci.stages.seeds import Planted


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The layers on the node before the run's first pull, after the node was made cold if it was to be."""

    ids: frozenset[str]
    absent: tuple[str, ...] = ()
    """Those of the run's images that were not on it."""


class RanBefore(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment ran before its upgrade: its stack, and the image of each service."""

    stack: Stack
    images: Mapping[str, str]


class BackedUp(msgspec.Struct, frozen=True, kw_only=True):
    repository: Repository
    backups: Backed


class Provided(msgspec.Struct, frozen=True, kw_only=True):
    provider: Provider


class ServiceStops(msgspec.Struct, frozen=True, kw_only=True):
    """How the services of a deployment stopped."""

    results: tuple[TestResult, ...]


class LeakCheck(msgspec.Struct, frozen=True, kw_only=True):
    after: NodeCensus
    leaks: tuple[Leak, ...]


HandedValue = Deployed | Layers | Planted | RanBefore | BackedUp | Provided | ServiceStops | LeakCheck
V = TypeVar("V", bound=HandedValue)


class Hands:
    """What a step has in its hands: the values that the plan lets it use, and those that it gives.

    A value is given as soon as it is there, so that it is not lost if the step fails later. Owned by the
    thread that carries the step out; `given` may be looked at by the coordinator when that thread hangs.
    """

    def __init__(self, step: Step, values: Mapping[str, HandedValue]) -> None:
        self.step = step
        self.findings = Findings()
        self._values = {name: values[name] for name in step.uses if name in values}
        self._lock = threading.Lock()
        self._given: dict[str, HandedValue] = {}

    @property
    def given(self) -> dict[str, HandedValue]:
        with self._lock:
            return dict(self._given)

    def give(self, name: str, value: HandedValue) -> None:
        self._require(name, self.step.gives, "gives")
        with self._lock:
            self._given[name] = value

    def use(self, name: str, kind: type[V]) -> V:
        """The value `name`; AssertionError where the plan does not let the step use it, or nobody gave it."""
        found = self.look(name, kind)
        if found is None:
            raise AssertionError(f"step {self.step.name}: nobody gave {name}")
        return found

    def look(self, name: str, kind: type[V]) -> V | None:
        """The same, or None where nobody gave it."""
        self._require(name, self.step.uses, "uses")
        found = self._values.get(name)
        if found is not None and not isinstance(found, kind):
            raise AssertionError(f"step {self.step.name}: {name} is no {kind.__name__}")
        return found

    def _require(self, name: str, names: tuple[str, ...], verb: str) -> None:
        if name not in names:
            raise AssertionError(f"step {self.step.name}: the plan does not say that it {verb} {name}")
