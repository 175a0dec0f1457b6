"""One service of a stack as a plain container: pure argv, no value of a variable or secret ever in it."""

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
    variables: Sequence[str],
    files: Sequence[File],
    labels: Mapping[str, str],
) -> list[str]:
    """`docker run` for the service; the client takes the values of `variables` from its own environment."""
    name = container(stack, service.name)
    every = {**service.container_labels, **labels, STACK: stack.name, SERVICE: name}
    entry, *arguments = service.entrypoint or ("",)
    line = ["docker", "run", "--detach", "--no-healthcheck", "--restart", "unless-stopped", "--name", name]
    line += ["--network", network(stack), "--network-alias", service.name]
    line += ["--stop-timeout", str(round(service.stop_grace_period))]
    line += [word for key, value in sorted(every.items()) for word in ("--label", f"{key}={value}")]
    line += [word for variable in sorted(variables) for word in ("--env", variable)]
    line += [word for mount in _mounts(stack, service, files) for word in ("--mount", mount)]
    line += ["--user", service.user] if service.user else []
    line += ["--entrypoint", entry] if entry else []
    return [*line, service.image, *arguments, *service.command]


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
