"""The keys of a service in a compose file. Facts from the loader of docker stack, formats 3.0 to 3.13."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.kinds import (
    Duration,
    Environment,
    Flag,
    Hosts,
    Keyed,
    Number,
    Pairs,
    Reading,
    Shell,
    Size,
    Struct,
    Test,
    Text,
    Texts,
    is_number,
    wrong,
)

FORBIDDEN = {
    "extends": "write the service out, or use a YAML anchor",
    "volume_driver": "name a volume under `volumes` and give it the driver",
    "volumes_from": "name a volume under `volumes` and mount it in both",
    **dict.fromkeys(
        ("cpu_quota", "cpu_shares", "cpuset", "mem_limit", "memswap_limit"), "use deploy.resources"
    ),
}
PROPAGATIONS = {"rprivate", "private", "rshared", "shared", "rslave", "slave"}
PORT = re.compile(
    r"(?:(?P<address>\[[^\]]*\]|[^:/\[]*):)?(?:(?P<published>\d+(?:-\d+)?)?:)?"
    r"(?P<target>\d+(?:-\d+)?)(?:/(?P<protocol>tcp|udp|sctp))?",
    re.IGNORECASE,
)
LAST_PORT = 65_535
SHORTEST_PAIR = 3
"""A volume's text below this length is a mere target."""


