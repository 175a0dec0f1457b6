"""A node in the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cc_ci.lab.node_status import Status


def shown(seen: "Status") -> str:
    return "\n".join(f"{label:<10} {value}" for label, value in _rows(seen))


def _rows(seen: "Status") -> list[tuple[str, str]]:
    wanted = seen.record.wanted
    link = wanted.bandwidth or "no limit"
    running = ", ".join(f"{name} {pid or 'gone'}" for name, pid in seen.processes.items())
    return [
        ("node", seen.name),
        ("state", "up" if seen.up else f"down; `cc-ci node up --name {seen.name}` brings it up"),
        *_engine_rows(seen),
        *_limits(seen),
        ("images", f"{wanted.images}; link to the registry: {link}"),
        ("names", f"*.{wanted.ci_domain}, a proxy for each run in {seen.record.addresses.proxies}"),
        ("processes", running),
        ("socket", str(seen.socket)),
        ("disk", f"{seen.disk_bytes / 2**20:.0f} MiB"),
    ]


def _engine_rows(seen: "Status") -> list[tuple[str, str]]:
    chosen, facts = seen.record.wanted.engine, seen.facts
    whose = "the machine's own" if chosen == "system" else f"root {chosen}"
    ipvs = f"IPVS: {'yes' if seen.ipvs else 'no'}"
    if facts is None:
        return [("engine", f"not running; {whose}; {ipvs}")]
    parts = f"containerd {facts.containerd}, runc {facts.runc}, images in {facts.image_store}"
    return [
        ("engine", f"{facts.version}, API {facts.api}; {whose}; {ipvs}"),
        ("", f"{parts}, cgroup v{facts.cgroup_version}, kernel {facts.kernel}"),
    ]


def _limits(seen: "Status") -> list[tuple[str, str]]:
    limits, apps, suites = seen.budget.limits, seen.budget.apps, seen.budget.limits.parts["suite"]
    cpus = f"{limits.cpus:g} CPUs" if limits.cpus else "all CPUs"
    share = "" if "memory" in seen.budget.told else ", three quarters of the machine's; --memory sets it"
    each = f"{apps.processes_each} in one container"
    return [
        ("limits", f"{cpus}, {_gib(seen.budget.memory_bytes)} of memory{share}"),
        ("apps", f"{_gib(apps.memory_bytes)}, {apps.processes} processes, {each}"),
        ("", f"one run writes {_gib(apps.disk_bytes)} at most; --disk sets it"),
        ("suites", f"{_gib(suites.memory_bytes or 0)}, {suites.processes} processes"),
        ("root", f"in a container is {'nobody' if seen.remapped else 'root'} on this machine"),
    ]


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
