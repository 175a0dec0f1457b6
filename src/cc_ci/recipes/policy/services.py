"""Keys of a service that may ask for more of the node than a container of its own."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_ci.recipes.plain import seconds, size_bytes
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.system.units import Seconds

LONGEST_GRACE: Seconds = 300.0
"""Databases and queues ask for 1 to 5 minutes; each removal in a run may have to wait for as long."""
MOST_REPLICAS = 50
DOCKERS_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
"""A container has these without being asked; recipes drop all and add some of them again."""
HARMLESS_SYSCTLS = frozenset(
    {
        *("net.core.somaxconn", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_port_range"),
        *("net.ipv4.tcp_syncookies", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_keepalive_intvl"),
        *("net.ipv4.tcp_keepalive_probes", "net.ipv6.conf.all.disable_ipv6"),
    }
)
"""Of the container's own network namespace, and of no use against anyone."""
SCHEDULING_LIMITS = frozenset({"rtprio", "rttime", "nice"})
"""With these a process takes the processors from everyone on the node."""
OWN_NAMESPACE = {
    "pid": frozenset(),
    "ipc": frozenset({"private", "none", "shareable"}),
    "network_mode": frozenset({"none"}),
    "userns_mode": frozenset(),
    "cgroupns_mode": frozenset({"private"}),
    "isolation": frozenset({"default"}),
}
"""Values that give a container nothing of the host's."""
NAMESPACE_KINDS = {"network_mode": "network", "userns_mode": "userns", "cgroupns_mode": "cgroupns"}
SAFE_SECURITY_OPTIONS = frozenset({"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"})
LOCAL_LOG_DRIVERS = frozenset({"json-file", "local"})
FREE_LOG_OPTIONS = frozenset(
    {"compress", "mode", "max-buffer-size", "labels", "labels-regex", "env", "env-regex", "tag"}
)
MOST_LOG_BYTES = 1 << 30
"""Of one container, all its files together."""
UNLIMITED_LOG_BYTES = 1 << 60
DEFAULT_LOG_BYTES = 20 * 1000 * 1000


def namespace(look: Look, key: str, _service: str, value: Any) -> Iterator[Refusal]:
    name = key.rpartition(".")[2]
    if value not in OWN_NAMESPACE[name]:
        permission = f"{NAMESPACE_KINDS.get(name, name)}:{value}"
        yield look.needs(permission, key, f"asks for {value!r}, which is not the container's own")


def cgroup_parent(look: Look, key: str, _service: str, value: Any) -> Iterator[Refusal]:
    yield look.needs(f"cgroup-parent:{value}", key, f"puts the service into {value}, past the node's limits")


def privileged(look: Look, key: str, service: str, value: Any) -> Iterator[Refusal]:
    if value:
        yield look.needs(f"privileged:{service}", key, "makes the container as good as the host")


def capabilities(look: Look, key: str, _service: str, value: Sequence[str]) -> Iterator[Refusal]:
    for text in value:
        name = text.upper().removeprefix("CAP_")
        if name not in DOCKERS_CAPABILITIES:
            what = f"adds {name}, which docker gives no container by itself"
            yield look.needs(f"capability:{name}", f"{key}.{text}", what)


def devices(look: Look, key: str, _service: str, value: Sequence[str]) -> Iterator[Refusal]:
    for text in value:
        device = text.partition(":")[0]
        yield look.needs(f"device:{device}", f"{key}.{text}", f"hands {device} of the host over")


def security_options(look: Look, key: str, _service: str, value: Sequence[str]) -> Iterator[Refusal]:
    for text in value:
        if text not in SAFE_SECURITY_OPTIONS:
            what = f"sets {text} instead of what protects the host"
            yield look.needs(f"security-option:{text}", f"{key}.{text}", what)


def sysctls(look: Look, key: str, _service: str, value: Mapping[str, str]) -> Iterator[Refusal]:
    for name in value:
        if name not in HARMLESS_SYSCTLS:
            yield look.needs(f"sysctl:{name}", f"{key}.{name}", "is a setting of the kernel")