def _port(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [LONG_PORT.read(value, key, reading)]
    if not isinstance(value, str) and not is_number(value):
        raise wrong(value, key, "a port, or published:target")
    return list(_ports(str(value), key))


def _ports(text: str, key: Key) -> Iterator[dict[str, Any]]:
    spec, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    *outer, target_text = spec.rsplit(":", 2)
    published_text = outer[-1] if outer else ""
    targets, published = _range(target_text), _range(published_text)
    if not targets or published is None or protocol not in ("tcp", "udp", "sctp"):
        raise KeyFault(key, f"{text!r} is no port; write published:target, each a number or a range")
    if published and len(published) != len(targets):
        raise KeyFault(key, f"{text!r} has ranges of different lengths")
    for index, target in enumerate(targets):
        port = {"mode": "ingress", "target": target, "protocol": protocol}
        yield {**port, "published": published[index]} if published else port


def _range(text: str) -> list[int] | None:
    """The ports of 80 or 80-82; empty for none, None for what is no range."""
    if not text:
        return []
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        return None
    low, high = int(first), int(last or first)
    return list(range(low, high + 1)) if low <= high <= LAST_PORT else None


def _volume(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    long = _short_volume(value, key) if isinstance(value, str) else LONG_VOLUME.read(value, key, reading)
    if long.get("type") == "bind":
        if not long.get("source"):
            raise KeyFault(key, "a bind mount needs its source")
        long["source"] = _bound(long["source"], key, reading)
    return [long]


def _bound(source: str, key: Key, reading: Reading) -> str:
    if source.startswith("~"):
        if "HOME" not in reading.env:
            raise KeyFault(key, f"{source} is in the home of whoever deploys; name the whole path")
        source = source.replace("~", reading.env["HOME"], 1)
    return source if source.startswith("/") else posixpath.normpath(posixpath.join(reading.folder, source))


def _short_volume(text: str, key: Key) -> dict[str, Any]:
    if len(text) < SHORTEST_PAIR:
        if not text:
            raise KeyFault(key, "is empty; write source:target")
        return {"type": "volume", "target": text}
    parts = text.split(":")
    if "" in parts or len(parts) > 3:  # noqa: PLR2004 - source, target, options
        raise KeyFault(key, f"{text!r} has {'an empty part' if '' in parts else 'too many colons'}")
    if len(parts) == 1:
        return {"type": "volume", "target": text}
    source, target, *options = parts
    bind = source[0] in "./~"
    return {"type": "bind" if bind else "volume", "source": source, "target": target, **_options(options)}


def _options(options: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in ",".join(options).split(","):
        if option in ("ro", "rw"):
            found["read_only"] = option == "ro"
        elif option == "nocopy":
            found["volume"] = {"nocopy": True}
        elif option in PROPAGATIONS:
            found["bind"] = {"propagation": option}
    return {name: value for name, value in found.items() if value}


def _reference(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    return [{"source": value} if isinstance(value, str) else LONG_REFERENCE.read(value, key, reading)]


class ServiceNetworks:
    """Names of networks, or a mapping of them to aliases and addresses."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if isinstance(value, list):
            return dict.fromkeys(Texts(unique=True).read(value, key, reading) or []) or None
        if not isinstance(value, dict):
            raise wrong(value, key, "a list or a mapping of networks")
        return {
            name: None if network is None else SERVICE_NETWORK.read(network, (*key, name), reading)
            for name, network in value.items()
        } or None

    def merge(self, base: Any, over: Any) -> Any:
        return {**base, **{name: self._merged(base.get(name), network) for name, network in over.items()}}

    @staticmethod
    def _merged(base: Any, over: Any) -> Any:
        if base is None or over is None:
            return over if base is None else base
        kept = {name: value for name, value in base.items() if name != "aliases"}
        return {**kept, **over}


class Ulimits:
    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if not isinstance(value, dict):
            raise wrong(value, key, "a mapping")
        both = Struct({"soft": Number(zero=True), "hard": Number(zero=True)}, required=("soft", "hard"))
        return {
            name: (both if isinstance(limit, dict) else Number(zero=True)).read(limit, (*key, name), reading)
            for name, limit in value.items()
        } or None

    def merge(self, base: Any, over: Any) -> Any:
        return {**base, **over}


class Options(Pairs):
    """Of a log driver; none at all is not the same as an empty mapping."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        return super().read(value, key, reading) or {}


class Logging(Struct):
    def merge(self, base: Any, over: Any) -> Any:
        if "driver" in base and "driver" in over and base["driver"] != over["driver"]:
            return over
        driver = base.get("driver") or over.get("driver")
        # the loader loses the later file's options where the earlier one has none
        options = {**base["options"], **over.get("options", {})} if "options" in base else None
        return {name: value for name, value in (("driver", driver), ("options", options)) if value}


LONG_PORT = Struct({"mode": Text(), "target": Number(), "published": Number(), "protocol": Text()})
LONG_REFERENCE = Struct(
    {"source": Text(), "target": Text(), "uid": Text(), "gid": Text(), "mode": Number(zero=True)},
    pointer=True,
)
LONG_VOLUME = Struct(
    {
        "type": Text(),
        "source": Text(),
        "target": Text(),
        "read_only": Flag(),
        "consistency": Text(),
        "bind": Struct({"propagation": Text()}, pointer=True),
        "volume": Struct({"nocopy": Flag()}, pointer=True),
        "tmpfs": Struct({"size": Number(least=0)}, pointer=True),
        "cluster": Struct({}, pointer=True),
    },
    required=("type",),
    since={"cluster": (3, 13)},
)
SERVICE_NETWORK = Struct(
    {"aliases": Texts(unique=True), "ipv4_address": Text(), "ipv6_address": Text(), "driver_opts": Pairs()},
    since={"driver_opts": (3, 12)},
    pointer=True,
)
REFERENCES = Keyed(
    _reference, identity=lambda item: item.get("source"), order=lambda item: item.get("source", "")
)
# the identity is the published port alone: 53/tcp and 53/udp take each other's place when files are merged
PORTS = Keyed(
    _port,
    identity=lambda item: item.get("published", 0),
    order=lambda item: item.get("published", 0),
    unique=True,
)
VOLUMES = Keyed(_volume, identity=lambda item: item.get("target"), order=lambda item: item.get("target", ""))

UPDATE = Struct(
    {
        "parallelism": Number(zero=True),
        "delay": Duration(pointer=False),
        "failure_action": Text(),
        "monitor": Duration(pointer=False),
        "max_failure_ratio": Number(whole=False),
        "order": Text("start-first", "stop-first"),
    },
    pointer=True,
)


class Preferences:
    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if not isinstance(value, list):
            raise wrong(value, key, "a list")
        spread = Struct({"spread": Text()}, pointer=True)
        return [spread.read(item, (*key, index), reading) for index, item in enumerate(value)] or None

    def merge(self, base: Any, over: Any) -> Any:
        return [*base, *over]


class GenericResources(Preferences):
    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        return value or None


DEPLOY = Struct(
    {
        "mode": Text(),
        "endpoint_mode": Text(),
        "replicas": Number(zero=True),
        "labels": Pairs(),
        "rollback_config": UPDATE,
        "update_config": UPDATE,
        "resources": Struct(
            {
                "limits": Struct(
                    {"cpus": Text(), "memory": Size(), "pids": Number()}, since={"pids": (3, 9)}, pointer=True
                ),
                "reservations": Struct(
                    {"cpus": Text(), "memory": Size(), "generic_resources": GenericResources()}, pointer=True
                ),
            }
        ),
        "restart_policy": Struct(
            {
                "condition": Text(),
                "delay": Duration(),
                "max_attempts": Number(zero=True),
                "window": Duration(),
            },
            pointer=True,
        ),
        "placement": Struct(
            {"constraints": Texts(), "preferences": Preferences(), "max_replicas_per_node": Number()}
        ),
    },
    nothing=True,
)
HEALTHCHECK = Struct(
    {
        "disable": Flag(),
        "interval": Duration(),
        "retries": Number(zero=True),
        "test": Test(),
        "timeout": Duration(),
        "start_period": Duration(),
        "start_interval": Duration(),
    },
    since={"start_interval": (3, 12)},
    pointer=True,
)


class Build(Struct):
    """Deployed by nobody: only checked for being text or a mapping."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        return {"context": value} if isinstance(value, str) else super().read(value, key, reading)


TEXTS = ["cgroup_parent", "cgroupns_mode", "container_name", "domainname", "hostname", "image", "ipc", "isolation", "mac_address", "network_mode", "restart", "stop_signal", "user", "userns_mode", "working_dir"]

SERVICE = Struct(
    {
        **{name: Text() for name in TEXTS},
        "pid": Text(),
        "build": Build({}, open_=True),
        "cap_add": Texts(unique=True),
        "cap_drop": Texts(unique=True),
        "command": Shell(),
        "configs": REFERENCES,
        "credential_spec": Struct({"config": Text(), "file": Text(), "registry": Text()}),
        "depends_on": Texts(unique=True),
        "deploy": DEPLOY,
        "devices": Texts(unique=True),
        "dns": Texts(single=True),
        "dns_search": Texts(single=True),
        "entrypoint": Shell(),
        "env_file": Texts(single=True),
        "environment": Environment(),
        "expose": Texts(numbers=True, unique=True),
        "external_links": Texts(unique=True),
        "extra_hosts": Hosts(),
        "healthcheck": HEALTHCHECK,
        "init": Flag(pointer=True),
        "labels": Pairs(),
        "links": Texts(unique=True),
        "logging": Logging({"driver": Text(), "options": Options()}, pointer=True),
        "networks": ServiceNetworks(),
        "oom_score_adj": Number(),
        "ports": PORTS,
        "privileged": Flag(),
        "profiles": Texts(unique=True),
        "read_only": Flag(),
        "secrets": REFERENCES,
        "security_opt": Texts(unique=True),
        "shm_size": Text(numbers=True),
        "stdin_open": Flag(),
        "stop_grace_period": Duration(),
        "sysctls": Pairs(),
        "tmpfs": Texts(single=True),
        "tty": Flag(),
        "ulimits": Ulimits(),
        "volumes": VOLUMES,
    },
    since={"profiles": (3, 8), "oom_score_adj": (3, 13), "cgroupns_mode": (3, 10)},
    pointer=True,
)
