"""Engines that come from elsewhere: files that `export` wrote, and folders with a root in them."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cc_ci.errors import UsageError
from cc_ci.lab.engine_roots import (
    FETCH_PATIENCE,
    RECORD,
    EngineRoot,
    engine_name,
    engines,
    keep,
    kept,
    named,
    read_record,
    size_of,
)
from cc_ci.system.process import Runner, check

PROGRAMS = {"docker.io": "dockerd", "containerd": "containerd", "runc": "runc"}
"""By the package that a root is named by, what tells its version."""
NEEDED = ("iptables", "sh", "mount", "cat")
"""By which the engine makes its networks, and cc-ci lays files over those of the machine."""
ELSEWHERE = "none"
"""The suite of an engine that was not made here of one."""


def export(name: str, into: Path, *, runner: Runner) -> EngineRoot:
    """Write a kept engine to one file, for a machine where the suite has moved on."""
    found = named(name)
    argv = [
        "tar",
        "--create",
        "--gzip",
        f"--file={into}",
        f"--directory={engines()}",
        "--numeric-owner",
        found.name,
    ]
    check(runner(argv, timeout=FETCH_PATIENCE), what=f"engine {found.name}")
    return found


def import_(path: Path, *, runner: Runner) -> EngineRoot:
    """Keep the engine of a file that `export` wrote, or of a folder that is a root with one in it.

    One that is kept by the same name stays, since a node may run it. Raises UsageError for anything else.
    """
    engines().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=engines(), prefix=".making-") as folder:
        return (_of_folder if path.is_dir() else _of_file)(path, Path(folder), runner)


def _of_file(file: Path, work: Path, runner: Runner) -> EngineRoot:
    argv = ["tar", "--extract", f"--file={file}", f"--directory={work}", "--numeric-owner"]
    if not runner(argv, timeout=FETCH_PATIENCE).ok:
        raise UsageError(f"{file}: no archive of an engine; `cc-ci engine export` writes one")
    records = list(work.glob(f"*/{RECORD}"))
    if len(records) != 1 or read_record(records[0]).name != records[0].parent.name:
        raise UsageError(f"{file}: no archive of an engine; `cc-ci engine export` writes one")
    made = read_record(records[0])
    return _kept_as(made) or keep(made, records[0].parent / "root")


def _of_folder(root: Path, work: Path, runner: Runner) -> EngineRoot:
    if lacking := tuple(_lacking(root)):
        raise UsageError(f"{root}: no root of an engine: its usr has no {', '.join(lacking)}")
    packages = {package: _version(root, program, runner) for package, program in PROGRAMS.items()}
    name = engine_name(packages)
    # the rest of it is the machine's own in any case
    copied = work / "root"
    copied.mkdir()
    argv = ["cp", "--archive", "--reflink=auto", str(root / "usr"), str(copied / "usr")]
    check(runner(argv, timeout=FETCH_PATIENCE), what=f"engine {name}")
    made = EngineRoot(name=name, suite=ELSEWHERE, packages=packages, size_bytes=size_of(copied), seconds=0.0)
    return _kept_as(made) or keep(made, copied)


def _kept_as(made: EngineRoot) -> EngineRoot | None:
    return next((one for one in kept() if one.name == made.name), None)


def _lacking(root: Path) -> Iterator[str]:
    for program in (*PROGRAMS.values(), *NEEDED):
        places = [root / "usr" / folder / program for folder in ("bin", "sbin")]
        if not any(path.is_symlink() or path.exists() for path in places):
            yield program


def _version(root: Path, program: str, runner: Runner) -> str:
    """What the program says, run in the root: 28.5.2 of `Docker version 28.5.2, build x`."""
    said = check(runner(["chroot", str(root), program, "--version"]), what=f"{root}: {program}").stdout
    found = re.search(r"\bv?(\d+(?:\.\d+)+[\w.+~-]*)", said)
    if found is None:
        raise UsageError(f"{root}: {program} does not say its version, but {said.strip()!r}")
    return found[1]
