"""Lint rules about keys that `docker stack deploy` ignores.

The list is that of docker/cli, compose/types and compose/convert.
"""

from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.stack import Stack

DROPPED = {
    "build": "build the image beforehand",
    "cgroup_parent": "remove it",
    "cgroupns_mode": "remove it",
    "container_name": "remove it; other services reach this one by its service name",
    "depends_on": "let the app wait for what it needs: Swarm starts all services at once",
    "devices": "remove it: Swarm passes no devices on",
    "domainname": "use hostname",
    "expose": "remove it: services of one network reach each other's ports",
    "external_links": "use a network that both are in",
    "ipc": "remove it",
    "links": "use a network that both are in",
    "mac_address": "remove it",
    "network_mode": "use networks",
    "pid": "remove it",
    "privileged": "use cap_add for what is needed",
    "profiles": "put the service into an optional compose file",
    "restart": "use deploy.restart_policy",
    "security_opt": "remove it",
    "shm_size": "mount a volume of type tmpfs at /dev/shm",
    "tmpfs": "mount a volume of type tmpfs",
    "userns_mode": "remove it",
}


def nothing_dropped(_app: App, stack: Stack) -> Iterator[Finding]:
    for name, tree in stack.merged.tree.get("services", {}).items():
        for dropped in DROPPED.keys() & tree.keys():
            key = f"services.{name}.{dropped}"
            message = f"{key}: Swarm ignores it; {DROPPED[dropped]}"
            # without its scratch folder such an app can't write anywhere
            stuck = dropped == "tmpfs" and tree.get("read_only")
            if stuck:
                message = (
                    f"{key}: Swarm ignores it, and read_only leaves no place to write; {DROPPED[dropped]}"
                )
            yield found("C011", message, stack.source(key), key=key, severity="error" if stuck else None)
