"""What `--trust` opens: the kinds of permissions, and what becomes of names that are none.

A permission is KIND:THING, or a kind alone where there is one thing only. It opens that thing and nothing
beside it: where a value matters, the value is part of the name.
"""

import difflib
from collections.abc import Collection, Iterable

from cc_ci.errors import UsageError

KINDS: dict[str, str] = {
    "engine-socket": "the engine's socket: whoever has it is root on the node",
    "bind:PATH": "a path of the host, read-only; ./PATH is one of the recipe's own",
    "bind-writable:PATH": "a path of the host, to write to",
    "bind-propagation:PATH": "mounts that the host and the container see of each other",
    "device:PATH": "a device of the host",
    "npipe:PATH": "a named pipe of the host",
    "cluster-volume:NAME": "a volume of the cluster, which outlives the run",
    "volume-driver:NAME": "a plug-in that makes volumes",
    "volume-options:VOLUME:OPTIONS": "options of a volume: they can mount any path or server",
    "volume-name:NAME": "a volume with a name that others may have, too",
    "external-volume:NAME": "a volume that exists already",
    "capability:NAME": "a capability beyond docker's own set",
    "privileged:SERVICE": "a container without any wall",
    "security-option:OPTION": "another profile of AppArmor, SELinux or seccomp, or none",
    "pid:MODE": "another process namespace than the container's own",
    "ipc:MODE": "another IPC namespace than the container's own",
    "network:MODE": "another network namespace than the container's own",
    "userns:MODE": "another user namespace than the engine's choice",
    "cgroupns:MODE": "the host's view of control groups",
    "cgroup-parent:PATH": "a control group outside of the node's limits",
    "isolation:MODE": "another kind of container",
    "credential-spec:SERVICE": "an account of the host",
    "sysctl:NAME": "a setting of the kernel",
    "ulimit:NAME": "a limit that others on the node feel",
    "oom-score:SERVICE:NUMBER": "others are killed before this service when memory is short",
    "generic-resource:KIND": "hardware that the host names",
    "log-driver:NAME": "logs that leave the node, or are kept elsewhere",
    "log-option:NAME=VALUE": "an option of logging that can fill a disk or leave the node",
    "host-gateway:NAME": "a name for the host's own address",
    "replicas:SERVICE:NUMBER": "very many tasks of one service",
    "grace:SERVICE:TIME": "a service that may take very long to stop",
    "ports:SERVICE:NUMBER": "very many ports of one service",
    "port:NUMBER/PROTOCOL": "a port on a server that is not cc-ci's own",
    "network-driver:NAME": "a network that is no overlay",
    "network-options:NETWORK:OPTIONS": "options of a network, or of a service in it",
    "subnet:RANGE": "addresses of its own choice",
    "network-name:NAME": "a network with a name that others may have, too",
    "external-network:NAME": "a network that exists already, other than proxy",
    "config-name:NAME": "a config with a name that others may have, too",
    "external-config:NAME": "a config that exists already",
    "secret-name:NAME": "a secret with a name that others may have, too",
    "external-secret:NAME": "a secret that exists already and is not the app's",
    "secret-driver:NAME": "a plug-in that makes secrets or configs",
    "template-driver:NAME": "another filler of configs than golang",
    "entrypoint:NAME": "all that comes in by one of the proxy's TCP or UDP entry points",
    "proxy-address:URL": "an address that the node's proxy asks for the recipe",
}
"""Each kind with the form of its thing, and what it opens."""

_HEADS = {form.partition(":")[0] for form in KINDS}


def require_known(names: Iterable[str], *, given_by: str = "--trust") -> None:
    """Raise UsageError for the first name that is of no kind; `given_by` is where it stands."""
    for name in names:
        kind, colon, thing = name.partition(":")
        if kind in _HEADS and bool(colon and thing) == any(form.startswith(f"{kind}:") for form in KINDS):
            continue
        near = difflib.get_close_matches(kind, _HEADS, n=1)
        hint = f"did you mean {near[0]}?" if near and near[0] != kind else "`cc-ci recipe trust` lists all"
        wanted = next((form for form in KINDS if form.partition(":")[0] == kind), None)
        raise UsageError(
            f"{given_by} {name}: {f'must be {wanted}' if wanted else 'no such permission'}; {hint}"
        )


def unused(name: str, needed: Collection[str]) -> str:
    """What is said of a permission that nothing needs."""
    near = difflib.get_close_matches(name, needed, n=1, cutoff=0.4)
    return f"{name}: trusted, and not needed" + (f"; did you mean {near[0]}?" if near else "")
