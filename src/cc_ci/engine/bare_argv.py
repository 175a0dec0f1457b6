"""One service of a stack as a plain container: pure argv, no value of a variable or secret ever in it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import msgspec

from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.errors import UsageError
from cc_ci.recipes.stack import Service, Stack

UNDERSTOOD = frozenset(
    {
        *("image", "command", "entrypoint", "environment", "volumes", "networks", "configs", "secrets"),
        *("user", "labels", "healthcheck", "deploy", "ports", "stop_grace_period", "logging"),
    }
)
"""Keys of a service that are carried over, or that mean nothing to a container by itself."""


NAME = re.compile(r"[^\s=#][^\s=]*")
LONGEST_VALUE = 60_000
"""In bytes; docker's client reads lines of up to 64 KB."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A config or secret, as the container finds it at `target`; `path` is the file here."""

    path: PurePath
    target: str


def network(stack: Stack) -> str:
    return f"{stack.name}_bare"


def container(stack: Stack, service: str) -> str:
    return f"{stack.name}_{service}"


def require_understood(stack: Stack, service: str) -> None:
    """Raise UsageError for a key that a plain container would lose."""
    tree = stack.merged.tree["services"][service]
    if lost := sorted(tree.keys() - UNDERSTOOD):
        raise UsageError(f"services.{service}.{lost[0]}: a plain container can't be given it here")


def run(
    stack: Stack,
    service: Service,
    *,
    files: Sequence[File],
    labels: Mapping[str, str],
) -> list[str]:
    """`docker run` for the service; the client reads what `env_file` wrote at its stdin."""
    name = container(stack, service.name)
    every = {**service.container_labels, **labels, STACK: stack.name, SERVICE: name}
    entry, *arguments = service.entrypoint or ("",)
    line = ["docker", "run", "--detach", "--no-healthcheck", "--restart", "unless-stopped", "--name", name]
    line += ["--network", network(stack), "--network-alias", service.name]
    line += ["--stop-timeout", str(round(service.stop_grace_period))]
    line += [word for key, value in sorted(every.items()) for word in ("--label", f"{key}={value}")]
    line += ["--env-file", "/dev/stdin"]
    line += [word for mount in _mounts(stack, service, files) for word in ("--mount", mount)]
    line += ["--user", service.user] if service.user else []
    line += ["--entrypoint", entry] if entry else []
    return [*line, service.image, *arguments, *service.command]


def env_file(values: Mapping[str, str], *, service: str) -> str:
    """The variables as docker's client reads them from a file, a line each. Raises UsageError."""
    for name, value in values.items():
        if not NAME.fullmatch(name) or "\n" in value or len(value.encode()) > LONGEST_VALUE:
            raise UsageError(
                f"services.{service}.environment.{name}: a plain container takes one line, not too long"
            )
    return "".join(f"{name}={value}\n" for name, value in sorted(values.items()))


def _mounts(stack: Stack, service: Service, files: Sequence[File]) -> list[str]:
    found = []
    for mount in service.mounts:
        source = stack.volumes[mount.volume].name if mount.volume else mount.source
        parts = [f"type={mount.type}", *([f"source={source}"] if source else []), f"target={mount.target}"]
        found.append(",".join([*parts, *(["readonly"] if mount.read_only else [])]))
    return found + [f"type=bind,source={file.path},target={file.target},readonly" for file in files]


def create_network(stack: Stack, labels: Mapping[str, str]) -> list[str]:
    words = [word for key, value in sorted(labels.items()) for word in ("--label", f"{key}={value}")]
    return ["docker", "network", "create", "--driver", "bridge", *words, network(stack)]


def stop(name: str) -> list[str]:
    """Gracefully, within the time that the container was given when it was made."""
    return ["docker", "stop", name]
