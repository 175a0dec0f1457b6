"""Pressure stall figures of the kernel: how long tasks stood still for want of CPU, I/O or memory."""

from pathlib import Path

import msgspec

from cc_ci.system.units import Seconds

ROOT = Path("/proc/pressure")


class Stalled(msgspec.Struct, frozen=True, kw_only=True):
    """`some` task, or all of them (`full`), stood still: seconds since boot, and percent of the last 10 s."""

    some_seconds: Seconds
    some_avg10: float
    full_seconds: Seconds | None = None
    full_avg10: float | None = None


class MachinePressure(msgspec.Struct, frozen=True, kw_only=True):
    """Each is None where the kernel keeps no such figure."""

    cpu: Stalled | None = None
    io: Stalled | None = None
    memory: Stalled | None = None


def parse_stalled(text: str) -> Stalled:
    """Read one file of /proc/pressure; kernels before 5.13 have no `full` line for the CPU."""
    lines = {
        kind: dict(pair.split("=") for pair in pairs) for kind, *pairs in map(str.split, text.splitlines())
    }
    full = lines.get("full")
    return Stalled(
        some_seconds=int(lines["some"]["total"]) / 1e6,
        some_avg10=float(lines["some"]["avg10"]),
        full_seconds=int(full["total"]) / 1e6 if full else None,
        full_avg10=float(full["avg10"]) if full else None,
    )


def read_pressure(root: Path = ROOT) -> MachinePressure:
    return MachinePressure(cpu=_read(root / "cpu"), io=_read(root / "io"), memory=_read(root / "memory"))


def _read(path: Path) -> Stalled | None:
    # with psi=0 on the kernel's command line the files are there, and reading them fails
    try:
        return parse_stalled(path.read_text())
    except (OSError, KeyError, ValueError):
        return None
