"""Markers put into an app and read back as a user would; into volumes only where nothing else is left."""

import secrets
from typing import Protocol

from cc_ci.backups.markers import VolumeMarkers
from cc_ci.backups.planned import marker_places
from cc_ci.errors import StageFailed
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.results.schema import StageName
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.volumes import volume_reach
from cc_ci.suite.facts import Suite

KEPT = "cc-ci-kept"
"""Key of the marker that must outlive an upgrade and come back by a restore."""
LATER = "cc-ci-later"
"""Key of the marker that is added after the backup, and must be gone after a restore."""


class Seeds(Protocol):
    """Ways in and out of one app; `read` gives None where there is nothing under `key`."""

    def write(self, key: str, value: str) -> None: ...
    def read(self, key: str) -> str | None: ...
    def delete(self, key: str) -> None: ...


class SuiteSeeds:
    """Through the app, by the suite's seed module."""

    def __init__(self, bench: Bench, deployed: Deployed, suite: Suite) -> None:
        self._suite = suite
        self._suites = bench.suites
        self._facts = deployed.facts

    def write(self, key: str, value: str) -> None:
        self._suites.seed_write(self._suite, self._facts, key, value)

    def read(self, key: str) -> str | None:
        return self._suites.seed_read(self._suite, self._facts, key)

    def delete(self, key: str) -> None:
        self._suites.seed_delete(self._suite, self._facts, key)


class VolumeSeeds:
    """Marker files in the volumes that are backed up whole, for recipes without a suite."""

    def __init__(self, bench: Bench, deployed: Deployed) -> None:
        places = marker_places(backup_plan(deployed.stack))
        self._markers = VolumeMarkers(volume_reach(bench), places)

    def write(self, key: str, value: str) -> None:
        self._markers.write(key, value)

    def read(self, key: str) -> str | None:
        """The value that all volumes hold; else a text that tells which does not."""
        found = self._markers.read(key)
        values = set(found.values())
        return values.pop() if len(values) == 1 else f"not the same everywhere: {found}"

    def delete(self, key: str) -> None:
        self._markers.delete(key)


def seeds_of(bench: Bench, deployed: Deployed) -> Seeds:
    suite = deployed.candidate.suite
    if suite and suite.seeds:
        return SuiteSeeds(bench, deployed, suite)
    bench.findings.warn(
        "volume-markers", "no seeds in a suite: markers are files in the volumes, not data of the app"
    )
    return VolumeSeeds(bench, deployed)


def plant(bench: Bench, deployed: Deployed, *, stage: StageName) -> str:
    """Put a new marker in, and see it come back; its value."""
    value = f"marker-{secrets.token_hex(8)}"
    with (
        bench.span("seed", "seed"),
        proof(bench, f"{deployed.name}: a marker goes in and is read", stage=stage),
    ):
        seeds = seeds_of(bench, deployed)
        seeds.write(KEPT, value)
        require(seeds, KEPT, value, after="it was written")
    return value


def require(seeds: Seeds, key: str, value: str | None, *, after: str) -> None:
    """Raise StageFailed unless `key` reads `value`; None: there must be nothing."""
    found = seeds.read(key)
    if found == value:
        return
    if value is None:
        raise StageFailed(f"seed {key}: still there after {after}: {found!r}; later data has to be gone")
    seen = "nothing" if found is None else repr(found)
    raise StageFailed(f"seed {key}: {seen} instead of {value!r} after {after}; data was lost")
