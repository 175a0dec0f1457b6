"""Put markers into volumes, read them and take them away, each volume by itself."""

import base64
import binascii
from collections.abc import Sequence

import msgspec

from cc_ci.backups.markers import PREFIX, Exactness, FileOwner, MarkerReading, archive, judge, read_archive
from cc_ci.backups.places import Access, volume_content
from cc_ci.backups.reach import Reach
from cc_ci.errors import CommandFailed
from cc_ci.system.process import Completed, check
from cc_ci.system.units import Bytes, Seconds

NO_FOLDER = 44
"""What the scripts exit with where a folder is none, or a link."""
_ENTER = f'[ -d "$1" ] && [ ! -L "$1" ] && cd "$1" || exit {NO_FOLDER}; '
OWNER = f'{_ENTER}stat -c "%u %g" .'
# mkdir makes what is not there yet, and follows no link; tar makes each file anew
WRITE = f'{_ENTER}rm -rf "$2" && mkdir "$2" && base64 -d | tar -x -p -f - -C "$2"'
READ = (
    f'{_ENTER}stat -c "%u %g" .; [ -e "$2" ] || [ -L "$2" ] || exit 0; '
    'tar -c -f - "$2" | base64 | head -c "$3"'
)
DELETE = f'{_ENTER}rm -rf "$2"'

MOST: Bytes = 4 * 1024 * 1024
"""Many times what a marker takes: an app may put anything in its place."""
TIMEOUT: Seconds = 60.0


class MarkerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A folder for a marker: `volume` is Swarm's name, `key` the recipe's, `folder` relative to its root."""

    volume: str
    key: str
    folder: str = ""

    @property
    def path(self) -> str:
        return "/".join(part for part in (volume_content(self.volume), self.folder) if part)

    def __str__(self) -> str:
        return f"volume {self.key}" + (f" at {self.folder}" if self.folder else "")


class VolumeMarkers:
    """The markers of one app. A key is part of a file's name; it is random, so nothing is there before."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def write(self, key: str, value: str, places: Sequence[MarkerPlace]) -> tuple[MarkerPlace, ...]:
        """Put a marker into each of `places` that is a folder; those that are."""
        owners = {place: owner for place in places if (owner := self._owner(place))}
        for place, owner in owners.items():
            tar = base64.b64encode(archive(value, owner)).decode()
            completed = self._run(WRITE, place, PREFIX + key, access="changes", stdin=tar)
            check(completed, what=f"{place}: marker")
        return tuple(owners)

    def read(
        self, key: str, places: Sequence[MarkerPlace], *, exactness: Exactness
    ) -> dict[MarkerPlace, MarkerReading]:
        return {place: self._read(place, PREFIX + key, exactness=exactness) for place in places}

    def delete(self, key: str, places: Sequence[MarkerPlace]) -> None:
        for place in places:
            completed = self._run(DELETE, place, PREFIX + key, access="changes")
            if completed.returncode != NO_FOLDER:
                check(completed, what=f"{place}: marker")

    def _owner(self, place: MarkerPlace) -> FileOwner | None:
        completed = self._run(OWNER, place, access="reads")
        if completed.returncode == NO_FOLDER:
            return None
        return _owner(check(completed, what=f"{place}: owner").stdout)

    def _read(self, place: MarkerPlace, name: str, *, exactness: Exactness) -> MarkerReading:
        try:
            completed = self._run(READ, place, name, str(MOST), access="reads")
        except CommandFailed as error:
            return MarkerReading(faults=(f"the marker can't be read: {error}",))
        if completed.returncode == NO_FOLDER or not completed.stdout.partition("\n")[2].strip():
            return MarkerReading()
        root, _, content = completed.stdout.partition("\n")
        try:
            found = read_archive(base64.b64decode("".join(content.split())), name=name)
        except (ValueError, binascii.Error) as error:
            return MarkerReading(faults=(f"the marker {error}",))
        return judge(found, exactness=exactness, root=_owner(root))

    def _run(
        self, script: str, place: MarkerPlace, *arguments: str, access: Access, stdin: str | None = None
    ) -> Completed:
        argv = ("sh", "-c", script, "sh", place.path, *arguments)
        return self._reach(argv, volumes=(place.volume,), access=access, timeout=TIMEOUT, stdin=stdin)


def _owner(line: str) -> FileOwner:
    uid, gid = line.split()[:2]
    return FileOwner(uid=int(uid), gid=int(gid))
