"""How tools get at a stack's volumes, under the paths that an operator's node has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import Completed, Runner
from cc_ci.system.units import Seconds

VOLUMES = "/var/lib/docker/volumes"
HELPER_IMAGE = "restic/restic:0.14.0"
"""What a foreign node needs: restic, and beside it busybox's find, stat, tee, xargs and rm."""
NOT_THERE = (125, 126, 127)
"""What docker and nsenter exit with when they can't run a program."""


def volume_folder(name: str) -> str:
    return f"{VOLUMES}/{name}"


def volume_content(name: str) -> str:
    return f"{VOLUMES}/{name}/_data"


class Reach(Protocol):
    """Run a program that sees `volumes` at `volume_folder(name)`; secrets go in `env`, never in `argv`."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        stdin: str | None = None,
        env: Mapping[str, str] = {},
        timeout: Seconds | None = None,
    ) -> Completed: ...


class NamespaceReach:
    """On a private node: this machine's tools inside the node's mount and network namespaces."""

    def __init__(self, node: Node, runner: Runner) -> None:
        self._node = node
        self._runner = runner

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],  # noqa: ARG002 - all of them are to be seen there
        stdin: str | None = None,
        env: Mapping[str, str] = {},
        timeout: Seconds | None = None,
    ) -> Completed:
        command = inside(self._node, argv)
        return present(self._runner(command, stdin=stdin, env=env, timeout=timeout), argv[0])


class HelperReach:
    """On a foreign node: a container of `image`, which brings the tools, with the volumes mounted.

    `scratch` is a volume of the run's own, mounted at /repository.
    """

    def __init__(
        self, node: Node, runner: Runner, *, image: str, scratch: str, labels: Mapping[str, str]
    ) -> None:
        self._node = node
        self._runner = runner
        self._image = image
        self._scratch = scratch
        self._labels = labels

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        stdin: str | None = None,
        env: Mapping[str, str] = {},
        timeout: Seconds | None = None,
    ) -> Completed:
        options = [f"--label={name}={value}" for name, value in self._labels.items()]
        options += [f"--env={name}" for name in env]
        # the first use makes the volume, so its labels are given with every one
        labels = "".join(f",volume-label={name}={value}" for name, value in self._labels.items())
        options += [f"--mount=type=volume,source={self._scratch},target=/repository{labels}"]
        options += [f"--volume={name}:{volume_content(name)}" for name in volumes]
        command = helper(argv, image=self._image, options=options)
        both = {**client_environment(self._node, config=Path("/nonexistent")), **env}
        return present(self._runner(command, stdin=stdin, env=both, timeout=timeout), argv[0])


def inside(node: Node, argv: Sequence[str]) -> tuple[str, ...]:
    return (
        "nsenter",
        f"--mount={node.mount_namespace}",
        f"--net={node.network_namespace}",
        "--",
        *argv,
    )


def helper(argv: Sequence[str], *, image: str, options: Sequence[str]) -> tuple[str, ...]:
    run = ("docker", "run", "--rm", "--interactive")
    return (*run, *options, "--entrypoint", argv[0], image, *argv[1:])


def present(completed: Completed, tool: str) -> Completed:
    if completed.returncode in NOT_THERE:
        lines = completed.stderr.strip().splitlines() or ["no output"]
        # docker follows its error with advice
        said = next((line for line in lines if line.startswith("docker: ")), lines[-1])
        raise InfrastructureError(f"{tool}: not to be run on the node ({said}); `cc-ci doctor` tells more")
    return completed
