"""What the kernel says about control groups and the machine, at one instant.

A reading maps names such as `stack.cpu_seconds` to values; a name that is not there could not be had.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from cc_ci.system.pressure import MachinePressure, read_pressure

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
VMSTAT_UNIT = 1024
"""Of pgpgin and pgpgout, see proc_vmstat(5)."""

MEMORY_KEYS = {
    "working_set_bytes": ("total_inactive_file", "inactive_file"),
    "resident_bytes": ("total_rss", "anon"),
}
"""Of memory.stat: version 1 sums up groups below under names of their own."""

CounterReading = dict[str, float]

V1_FILES = {
    "cpu_seconds": "cpuacct/{}/cpuacct.usage",
    "memory_bytes": "memory/{}/memory.usage_in_bytes",
    "working_set_bytes": "memory/{}/memory.stat",
    "resident_bytes": "memory/{}/memory.stat",
    "kernel_peak_bytes": "memory/{}/memory.max_usage_in_bytes",
    "read_bytes": "blkio/{}/blkio.throttle.io_service_bytes_recursive",
    "written_bytes": "blkio/{}/blkio.throttle.io_service_bytes_recursive",
}
V2_FILES = {
    "cpu_seconds": "{}/cpu.stat",
    "memory_bytes": "{}/memory.current",
    "working_set_bytes": "{}/memory.stat",
    "resident_bytes": "{}/memory.stat",
    "kernel_peak_bytes": "{}/memory.peak",
    "read_bytes": "{}/io.stat",
    "written_bytes": "{}/io.stat",
}


def cgroup_version(root: Path = CGROUPS) -> str:
    """Tell the unified tree ("2") from one tree per controller ("1"); a v1 host may have both."""
    return "2" if (root / "cgroup.controllers").exists() else "1"


def group_files(group: str, *, root: Path = CGROUPS) -> dict[str, Path]:
    """The file that each value of a group is read from; `group` is relative to each controller's root."""
    files = V2_FILES if cgroup_version(root) == "2" else V1_FILES
    return {field: root / pattern.format(group.strip("/")) for field, pattern in files.items()}


def read_group(files: dict[str, Path]) -> CounterReading:
    """All values of one group that can be had now."""
    texts = {path: _text(path) for path in set(files.values())}
    reading: CounterReading = {}
    for field, path in files.items():
        text = texts[path]
        value = None if text is None else parse(field, path.name, text)
        if value is not None:
            reading[field] = value
    if "working_set_bytes" in reading:
        # the files are read one after the other, so that the cache may seem to be more than the usage
        reading["working_set_bytes"] = max(0.0, reading.get("memory_bytes", 0) - reading["working_set_bytes"])
    return reading


def parse(field: str, name: str, text: str) -> float | None:
    """One value from the text of the file `name`.

    Of memory.stat what no file backs, or, for the working set, the inactive page cache.
    """
    match name:
        case "cpuacct.usage":
            return int(text) / 1e9
        case "cpu.stat":
            return _scaled(_table(text).get("usage_usec"), 1e-6)
        case "memory.stat":
            table, (whole, own) = _table(text), MEMORY_KEYS[field]
            return _scaled(table.get(whole, table.get(own)), 1)
        case "io.stat":
            return _io_v2(text, "rbytes=" if field == "read_bytes" else "wbytes=")
        case "blkio.throttle.io_service_bytes_recursive":
            return _io_v1(text, "Read" if field == "read_bytes" else "Write")
        case _:
            return float(text)


def _scaled(value: str | None, unit: float) -> float | None:
    return None if value is None else int(value) * unit


def _table(text: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in text.splitlines())


def _io_v1(text: str, operation: str) -> float | None:
    # without a line for a device the kernel counts nothing, which is not the same as nothing used
    rows = [line.split() for line in text.splitlines()]
    devices = [row for row in rows if len(row) == len(("device", "operation", "bytes"))]
    return float(sum(int(row[2]) for row in devices if row[1] == operation)) if devices else None


def _io_v2(text: str, key: str) -> float | None:
    counts = [int(word.removeprefix(key)) for word in text.split() if word.startswith(key)]
    return float(sum(counts)) if counts else None


def read_machine(proc: Path = PROC) -> CounterReading:
    """CPU seconds and bytes of the whole machine, from /proc/stat and /proc/vmstat."""
    reading: CounterReading = {}
    if stat := _text(proc / "stat"):
        # user, nice, system, (idle, iowait,) irq, softirq; guests are part of user
        ticks = [int(word) for word in stat.split("\n", 1)[0].split()[1:8]]
        reading["cpu_seconds"] = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    vmstat = _table(_text(proc / "vmstat") or "")
    for field, key in (("read_bytes", "pgpgin"), ("written_bytes", "pgpgout")):
        if key in vmstat:
            reading[field] = int(vmstat[key]) * VMSTAT_UNIT
    return reading


def read_stalls(pressure: MachinePressure) -> CounterReading:
    """Pressure as counters: `cpu_some_seconds`, `io_full_seconds` and the like."""
    return dict(_stalls(pressure))


def _stalls(pressure: MachinePressure) -> Iterator[tuple[str, float]]:
    for resource, stalled in (("cpu", pressure.cpu), ("io", pressure.io), ("memory", pressure.memory)):
        if stalled is None:
            continue
        yield f"{resource}_some_seconds", stalled.some_seconds
        # all tasks of a machine never wait for its CPU: the kernel writes a zero there
        if stalled.full_seconds is not None and resource != "cpu":
            yield f"{resource}_full_seconds", stalled.full_seconds


class NodeReader:
    """Read the groups of a node, the machine and its pressure; groups that are None give nothing.

    `stack` is the group of all containers, `engine` that of dockerd and containerd, `suite` that of suites,
    their browsers, and the tools that copy volumes.
    """

    def __init__(
        self,
        *,
        stack: str | None,
        engine: str | None,
        suite: str | None = None,
        cgroups: Path = CGROUPS,
        proc: Path = PROC,
    ) -> None:
        groups = {"stack": stack, "engine": engine, "suite": suite}
        self.files = {name: group_files(path, root=cgroups) for name, path in groups.items() if path}
        self._proc = proc

    def __call__(self) -> CounterReading:
        parts = {name: read_group(files) for name, files in self.files.items()}
        parts["machine"] = read_machine(self._proc)
        parts["pressure"] = read_stalls(read_pressure(self._proc / "pressure"))
        return {
            f"{part}.{field}": value for part, reading in parts.items() for field, value in reading.items()
        }

    def why_missing(self, name: str) -> str:
        """Why the value `name` can't be had."""
        part, _, field = name.partition(".")
        if part == "pressure":
            return "the kernel keeps no pressure figures (/proc/pressure)"
        if part == "machine":
            return "not counted for the machine as a whole"
        if part not in self.files:
            return "the node's control groups are not known to cc-ci"
        path = self.files[part][field]
        return f"{path.name}: {'counts nothing on this kernel' if path.exists() else 'not there'}"


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
