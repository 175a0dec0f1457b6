"""The docker commands that cc-ci gives: pure argv, no secret value ever in it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cc_ci.engine.node import Node

RESERVED = ("HOME", "PATH", "SSH_AUTH_SOCK")
"""Variables that the docker client itself needs: no app's value may take their place."""


def client_environment(node: Node, *, config: Path) -> dict[str, str]:
    """Tell the docker client which engine to use; on a private node, nothing of the user's own besides.

    `config` is an empty folder in the place of ~/.docker, so that no context or credential is found there.
    """
    if "://" not in node.docker_host:
        return {"DOCKER_CONTEXT": node.docker_host, "DOCKER_HOST": ""}
    host = {"DOCKER_HOST": node.docker_host}
    if not node.private:
        return host
    empty = dict.fromkeys(
        ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"), ""
    )
    return {**empty, **host, "DOCKER_CONFIG": str(config)}


def labelled(labels: Mapping[str, str]) -> list[str]:
    return [word for key, value in sorted(labels.items()) for word in ("--label", f"{key}={value}")]


def create_network(name: str, labels: Mapping[str, str]) -> list[str]:
    return ["docker", "network", "create", "--driver", "overlay", "--attachable", *labelled(labels), name]


def create_secret(name: str, labels: Mapping[str, str]) -> list[str]:
    return ["docker", "secret", "create", *labelled(labels), name, "-"]


def create_config(name: str, labels: Mapping[str, str]) -> list[str]:
    return ["docker", "config", "create", *labelled(labels), name, "-"]


def create_volume(name: str, labels: Mapping[str, str]) -> list[str]:
    return ["docker", "volume", "create", *labelled(labels), name]


def connect_network(network: str, container: str) -> list[str]:
    return ["docker", "network", "connect", network, container]


def disconnect_network(network: str, container: str) -> list[str]:
    return ["docker", "network", "disconnect", "--force", network, container]


def remove(kind: str, name: str) -> list[str]:
    options = {"container": ["--force", "--volumes"], "volume": ["--force"]}
    return ["docker", kind, "rm", *options.get(kind, ()), name]


def execute(container: str, command: Sequence[str] | str, *, user: str | None, attach: bool) -> list[str]:
    program = ["sh", "-c", command] if isinstance(command, str) else list(command)
    options = [*(["--interactive"] if attach else []), *(["--user", user] if user else [])]
    return ["docker", "exec", *options, container, *program]


def service_logs(service: str) -> list[str]:
    return ["docker", "service", "logs", "--timestamps", "--no-trunc", "--raw", service]


def container_logs(container: str) -> list[str]:
    return ["docker", "logs", "--timestamps", container]


def stack_deploy(
    stack: str, files: Sequence[Path], *, resolve_image: str, unset: Iterable[str] = ()
) -> list[str]:
    """Deploy the merged `files`.

    `unset` names the variables of cc-ci's own environment: abra fills compose files from the app's alone.
    """
    compose = [word for file in files for word in ("--compose-file", str(file))]
    command = ["docker", "stack", "deploy", *compose, "--resolve-image", resolve_image, stack]
    names = sorted(unset)
    return ["env", *(word for name in names for word in ("-u", name)), *command] if names else command


def stack_remove(stack: str) -> list[str]:
    return ["docker", "stack", "rm", stack]
