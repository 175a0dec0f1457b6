"""The keys of a service in a compose file. Facts from the loader of docker stack, formats 3.0 to 3.13."""

from typing import Any

from cc_ci.recipes.faults import Key
from cc_ci.recipes.kinds import (
    Anything,
    Duration,
    Flag,
    Number,
    Reading,
    Shell,
    Size,
    Test,
    Text,
    Texts,
    wrong,
)
from cc_ci.recipes.mappings import Each, EnvironmentPairs, Hosts, Pairs, Struct
from cc_ci.recipes.service_lists import PORTS, REFERENCES, VOLUMES

FORBIDDEN = {
    "extends": "write the service out, or use a YAML anchor",
    "volume_driver": "name a volume under `volumes` and give it the driver",
    "volumes_from": "name a volume under `volumes` and mount it in both",
    **dict.fromkeys(
        ("cpu_quota", "cpu_shares", "cpuset", "mem_limit", "memswap_limit"), "use deploy.resources"
    ),
}


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
        limit = Number(zero=True, signed=True)
        both = Struct({"soft": limit, "hard": limit}, required=("soft", "hard"))
        return {
            name: (both if isinstance(item, dict) else limit).read(item, (*key, name), reading)
            for name, item in value.items()
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


SERVICE_NETWORK = Struct(
    {
        "aliases": Texts(unique=True),
        "ipv4_address": Text(),
        "ipv6_address": Text(),
        "driver_opts": Pairs(lists=False),
    },
    since={"driver_opts": (3, 12)},
    pointer=True,
)
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
                    {"cpus": Text(), "memory": Size(), "pids": Number(signed=True)},
                    since={"pids": (3, 9)},
                    pointer=True,
                ),
                "reservations": Struct(
                    {"cpus": Text(), "memory": Size(), "generic_resources": Each(Anything())}, pointer=True
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
            {
                "constraints": Texts(),
                "preferences": Each(Struct({"spread": Text()}, pointer=True)),
                "max_replicas_per_node": Number(),
            }
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
    """Deployed by nobody, and still checked."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        return {"context": value} if isinstance(value, str) else super().read(value, key, reading)


BUILD = Build(
    {
        **{name: Text() for name in ("context", "dockerfile", "network", "target", "shm_size")},
        "args": Pairs(nulls=True),
        "labels": Pairs(),
        "cache_from": Texts(),
        "extra_hosts": Hosts(),
    },
)

TEXTS = "cgroup_parent cgroupns_mode container_name domainname hostname image ipc isolation mac_address"
MORE_TEXTS = "network_mode pid restart stop_signal user userns_mode working_dir"

SERVICE = Struct(
    {
        **{name: Text() for name in f"{TEXTS} {MORE_TEXTS}".split()},
        "build": BUILD,
        "cap_add": Texts(unique=True),
        "cap_drop": Texts(unique=True),
        "command": Shell(),
        "configs": REFERENCES,
        "credential_spec": Struct({"config": Text(), "file": Text(), "registry": Text()}),
        "depends_on": Texts(unique=True),
        "deploy": DEPLOY,
        "devices": Texts(unique=True),
        "dns": Texts(single=True, unique=True),
        "dns_search": Texts(single=True, unique=True),
        "entrypoint": Shell(),
        "env_file": Texts(single=True, unique=True),
        "environment": EnvironmentPairs(),
        "expose": Texts(numbers=True, unique=True),
        "external_links": Texts(unique=True),
        "extra_hosts": Hosts(),
        "healthcheck": HEALTHCHECK,
        "init": Flag(pointer=True),
        "labels": Pairs(),
        "links": Texts(unique=True),
        "logging": Logging({"driver": Text(), "options": Options(lists=False)}, pointer=True),
        "networks": ServiceNetworks(),
        "oom_score_adj": Number(signed=True),
        "ports": PORTS,
        "privileged": Flag(),
        "profiles": Texts(unique=True),
        "read_only": Flag(),
        "secrets": REFERENCES,
        "security_opt": Texts(unique=True),
        "shm_size": Text(),
        "stdin_open": Flag(),
        "stop_grace_period": Duration(),
        "sysctls": Pairs(),
        "tmpfs": Texts(single=True, unique=True),
        "tty": Flag(),
        "ulimits": Ulimits(),
        "volumes": VOLUMES,
    },
    since={"profiles": (3, 8), "oom_score_adj": (3, 13), "cgroupns_mode": (3, 10)},
    pointer=True,
    notes=True,
)
