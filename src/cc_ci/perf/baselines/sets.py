"""A baseline on disk: what was asked, of which machine, and its runs.

baselines/DATE-NODE/baseline.json, runs/NNN-RECIPE-CACHE.json, traces/RECIPE-CACHE.json
"""

import hashlib
import os
import platform
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from cc_ci.errors import UsageError
from cc_ci.levers.arms import DEFAULT_PROFILE, is_limit
from cc_ci.perf.baselines.order import interleaved
from cc_ci.perf.baselines.reference import ENGINES
from cc_ci.results.engines import EngineUsed, engine_of
from cc_ci.results.measured import Canary, Cell, Measured, read_set
from cc_ci.results.schema import RunResult
from cc_ci.system.files import write_atomic
from cc_ci.system.units import Bytes, Seconds

FACTS = "baseline.json"
TRACES = "traces"
UNMEASURED = ("cli", "perf", "report")
"""Packages of cc-ci that no run's time depends on."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be measured, and on which node."""

    recipes: tuple[str, ...]
    cold: int
    warm: int
    cpus: float
    memory_bytes: Bytes
    bandwidth: str
    """Of the link between node and registry, as tc takes it."""
    images: Literal["standin", "hub"] = "standin"
    arms: tuple[str, ...] = (DEFAULT_PROFILE,)
    """As `arm_text` has them; two are measured in pairs."""
    beside: str | None = None
    """One more arm, beside each warm run."""
    engines: tuple[str, ...] = ENGINES
    """By the names that a node takes; several are measured side by side, as arms are."""

    @property
    def measures_bare(self) -> bool:
        return any(is_limit(arm) for arm in (*self.arms, self.beside) if arm)

    @property
    def order_of_engines(self) -> tuple[str, ...]:
        """What tells cells apart; one engine goes without saying."""
        return self.engines if len(self.engines) > 1 else ("",)

    @property
    def node(self) -> str:
        return f"{self.cpus:g}cpu-{self.memory_bytes / 2**30:g}g"


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, without its name."""

    system: str
    kernel: str
    cpu_model: str
    cpus: int
    memory_bytes: Bytes

    @property
    def kernel_version(self) -> str:
        """Without the build."""
        return self.kernel.partition("-")[0]

    @property
    def kind(self) -> tuple[object, ...]:
        """What machines have in common whose samples may be pooled: not a kernel's build, nor its last MB."""
        return self.system, self.kernel_version, self.cpu_model, self.cpus, round(self.memory_bytes / 2**30)


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """What Swarm takes to create, update and remove a stack of services that do nothing."""

    services: int
    create: Seconds
    update: Seconds
    remove: Seconds
    removal: Literal["waited out", "stopped"] = "waited out"
    """`stopped`: services gone, containers stopped as they would be and removed, Swarm's own sleeps spared;
    sets that do not tell waited out what `docker stack rm` does."""


class SetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a whole set; `canaries` were taken at its beginning."""

    asked: Asked
    host: Host
    began: str
    """A date."""
    canaries: tuple[Canary, ...]
    unreachable: Mapping[str, tuple[str, ...]] = {}
    """Recipes that could not be measured at first, and their images that no registry here had."""
    added: tuple[str, ...] = ()
    """Those whose images came later; their runs are at the end of the order."""
    calls: Mapping[str, tuple[Calls, ...]] = {}
    """By recipe, where plain containers are measured: Swarm's own time for as many services as it has."""
    engines: Mapping[str, EngineUsed] = {}
    """By the name that was asked for, what it was."""
    disk_rate: float | None = None
    """Bytes per second that the node's disk takes, there too."""
    pulls: Literal["in a row", "side by side"] = "in a row"
    """How a cold limit of the set counts them: as they were, in sets that do not tell."""

    @property
    def order(self) -> tuple[Cell, ...]:
        at_first = [recipe for recipe in self.asked.recipes if recipe not in self.unreachable]
        return (*self._rounds(at_first), *self._rounds(self.added))

    @property
    def lacking(self) -> Mapping[str, tuple[str, ...]]:
        """Of `unreachable` what still is."""
        return {recipe: images for recipe, images in self.unreachable.items() if recipe not in self.added}

    def _rounds(self, recipes: Sequence[str]) -> tuple[Cell, ...]:
        asked = self.asked
        return interleaved(
            recipes,
            cold=asked.cold,
            warm=asked.warm,
            arms=asked.arms,
            beside=asked.beside,
            engines=asked.order_of_engines,
        )


