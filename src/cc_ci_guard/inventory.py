"""What a run did to find faults: tests, assertions, probes, seeds and deployments, by ids that stay the same.

Two inventories are held against each other: the second may have more, and never less. An entry counts what
was carried out, whatever it was carried out on: deployments are entries of their own.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, get_args

import msgspec

from cc_ci_guard.errors import GuardUsageError
from cc_ci_guard.results import Result

Part = Literal["tests", "assertions", "probes", "seeds", "deployments"]
PARTS: tuple[Part, ...] = get_args(Part)
EXECUTED = frozenset({"passed", "failed"})
"""A test that was skipped, or that broke for a reason of its own, showed nothing."""
OLD_OR_NEW = {"old": "the old version", "new": "the new version"}


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """`parts` has of each part how often each entry was carried out; `hashes` has a digest of each part."""

    recipe: str
    run: str
    suite_hash: str | None
    parts: dict[Part, dict[str, int]]
    hashes: dict[str, str]


class Less(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that went, or that is carried out less often."""

    part: Part
    entry: str
    before: int
    now: int

    @property
    def line(self) -> str:
        how = "gone" if self.now == 0 else f"{self.now} instead of {self.before}"
        return f"{self.part}: {self.entry}: {how}"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`less` is what B lacks, `fewer_allowed` of it what the caller allowed, `more` what A lacked."""

    less: tuple[Less, ...]
    fewer_allowed: tuple[Less, ...]
    more: tuple[str, ...]
    notes: tuple[str, ...]


def take(result: Result) -> Inventory:
    """The inventory of one run. Raises GuardUsageError for a run that did not end by itself."""
    if result.state != "finished":
        raise GuardUsageError(
            f"run {result.run}: it did not finish, so its inventory says nothing; run it again"
        )
    parts = {part: dict(sorted(Counter(_READERS[part](result)).items())) for part in PARTS}
    hashes: dict[str, str] = {part: _digest({part: parts[part]}) for part in PARTS}
    return Inventory(
        recipe=result.recipe.name,
        run=result.run,
        suite_hash=result.recipe.suite_hash,
        parts=parts,
        hashes={**hashes, "all": _digest(parts)},
    )


def compare(a: Inventory, b: Inventory, *, allowed: frozenset[Part] = frozenset()) -> Comparison:
    """Hold B against A; parts in `allowed` may have less. Raises GuardUsageError for two recipes."""
    if a.recipe != b.recipe:
        raise GuardUsageError(f"{a.run} is of {a.recipe}, {b.run} of {b.recipe}; name two runs of one recipe")
    less = [one for part in PARTS for one in _less(part, a.parts[part], b.parts[part])]
    more = [
        f"{part}: {entry}"
        for part in PARTS
        for entry, times in b.parts[part].items()
        if times > a.parts[part].get(entry, 0)
    ]
    return Comparison(
        less=tuple(one for one in less if one.part not in allowed),
        fewer_allowed=tuple(one for one in less if one.part in allowed),
        more=tuple(more),
        notes=tuple(_notes(a, b)),
    )


def _less(part: Part, a: Mapping[str, int], b: Mapping[str, int]) -> Iterator[Less]:
    for entry, times in a.items():
        if b.get(entry, 0) < times:
            yield Less(part=part, entry=entry, before=times, now=b.get(entry, 0))


def _notes(a: Inventory, b: Inventory) -> Iterator[str]:
    if a.suite_hash != b.suite_hash:
        yield "the suites of the two runs differ: what went may have gone from the suite itself"
    for one in (a, b):
        if not one.parts["tests"]:
            yield f"run {one.run}: no test was carried out"


def _tests(result: Result) -> Iterator[str]:
    for stage in result.stages:
        yield from (f"{stage.name}: {test.id}" for test in stage.tests if test.outcome in EXECUTED)


def _assertions(result: Result) -> Iterator[str]:
    for stage in result.stages:
        for test in stage.tests:
            if test.outcome in EXECUTED:
                yield from [f"{stage.name}: {test.id}"] * (test.assertions or 0)


def _probes(result: Result) -> Iterator[str]:
    """Once each, however many deployments it was asked of: what is waited for, and where it is looked for."""
    asked = {
        f"{span.name}: {span.attributes.get('waits_for', 'not told')}"
        for span in result.spans
        if span.kind == "sign" and span.status != "failed"
    }
    yield from sorted(asked)


def _seeds(result: Result) -> Iterator[str]:
    """Each writing of data, by the stage that it is for."""
    for span in result.spans:
        if span.phase == "seed" and span.kind != "step":
            yield f"{span.stage or 'no stage'}: {span.name}"


def _deployments(result: Result) -> Iterator[str]:
    told = {one.name: one for one in result.deployments}
    named = {span.deployment for span in result.spans if span.kind == "step" and span.action in DEPLOYING}
    for name in sorted(told.keys() | {name for name in named if name}):
        one = told.get(name)
        if one is None:
            yield f"{name}: why is not told"
        else:
            versions = ", then ".join(OLD_OR_NEW.get(version, version) for version in one.versions)
            yield f"{name} ({versions}): {one.why or 'why is not told'}"


DEPLOYING = frozenset({"deploy", "provide"})
"""Actions of steps that bring a deployment up."""

_READERS: Mapping[Part, Callable[[Result], Iterator[str]]] = {
    "tests": _tests,
    "assertions": _assertions,
    "probes": _probes,
    "seeds": _seeds,
    "deployments": _deployments,
}


def _digest(parts: Mapping[Part, Mapping[str, int]]) -> str:
    lines = [
        f"{part}\0{entry}\0{times}\n" for part, entries in parts.items() for entry, times in entries.items()
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
