"""Markers put into an app and read back as a user would; into volumes only where nothing else is left."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from cc_ci.backups.markers import Exactness, MarkerReading
from cc_ci.backups.marking import MarkerPlace, VolumeMarkers
from cc_ci.backups.planned import backup_places, upgrade_places
from cc_ci.errors import StageFailed, Unverified
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.moved_volumes import Move
from cc_ci.results.schema import StageName
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.volumes import volume_reach
from cc_ci.suite.facts import Suite


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A marker that was put in and read; `places` are the folders that hold it, none if the app does."""

    key: str
    value: str
    places: tuple[MarkerPlace, ...] = ()


class Seeds(Protocol):
    """Ways in and out of one app; `read` gives None where there is nothing under `key`."""

    def write(self, key: str, value: str) -> tuple[MarkerPlace, ...]: ...
    def read(self, key: str) -> str | None: ...
    def delete(self, key: str) -> None: ...


class SuiteSeeds:
    """Through the app, by the suite's seed module."""

    def __init__(self, bench: Bench, deployed: Deployed, suite: Suite) -> None:
        self._suite = suite
        self._suites = bench.suites
        self._facts = deployed.facts

    def write(self, key: str, value: str) -> tuple[MarkerPlace, ...]:
        self._suites.seed_write(self._suite, self._facts, key, value)
        return ()

    def read(self, key: str) -> str | None:
        return self._suites.seed_read(self._suite, self._facts, key)

    def delete(self, key: str) -> None:
        self._suites.seed_delete(self._suite, self._facts, key)


class VolumeSeeds:
    """Marker folders in volumes, for recipes without a suite."""

    def __init__(
        self, markers: VolumeMarkers, places: tuple[MarkerPlace, ...], *, exactness: Exactness = "usable"
    ) -> None:
        self._markers = markers
        self._places = places
        self._exactness = exactness

    def write(self, key: str, value: str) -> tuple[MarkerPlace, ...]:
        return self._markers.write(key, value, self._places)

    def read(self, key: str) -> str | None:
        """The value that all places hold, None if none does. Raises StageFailed, naming those that differ."""
        found = self._markers.read(key, self._places, exactness=self._exactness)
        if spoilt := [f"{place}: {reading.faults[0]}" for place, reading in found.items() if reading.faults]:
            raise StageFailed(f"marker {key}: {_listed(spoilt)}")
        values = {reading.value for reading in found.values()}
        if len(values) > 1:
            raise StageFailed(f"marker {key}: {_parted(found)}")
        return values.pop() if values else None

    def delete(self, key: str) -> None:
        self._markers.delete(key, self._places)


def _parted(found: Mapping[MarkerPlace, MarkerReading]) -> str:
    there = [str(place) for place, reading in found.items() if reading.value is not None]
    gone = [str(place) for place, reading in found.items() if reading.value is None]
    if not gone:
        return "not the same everywhere"
    return f"data was lost, gone from {', '.join(gone)} and there in {', '.join(there)}"


def _listed(lines: list[str]) -> str:
    return lines[0] + (f" (and {len(lines) - 1} more)" if len(lines) > 1 else "")


def seeds_of(
    bench: Bench, deployed: Deployed, places: tuple[MarkerPlace, ...], *, exactness: Exactness = "usable"
) -> Seeds:
    """The suite's own way in, else the volumes: then markers are in `places`."""
    suite = deployed.candidate.suite
    if suite and suite.seeds:
        return SuiteSeeds(bench, deployed, suite)
    bench.findings.warn(
        "volume-markers", "no seeds in a suite: markers are files in the volumes, not data of the app"
    )
    return VolumeSeeds(VolumeMarkers(volume_reach(bench)), places, exactness=exactness)


def places_for(deployed: Deployed, *, stage: StageName) -> tuple[MarkerPlace, ...]:
    """The folders in which a marker shows what the stage does to data."""
    plan, suite = backup_plan(deployed.stack), deployed.candidate.suite
    if stage == "upgrade":
        return upgrade_places(deployed.stack, plan, unkept=suite.unkept if suite else {})
    return backup_places(plan)


def plant(bench: Bench, deployed: Deployed, *, stage: StageName) -> Planted:
    """Put a new marker in, and see it come back."""
    wanted = places_for(deployed, stage=stage)
    with (
        bench.span("seed", "seed"),
        proof(bench, "a marker goes in and is read", deployed=deployed, stage=stage),
    ):
        return put_in(bench, deployed, wanted, name="kept")


def put_in(
    bench: Bench, deployed: Deployed, places: tuple[MarkerPlace, ...], *, name: str, after: str = ""
) -> Planted:
    """Put a marker of a new name in, and read it. Unverified if there is nowhere to put it.

    `after` is what happened to the app before, for messages.
    """
    key, value = f"cc-ci-{name}-{secrets.token_hex(4)}", f"marker-{secrets.token_hex(8)}"
    seeds = seeds_of(bench, deployed, places)
    planted = Planted(key=key, value=value, places=seeds.write(key, value))
    if isinstance(seeds, VolumeSeeds) and not planted.places:
        raise Unverified("markers: no volume is backed up whole, to put one into; a suite with seeds can")
    written = f"it was written after {after}" if after else "it was written"
    require(bench, deployed, planted, value, after=written)
    return planted


def require_all_marked(deployed: Deployed, planted: Planted) -> None:
    """Raise Unverified for a volume of the backup without a marker: nothing showed that its data is back."""
    if not planted.places:
        return
    marked = {place.key for place in planted.places}
    for volume in backup_plan(deployed.stack).volumes:
        if volume.volume not in marked:
            paths = ", ".join(volume.paths)
            raise Unverified(
                f"{deployed.name}: volume {volume.volume}: only {paths} of it is backed up, where no marker "
                "can be put, so nothing shows that its data comes back; a suite with seeds can"
            )


def require(
    bench: Bench,
    deployed: Deployed,
    planted: Planted,
    value: str | None,
    *,
    after: str,
    tell_more: Callable[[], str] = lambda: "",
    exactness: Exactness = "usable",
) -> None:
    """Raise StageFailed unless the marker reads `value`; None: it must be gone. `tell_more` says why."""
    try:
        found = seeds_of(bench, deployed, planted.places, exactness=exactness).read(planted.key)
    except StageFailed as error:
        raise StageFailed(f"{deployed.name}: {error} after {after}{tell_more()}") from error
    if found == value:
        return
    if value is None:
        raise StageFailed(
            f"{deployed.name}: seed {planted.key}: still there after {after}: {found!r}; it has to be gone"
        )
    seen = "nothing" if found is None else repr(found)
    lost = f"seed {planted.key}: {seen} instead of {value!r} after {after}; data was lost"
    raise StageFailed(f"{deployed.name}: {lost}{tell_more()}")


def require_mounted(deployed: Deployed, planted: Planted, moves: Sequence[Move]) -> None:
    """Raise StageFailed for a marker in a volume that the app does not see any more: there, it still is."""
    marked = {place.volume for place in planted.places}
    if lost := [move.said for move in moves if move.gone and move.volume in marked]:
        raise StageFailed(f"{deployed.name}: data was lost to the app by the upgrade: {_listed(lost)}")