def ulimits(look: Look, key: str, _service: str, value: Mapping[str, Any]) -> Iterator[Refusal]:
    for name in value:
        if name in SCHEDULING_LIMITS:
            yield look.needs(f"ulimit:{name}", f"{key}.{name}", "takes processors from others on the node")


def oom_score(look: Look, key: str, service: str, value: int) -> Iterator[Refusal]:
    if value < 0:
        what = f"is {value}: when memory is short, others are killed first"
        yield look.needs(f"oom-score:{service}:{value}", key, what)


def credentials(look: Look, key: str, service: str, _value: Any) -> Iterator[Refusal]:
    yield look.needs(f"credential-spec:{service}", key, "takes an account of the host")


def hosts(look: Look, key: str, _service: str, value: Sequence[str]) -> Iterator[Refusal]:
    for text in value:
        name, _, address = text.partition(":")
        if address == "host-gateway":
            yield look.needs(f"host-gateway:{name}", key, f"makes {name} a name for the host's own address")


def grace(look: Look, key: str, service: str, value: str) -> Iterator[Refusal]:
    if seconds(value) > LONGEST_GRACE:
        what = f"{value} is more than the {LONGEST_GRACE:g} s that a removal waits for a service here"
        yield look.needs(f"grace:{service}:{value}", key, what)
    if seconds(value) < 0:
        yield look.refuse(key, f"{value} is less than nothing")


def replicas(look: Look, key: str, service: str, value: int) -> Iterator[Refusal]:
    if value > MOST_REPLICAS:
        what = f"{value} tasks of one service are more than the {MOST_REPLICAS} that a run may have"
        yield look.needs(f"replicas:{service}:{value}", key, what)


def generic_resources(look: Look, key: str, _service: str, value: Sequence[Any]) -> Iterator[Refusal]:
    for item in value:
        specs = item.values() if isinstance(item, dict) else ()
        kinds = [spec.get("kind") for spec in specs if isinstance(spec, dict)]
        for kind in kinds or ["?"]:
            yield look.needs(f"generic-resource:{kind}", key, f"asks for hardware of the host: {kind}")


def log_driver(look: Look, key: str, _service: str, value: str) -> Iterator[Refusal]:
    if value not in LOCAL_LOG_DRIVERS:
        what = f"is {value}: logs leave the node, or are kept where no limit holds"
        yield look.needs(f"log-driver:{value}", key, what)


def log_options(look: Look, key: str, _service: str, value: Mapping[str, str]) -> Iterator[Refusal]:
    sizes = {"max-size", "max-file"}
    for name, text in value.items():
        if name not in FREE_LOG_OPTIONS | sizes:
            what = f"{text!r}: not one of json-file's own options"
            yield look.needs(f"log-option:{name}={text}", f"{key}.{name}", what)
    if sizes & value.keys() and _log_bytes(value) > MOST_LOG_BYTES:
        name = "max-size" if "max-size" in value else "max-file"
        what = f"{value[name]!r}: one container's logs may grow beyond {MOST_LOG_BYTES >> 30} GiB"
        yield look.needs(f"log-option:{name}={value[name]}", f"{key}.{name}", what)


def _log_bytes(options: Mapping[str, str]) -> int:
    """How large all files of one container's log may become; what is no number is as good as unlimited."""
    text, count = options.get("max-size", ""), options.get("max-file", "1")
    each = size_bytes(text) if text else DEFAULT_LOG_BYTES
    if each is None or each <= 0 or not (count.isascii() and count.isdecimal() and len(count) < 10):  # noqa: PLR2004
        return UNLIMITED_LOG_BYTES
    return each * max(1, int(count))


def host_path(path: str) -> str:
    """An absolute path with one slash at its beginning and no dots in it."""
    return "/" + posixpath.normpath(path).lstrip("/")