def this_host() -> Host:
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return Host(
        system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        kernel=platform.release(),
        cpu_model=model[1] if model else platform.machine(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    )


def this_boot() -> str:
    """Eight digits that the kernel drew when it started, other ones each time."""
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def code_hash(package: Path, *others: Path) -> str:
    """A hash over all that a run's time may depend on: the package but `UNMEASURED`, suites, recipes."""
    digest = hashlib.sha256()
    for root in (package, *others):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            inside = path.relative_to(root)
            if "__pycache__" in inside.parts or (root == package and inside.parts[0] in UNMEASURED):
                continue
            digest.update(f"{inside}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def read_facts(folder: Path) -> SetFacts:
    path = folder / FACTS
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        asked = dict(raw.get("asked") or {})
        if "profiles" in asked:
            # as sets were written before arms: a profile was the whole arm
            asked["arms"] = asked.pop("profiles")
        return msgspec.convert({**raw, "asked": asked}, SetFacts)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: not a baseline ({error}); name a folder that `cc-ci baseline` made"
        ) from error


def write_facts(facts: SetFacts, folder: Path) -> None:
    write_atomic(folder / FACTS, msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n")


def write_trace(result: RunResult, cell: Cell, folder: Path) -> None:
    """Keep the spans of one run of a cell, for those who want to look at all of them."""
    spans = [
        msgspec.structs.replace(span, start=round(span.start, 3), end=span.end and round(span.end, 3))
        for span in result.spans
    ]
    slim = msgspec.structs.replace(result, spans=tuple(spans), resources=result.resources[:1], samples=())
    write_atomic(trace_path(folder, cell), msgspec.json.encode(slim) + b"\n")


def trace_path(folder: Path, cell: Cell) -> Path:
    return folder / TRACES / f"{'-'.join(cell.words)}.json"


def alike(root: Path, asked: Asked, host: Host) -> Iterator[Path]:
    """The sets below `root` with the same question to the same kind of machine, the newest first."""
    for folder in in_order(root)[::-1]:
        facts = read_facts(folder)
        if facts.asked == asked and facts.host.kind == host.kind:
            yield folder


def other_codes(folder: Path, code: str, lacking: Collection[str] = ()) -> tuple[str, ...]:
    """The states of the code, other than `code`, of runs that missing ones would be held against.

    Those are all of the same recipe: cells are pairs, too. Recipes that are `lacking` get no runs.
    """
    facts, measured = read_facts(folder), read_set(folder)
    due = {facts.order[place - 1].recipe for place in missing(facts.order, measured)} - set(lacking)
    beside = (one for one in measured if one.counts and one.cell.recipe in due)
    return tuple(sorted({one.code or "unknown" for one in beside} - {code}))


def engines_used(facts: SetFacts, measured: Sequence[Measured]) -> Mapping[str, EngineUsed]:
    """By the name it was asked by, each engine of a set; of sets that don't tell, that of its runs."""
    if facts.engines:
        return facts.engines
    seen = [engine_of(one.result.environment) for one in measured if one.counts and one.result]
    return {facts.asked.engines[0]: seen[0]} if seen else {}


def require_engines(folder: Path, here: Mapping[str, EngineUsed]) -> None:
    """Raise UsageError where a set was measured on another engine than is `here` by the same name."""
    for name, used in engines_used(read_facts(folder), read_set(folder)).items():
        if name in here and not used.like(here[name]):
            raise UsageError(
                f"{folder}: its engine {name} was {used}, here it is {here[name]}, and a set is of one;"
                " import that one, or give --new to begin a set"
            )


def in_order(root: Path) -> tuple[Path, ...]:
    """The folders of sets below `root`, the newest last: by the numbers in their names, -10 after -9."""
    folders = (path.parent for path in root.glob(f"*/{FACTS}"))
    return tuple(sorted(folders, key=_numbers))


def _numbers(folder: Path) -> list[int | str]:
    return [int(word) if word.isdigit() else word for word in re.split(r"(\d+)", folder.name)]


def unfinished(folder: Path, lacking: Collection[str] = ()) -> bool:
    """Whether it lacks runs of recipes that are not `lacking` themselves."""
    order = read_facts(folder).order
    return any(order[place - 1].recipe not in lacking for place in missing(order, read_set(folder)))


def missing(order: Sequence[Cell], measured: Sequence[Measured]) -> tuple[int, ...]:
    """The places, from 1, at which no attempt counts yet."""
    there = {one.place for one in measured if one.counts}
    return tuple(place for place in range(1, len(order) + 1) if place not in there)
