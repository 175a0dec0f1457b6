"""The judge of a machine: what is found, whether it will do, and how to mend it. Pure."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from cc_ci.system.machine import BROWSERS, CURRENT_ENGINE, Machine, Tool, is_current
from cc_ci.system.units import Bytes

CheckVerdict = Literal["ok", "limited", "missing"]

GB = 10**9
LEAST_DISK, GOOD_DISK = 4 * GB, 15 * GB
"""The demo's images, base systems and data-roots take about the first; a dozen recipes the second."""
LEAST_MEMORY, GOOD_MEMORY = int(1.5 * GB), int(3.5 * GB)
"""An idle node is allowed 600 MB; a browser and one app want as much again."""
OLDEST_ENGINE = (20, 10)
"""Debian 12's own, the oldest that cc-ci is tried with."""
STACK_CONFIG_SINCE = (23, 0)
"""The first docker client with `stack config`."""
NEEDED_CONTROLLERS = frozenset({"cpu", "memory"})
SET_UP = "run `make setup`"
OTHER_BROWSER = f"install one of {', '.join(BROWSERS[1:])} as a package"

NEEDED = {
    "containerd": "the private node's own",
    "runc": "starts its containers",
    "iptables": "the engine's networks",
    "ip": "the node's network namespace",
    "tc": "shapes the link to the registry",
    "nsenter": "enters the node's namespaces",
    "dnsmasq": "answers for names under the CI domain",
    "docker-registry": "the lab's registry",
    "debootstrap": "the base of stand-in images",
    "slirp4netns": "the node's internet access",
    "bwrap": "the sandbox of suites",
    "restic": "backups",
    "git": "recipes",
}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `mend` says what to do, or what is lost; None where all is well."""

    name: str
    found: str
    verdict: CheckVerdict = "ok"
    mend: str | None = None


def judge(machine: Machine) -> tuple[Check, ...]:
    return (
        Check(name="system", found=f"{machine.system}, kernel {machine.kernel}"),
        Check(name="python", found=machine.python),
        _root(machine),
        _at_least("cpus", machine.cpus, least=1, good=2, found=str(machine.cpus)),
        _size("memory", machine.memory_bytes, least=LEAST_MEMORY, good=GOOD_MEMORY),
        _size("disk", machine.disk_free_bytes, least=LEAST_DISK, good=GOOD_DISK, where=machine.disk_path),
        _engine(machine.tools.get("dockerd")),
        *_clients(machine.docker_clients),
        *(_tool(machine, name, purpose) for name, purpose in NEEDED.items()),
        _browser(machine.browser),
        _abra(machine.tools.get("abra")),
        _cgroup(machine),
        *_kernel(machine),
    )


def suffices(checks: tuple[Check, ...]) -> bool:
    """Whether all that is needed is there; what is limited is not needed."""
    return all(check.verdict != "missing" for check in checks)


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in (version or "0").split("."))


def _shown(tool: Tool) -> str:
    return f"{tool.version or 'version unknown'}, {tool.path}"


def _root(machine: Machine) -> Check:
    if machine.root:
        return Check(name="root", found="yes")
    mend = "a private node needs root; without it, name a Swarm with --node"
    return Check(name="root", found="no", verdict="limited", mend=mend)


def _at_least(name: str, value: float, *, least: float, good: float, found: str) -> Check:
    if value < least:
        return Check(name=name, found=found, verdict="missing", mend="not enough for one app under test")
    if value < good:
        return Check(name=name, found=found, verdict="limited", mend="enough for small recipes, slowly")
    return Check(name=name, found=found)


def _size(name: str, value: Bytes, *, least: Bytes, good: Bytes, where: str = "") -> Check:
    found = f"{value / GB:.1f} GB free under {where}" if where else f"{value / GB:.1f} GB"
    return _at_least(name, value, least=least, good=good, found=found)


def _engine(dockerd: Tool | None) -> Check:
    if dockerd is None:
        return Check(name="engine", found="none", verdict="missing", mend=f"{SET_UP}: it installs docker.io")
    version = _numbers(dockerd.version)
    if version < OLDEST_ENGINE:
        mend = "cc-ci was never tested with an engine older than 20.10; update it"
        return Check(name="engine", found=_shown(dockerd), verdict="limited", mend=mend)
    if not is_current(dockerd.version):
        mend = (
            f"operators run {CURRENT_ENGINE} and newer, so a new private node gets Debian forky's, built"
            " once in about half a minute; `cc-ci node up --engine system` takes this one"
        )
        return Check(name="engine", found=_shown(dockerd), verdict="limited", mend=mend)
    return Check(name="engine", found=f"{_shown(dockerd)}, which a new private node also runs")


def _clients(clients: tuple[Tool, ...]) -> Iterator[Check]:
    if not clients:
        yield Check(name="docker client", found="none", verdict="missing", mend=SET_UP)
    for client in clients:
        if _numbers(client.version) < STACK_CONFIG_SINCE:
            mend = "has no `stack config`, which only the differential tests need"
            yield Check(name="docker client", found=_shown(client), verdict="limited", mend=mend)
        else:
            yield Check(name="docker client", found=_shown(client))


def _tool(machine: Machine, name: str, purpose: str) -> Check:
    tool = machine.tools.get(name)
    if tool is None:
        return Check(name=name, found="none", verdict="missing", mend=f"{SET_UP}; for: {purpose}")
    return Check(name=name, found=_shown(tool))


def _browser(browser: Tool | None) -> Check:
    if browser is None:
        mend = f"{SET_UP}; on Ubuntu, whose chromium is a snap, {OTHER_BROWSER}"
        return Check(name="browser", found="none", verdict="missing", mend=mend)
    if "/snap/" in browser.path:
        mend = f"a snap can't run in the sandbox; {OTHER_BROWSER}"
        return Check(name="browser", found=_shown(browser), verdict="missing", mend=mend)
    return Check(name="browser", found=_shown(browser))


def _abra(abra: Tool | None) -> Check:
    if abra is None:
        mend = "no `run --lever deploy.driver=abra`; not needed: the stack driver does what abra does"
        return Check(name="abra", found="none", verdict="limited", mend=mend)
    return Check(name="abra", found=_shown(abra))


def _cgroup(machine: Machine) -> Check:
    lacking = NEEDED_CONTROLLERS - machine.controllers
    found = f"{machine.cgroup}, controllers {', '.join(sorted(machine.controllers)) or 'none'}"
    if lacking:
        which = " and no ".join(sorted(lacking))
        mend = f"no {which} controller: a node's limits can't be set, usage is not measured"
        return Check(name="cgroup", found=found, verdict="limited", mend=mend)
    return Check(name="cgroup", found=found)


def _kernel(machine: Machine) -> Iterator[Check]:
    yield _feature(
        "overlay file system", machine.overlay, lost="the engine falls back to copying layers, slow and large"
    )
    yield _feature(
        "ipvs", machine.ipvs, lost="services get DNS round robin and host ports instead of virtual IPs"
    )
    yield _feature("pressure (psi)", machine.psi, lost="pressure is null in results")
    yield _feature(
        "user namespaces",
        machine.user_namespaces,
        lost="root in a container is root on this machine; the browser has only cc-ci's sandbox",
    )


def _feature(name: str, there: bool, *, lost: str) -> Check:  # noqa: FBT001 - a fact, not a switch
    if there:
        return Check(name=name, found="yes")
    return Check(name=name, found="no", verdict="limited", mend=lost)
