"""Engines of other Debian suites: folders with dockerd, containerd and what they need, made once and kept.

apt works on a state of its own: it resolves and fetches the packages of another suite, and checks them by
Debian's keys. dpkg-deb unpacks them, and no script of a package is run. So a root is there in seconds, and
the machine's own packages are left alone.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.lab.base import debian_mirror
from cc_ci.system.clock import Clock
from cc_ci.system.files import state_root, write_atomic
from cc_ci.system.process import Runner, check
from cc_ci.system.units import Bytes, Seconds

SUITES = ("trixie", "forky")
"""Debian 13 has docker.io 26.1, the suite after it 28.5 and newer."""
PACKAGES = ("docker.io", "coreutils", "dash", "iptables", "kmod", "mount", "procps", "xz-utils")
"""dockerd and what it runs: iptables for its networks, modprobe, ps for `docker top`, xz for layers. And the
shell, cat and mount by which cc-ci lays files over those of the machine."""
NAMED_BY = ("docker.io", "containerd", "runc")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBOOTSTRAP_SCRIPT = Path("/usr/share/debootstrap/scripts/sid")
"""Names a mirror of Debian, for machines whose own apt has none."""
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
LEFT_OUT = ("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man", "usr/lib/systemd")
RECORD = "engine.json"
FETCH_PATIENCE: Seconds = 900.0


class EngineRoot(msgspec.Struct, frozen=True, kw_only=True):
    """One engine. `name` has the exact versions in it; `packages` are versions by package."""

    name: str
    suite: str
    packages: dict[str, str]
    size_bytes: Bytes
    seconds: Seconds
    """How long it took to make."""

    @property
    def root(self) -> Path:
        return engines() / self.name / "root"

    @property
    def version(self) -> str:
        """The engine's own: 28.5.2 of 28.5.2+dfsg4-5."""
        return self.packages["docker.io"].partition("+")[0]


def engines() -> Path:
    return state_root() / "engines"


def kept() -> tuple[EngineRoot, ...]:
    """All that were made or imported, the newest version last."""
    found = [read_record(path) for path in engines().glob(f"*/{RECORD}")]
    return tuple(sorted(found, key=lambda one: [int(part) for part in re.findall(r"\d+", one.version)]))


def read_record(path: Path) -> EngineRoot:
    try:
        return msgspec.json.decode(path.read_bytes(), type=EngineRoot)
    except msgspec.MsgspecError as error:
        raise InfrastructureError(f"{path}: can't be read: {error}; remove its folder") from error


def kept_of(suite: str) -> EngineRoot | None:
    """The newest kept engine of a suite."""
    return next((one for one in reversed(kept()) if one.suite == suite), None)


def named(name: str) -> EngineRoot:
    """The kept engine of that name, or the newest of that suite. Raises UsageError where there is none."""
    there = kept()
    found = next((one for one in there if one.name == name), kept_of(name))
    if found is None:
        names = ", ".join(one.name for one in there) or "none"
        raise UsageError(
            f"engine {name}: is not kept; there is {names}; `cc-ci engine build forky` makes one"
        )
    return found


