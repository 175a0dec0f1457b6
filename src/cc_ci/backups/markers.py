"""Marker files in volumes, for apps that have no other way in."""

from collections.abc import Sequence

import msgspec

from cc_ci.backups.reach import Reach, volume_content
from cc_ci.errors import Unverified
from cc_ci.system.process import check


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that a backup covers: `volume` by its Swarm name, `folder` relative to its root."""

    volume: str
    folder: str = ""

    def file(self, key: str) -> str:
        return "/".join(part for part in (volume_content(self.volume), self.folder, f".cc-ci-{key}") if part)


class VolumeMarkers:
    """Write, read and delete `.cc-ci-KEY` in every one of `places`."""

    def __init__(self, reach: Reach, places: Sequence[Place]) -> None:
        if not places:
            raise Unverified("markers: no volume is backed up whole, to put one into; a suite with seeds can")
        self._reach = reach
        self._places = tuple(places)

    def write(self, key: str, value: str) -> None:
        for place in self._places:
            argv = ("tee", "--", place.file(key))
            check(self._reach(argv, volumes=(place.volume,), stdin=value), what=f"marker in {place.volume}")

    def read(self, key: str) -> dict[str, str | None]:
        """The marker's content by volume, None where there is none."""
        return {place.file(key): self._content(place, key) for place in self._places}

    def delete(self, key: str) -> None:
        for place in self._places:
            argv = ("rm", "-f", "--", place.file(key))
            check(self._reach(argv, volumes=(place.volume,)), what=f"marker in {place.volume}")

    def _content(self, place: Place, key: str) -> str | None:
        completed = self._reach(("cat", "--", place.file(key)), volumes=(place.volume,))
        return completed.stdout if completed.ok else None
