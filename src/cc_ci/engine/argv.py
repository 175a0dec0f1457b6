"""The docker commands that cc-ci gives: pure argv, no secret value ever in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cc_ci.engine.node import Node
from cc_ci.system.environment import ALWAYS, PROXIES, own
from cc_ci.system.units import Seconds

USERS = ("DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION", "SSH_AUTH_SOCK")
"""The user's own variables that the client may need on the way to an engine elsewhere."""
OPTIONS = {"DOCKER_CONFIG": "--config", "DOCKER_CONTEXT": "--context", "DOCKER_HOST": "--host"}
"""Options of the client that say what these variables say."""
NEEDED = ("PATH", "HOME")
"""What the client starts on its way to an engine elsewhere (ssh, a credential helper) needs these."""


def client_environment(node: Node, *, config: Path) -> dict[str, str]:
    """Tell the docker client which engine to use; on a private node, nothing of the user's own besides.

    `config` is an empty folder in the place of ~/.docker, so that no context or credential is found there.
    """
    if node.private:
        return {"DOCKER_HOST": node.docker_host, "DOCKER_CONFIG": str(config)}
    which = "DOCKER_HOST" if "://" in node.docker_host else "DOCKER_CONTEXT"
    return {**own(*USERS, *PROXIES), which: node.docker_host}


def looked_up(node: Node, environment: Mapping[str, str]) -> frozenset[str]:
    """The variables that `bare_client` has: it takes one for a compose file's variable without a value."""
    return frozenset() if node.private else frozenset((*NEEDED, *environment))


def bare_client(node: Node, environment: Mapping[str, str], *, program: str) -> list[str]:
    """The docker client with an empty environment, or with no more than the way to an engine elsewhere takes.

    `program` is its whole path, since it is not looked for in PATH then.
    """
    if node.private:
        options = [(option, environment[name]) for name, option in OPTIONS.items() if name in environment]
        return ["env", "-i", program, *(word for option in options for word in option)]
    unset = [name for name in ALWAYS if name not in NEEDED]
    return ["env", *(word for name in unset for word in ("-u", name)), program]


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


def connect_network(network: str, container: str, *, aliases: Sequence[str] = ()) -> list[str]:
    named = [f"--alias={one}" for one in aliases]
    return ["docker", "network", "connect", *named, network, container]


def disconnect_network(network: str, container: str) -> list[str]:
    return ["docker", "network", "disconnect", "--force", network, container]


def remove(kind: str, name: str) -> list[str]:
    options = {"container": ["--force", "--volumes"], "volume": ["--force"]}
    return ["docker", kind, "rm", *options.get(kind, ()), name]


def kill(container: str) -> list[str]:
    return ["docker", "container", "kill", "--signal=KILL", container]


def stop(container: str, *, grace: Seconds) -> list[str]:
    """By its own signal; Swarm counts a grace in whole seconds, too."""
    return ["docker", "container", "stop", "-t", str(int(grace)), container]


def execute(container: str, command: Sequence[str] | str, *, user: str | None, attach: bool) -> list[str]:
    program = ["sh", "-c", command] if isinstance(command, str) else list(command)
    options = [*(["--interactive"] if attach else []), *(["--user", user] if user else [])]
    return ["docker", "exec", *options, container, *program]


def service_logs(service: str) -> list[str]:
    return ["docker", "service", "logs", "--timestamps", "--no-trunc", "--raw", service]


def container_logs(container: str) -> list[str]:
    return ["docker", "logs", "--timestamps", container]


def stack_deploy(
    stack: str, files: Sequence[Path], *, resolve_image: str, client: Sequence[str] = ("docker",)
) -> list[str]:
    """Deploy the merged `files`; `client` is how docker is called."""
    compose = [word for file in files for word in ("--compose-file", str(file))]
    return [*client, "stack", "deploy", *compose, "--resolve-image", resolve_image, stack]


def stack_remove(stack: str) -> list[str]:
    return ["docker", "stack", "rm", stack]