class RootBuilder:
    """Makes engines. Order of calls within `build`: resolve and fetch, unpack, arrange, keep."""

    def __init__(self, *, runner: Runner, clock: Clock, say: Callable[[str], None]) -> None:
        self._runner = runner
        self._clock = clock
        self._say = say

    def build(self, suite: str) -> EngineRoot:
        """Make the engine that `suite` has today, or hand back the one that is kept with these versions."""
        if suite not in SUITES:
            raise UsageError(f"engine {suite}: not a suite with one; there are {', '.join(SUITES)}")
        started = self._clock.monotonic()
        engines().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=engines(), prefix=".making-") as folder:
            work = Path(folder)
            archives = self._fetch(suite, work)
            packages = dict(self._versions(archives))
            name = engine_name(packages)
            there = next((one for one in kept() if one.name == name), None)
            if there and there.packages.keys() >= set(PACKAGES):
                return there
            self._unpack(archives, work / "root")
            return keep(
                EngineRoot(
                    name=name,
                    suite=suite,
                    packages=packages,
                    size_bytes=size_of(work / "root"),
                    seconds=self._clock.monotonic() - started,
                ),
                work / "root",
            )

    def _fetch(self, suite: str, work: Path) -> list[Path]:
        self._say(f"engine of Debian {suite}: resolving its packages")
        options = apt_options(work, mirror=self._mirror(), suite=suite)
        update = ["apt-get", *options, "-q", "update"]
        updated = self._runner(update, timeout=FETCH_PATIENCE)
        if not updated.ok:
            raise InfrastructureError(f"its packages can't be looked up: {unreached(updated.stderr)}")
        self._say(f"engine of Debian {suite}: fetching them")
        install = ["apt-get", *options, "-q", "-y", "--download-only", "install", *PACKAGES]
        check(self._runner(install, timeout=FETCH_PATIENCE), what=f"{suite}: apt-get install --download-only")
        return sorted((work / "cache" / "archives").glob("*.deb"))

    def _mirror(self) -> str:
        found = debian_mirror(self._runner) or next(_debootstrap_mirrors(), None)
        if found is None:
            raise InfrastructureError(
                "engine: no mirror of Debian is known; install debootstrap, which names one"
            )
        return found

    def _versions(self, archives: list[Path]) -> Iterator[tuple[str, str]]:
        form = "--showformat=${Package} ${Version}\n"
        for path in archives:
            said = check(self._runner(["dpkg-deb", "--show", form, str(path)]), what=path.name).stdout
            package, version = said.split()
            yield package, version

    def _unpack(self, archives: list[Path], root: Path) -> None:
        self._say(f"engine: unpacking {len(archives)} packages")
        root.mkdir()
        for path in archives:
            check(self._runner(["dpkg-deb", "--extract", str(path), str(root)]), what=path.name)
        arrange(root)


def keep(made: EngineRoot, root: Path) -> EngineRoot:
    """Take `root` into the engines that are kept."""
    folder = engines() / made.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    root.rename(folder / "root")
    # last: a folder without its record is none
    write_atomic(folder / RECORD, msgspec.json.encode(made))
    return made


def engine_name(packages: dict[str, str]) -> str:
    return "_".join(f"{name.removesuffix('.io')}-{packages[name]}" for name in NAMED_BY)


def unreached(said: str) -> str:
    """Of all that apt says when it can't get something, the first reason."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    first = next(
        (line for line in lines if "Failed to fetch" in line), lines[-1] if lines else "no reason given"
    )
    return first.removeprefix("E: ").removeprefix("W: ")


def apt_options(work: Path, *, mirror: str, suite: str) -> list[str]:
    """Options that give apt a state of its own below `work`; the machine's proxies and keys stay."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n")
    settings = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State": work / "state",
        "Dir::State::Status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        # else what can not be reached is a warning, and its packages are missing without a reason
        "APT::Update::Error-Mode": "any",
        "Debug::NoLocking": "true",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def arrange(root: Path) -> None:
    """Do what the packages' scripts would: the links of a merged /usr, and names for the chosen tools."""
    for name, target in LINKS.items():
        if not (root / name).exists():
            (root / name).symlink_to(target)
    for tool in ("iptables", "ip6tables"):
        for part in ("", "-save", "-restore"):
            (root / "usr/sbin" / f"{tool}{part}").symlink_to(f"{tool}-nft{part}")
    for name in LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)


def _debootstrap_mirrors() -> Iterator[str]:
    lines = DEBOOTSTRAP_SCRIPT.read_text().splitlines() if DEBOOTSTRAP_SCRIPT.exists() else []
    return (words[1] for line in lines if (words := line.split())[:1] == ["default_mirror"])


def remove(name: str) -> EngineRoot:
    """Remove a kept engine. A node that runs it goes on until it is taken down."""
    found = named(name)
    shutil.rmtree(engines() / found.name)
    return found


def size_of(root: Path) -> Bytes:
    return sum(path.lstat().st_blocks * 512 for path in root.rglob("*"))
