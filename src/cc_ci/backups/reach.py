"""How tools get at a stack's volumes: each call sees those that it names, and nothing else of the node."""

import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cc_ci.backups.places import REPOSITORY, Access, volume_content
from cc_ci.backups.sandbox import CHANGING, READING, TMP_LIMIT, VolumeSandbox
from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.engine.state import EngineVolume
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed, Unverified
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.system.files import runtime_root
from cc_ci.system.held import SUITE_PREFIX, temporary_folder
from cc_ci.system.process import Completed, Runner
from cc_ci.system.units import Seconds

HELPER_IMAGE = "restic/restic:0.14.0"
"""What a foreign node needs: restic, and beside it busybox."""
PROCESSES = 256
NOT_THERE = (125, 126, 127)
"""What docker, prlimit and shells exit with when they can't run a program."""

Inspect = Callable[[str], EngineVolume | None]
"""What the engine says of a volume."""


class Reach(Protocol):
    """Run a program that sees `volumes` at `volume_content(name)`; secrets go in `env`, never in `argv`.

    `repository`: it also sees the run's restic repository, at REPOSITORY. Raises StageFailed for a volume
    that is not there, Unverified for one that is no plain folder, and CommandFailed when `timeout` is over.
    """

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        access: Access,
        timeout: Seconds,
        repository: bool = False,
        stdin: str | None = None,
        env: Mapping[str, str] = {},
    ) -> Completed: ...


class SandboxReach:
    """On a private node: this machine's tools in a sandbox; `repository` is a folder of this machine.

    `real` has the volume that stands for another: a backup of one app is restored into a twin with it.
    With `group`, the node's, each call is in a control group beside those of suites: what it uses counts as
    the node's, and is bounded as theirs is. `held` is where suites have their folders.
    """

    def __init__(
        self,
        node: Node,
        runner: Runner,
        *,
        inspect: Inspect,
        repository: Path,
        real: Mapping[str, str] = {},
        group: NodeGroup | None = None,
        held: Path | None = None,
    ) -> None:
        self._real = real
        self._group = group
        self._held = held or runtime_root()
        self._node = node
        self._runner = runner
        self._inspect = inspect
        self._repository = repository

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        access: Access,
        timeout: Seconds,
        repository: bool = False,
        stdin: str | None = None,
        env: Mapping[str, str] = {},
    ) -> Completed:
        require_plain([self._real.get(name, name) for name in volumes], self._inspect)
        if repository:
            self._repository.mkdir(parents=True, exist_ok=True)
        sandbox = VolumeSandbox(
            mount_namespace=self._node.mount_namespace,
            volumes=tuple(volumes),
            access=access,
            repository=self._repository if repository else None,
            real=self._real,
        )
        with spoken_of(argv[0], volumes), self._counted() as join:
            completed = self._runner((*join, *sandbox.argv(argv)), stdin=stdin, env=env, timeout=timeout)
        return present(completed, argv[0])

    @contextlib.contextmanager
    def _counted(self) -> Iterator[tuple[str, ...]]:
        """A prefix that enters a group; it lives as long as the folder of its name is held."""
        if self._group is None:
            yield ()
            return
        self._remove_what_is_over(self._group)
        with temporary_folder(SUITE_PREFIX, root=self._held) as folder:
            self._group.make_below("suite", folder.name)
            try:
                yield self._group.join_argv("suite", folder.name)
            finally:
                self._group.remove_below("suite", folder.name)

    def _remove_what_is_over(self, group: NodeGroup) -> None:
        """A sandbox ends a moment after its program, so that its group could not be removed with it."""
        for name in group.below("suite"):
            if not (self._held / name).exists():
                group.remove_empty("suite", name)


class HelperReach:
    """On a foreign node: a container of `image`, which brings the tools, with the volumes mounted.

    `scratch` is a volume of the run's own, for the repository.
    """

    def __init__(
        self,
        node: Node,
        runner: Runner,
        *,
        inspect: Inspect,
        image: str,
        scratch: str,
        labels: Mapping[str, str],
    ) -> None:
        self._node = node
        self._runner = runner
        self._inspect = inspect
        self._image = image
        self._scratch = scratch
        self._labels = labels

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        access: Access,
        timeout: Seconds,
        repository: bool = False,
        stdin: str | None = None,
        env: Mapping[str, str] = {},
    ) -> Completed:
        require_plain(volumes, self._inspect)
        mounts = [_mount(name, access) for name in volumes]
        if repository:
            mounts.append(_scratch_mount(self._scratch, self._labels))
        options = [*(f"--mount={mount}" for mount in mounts), *(f"--env={name}" for name in env)]
        with spoken_of(argv[0], volumes), self._container(options, access=access) as run:
            command = (*run, "--entrypoint", argv[0], self._image, *argv[1:])
            completed = self._docker(command, stdin=stdin, env=env, timeout=timeout)
        return present(completed, argv[0])

    @contextlib.contextmanager
    def _container(self, options: Sequence[str], *, access: Access) -> Iterator[tuple[str, ...]]:
        """A container's argv; it is removed when its client is ended, which leaves it running."""
        name = f"cc-ci-volumes-{secrets.token_hex(6)}"
        labels = (f"--label={key}={value}" for key, value in self._labels.items())
        run = ("docker", "run", "--rm", "--interactive", f"--name={name}")
        try:
            yield (*run, *labels, *confined(access), *options)
        except BaseException:
            self._docker(("docker", "rm", "--force", "--volumes", name), timeout=60.0)
            raise

    def _docker(
        self,
        argv: Sequence[str],
        *,
        timeout: Seconds,
        stdin: str | None = None,
        env: Mapping[str, str] = {},
    ) -> Completed:
        client = client_environment(self._node, config=Path("/nonexistent"))
        return self._runner(argv, stdin=stdin, env={**client, **env}, timeout=timeout)


def confined(access: Access) -> tuple[str, ...]:
    """What a helper may do: as a sandbox on a private node, in the engine's own words."""
    rights = READING if access == "reads" else CHANGING
    return (
        *("--network=none", "--security-opt=no-new-privileges", "--cap-drop=ALL"),
        *(f"--cap-add={right.removeprefix('CAP_')}" for right in rights),
        *(f"--pids-limit={PROCESSES}", f"--tmpfs=/tmp:rw,nosuid,nodev,noexec,size={TMP_LIMIT}"),
    )


def _mount(name: str, access: Access) -> str:
    # no copy of what the image has there into a volume that is empty
    options = ",readonly" if access == "reads" else ""
    return f"type=volume,source={name},target={volume_content(name)},volume-nocopy{options}"


def _scratch_mount(name: str, labels: Mapping[str, str]) -> str:
    # the first use makes the volume, so its labels are given with every one
    labelled = "".join(f",volume-label={key}={value}" for key, value in labels.items())
    return f"type=volume,source={name},target={REPOSITORY}{labelled}"


def require_plain(volumes: Sequence[str], inspect: Inspect) -> None:
    """Ask the engine for each volume, every time: a name alone says nothing of what is behind it."""
    for name in volumes:
        volume = inspect(name)
        if volume is None:
            raise StageFailed(f"volume {name}: not on the node; no task of the app has mounted it")
        if not volume.plain:
            options = ", ".join(f"{key}={value}" for key, value in sorted(volume.options.items())) or "none"
            raise Unverified(
                f"volume {name}: driver {volume.driver} with options {options}: no folder of the engine's "
                "own, so its backup can't be tried"
            )


@contextlib.contextmanager
def spoken_of(tool: str, volumes: Sequence[str]) -> Iterator[None]:
    """Name a tool that did not end in time, and its volumes, instead of the sandbox's whole command."""
    try:
        yield
    except CommandFailed as error:
        _, _, said = str(error).rpartition(": ")
        where = f" in {', '.join(volumes)}" if volumes else ""
        raise CommandFailed(f"{tool}{where}: {said}", returncode=error.returncode) from error


def present(completed: Completed, tool: str) -> Completed:
    """Hand back how a tool ended. Raises InfrastructureError where it could not be started at all."""
    lines = completed.stderr.strip().splitlines() or ["no output"]
    no_sandbox = not completed.ok and lines[-1].startswith("bwrap: ")
    if no_sandbox or completed.returncode in NOT_THERE:
        # docker follows its error with advice
        said = next((line for line in lines if line.startswith("docker: ")), lines[-1])
        raise InfrastructureError(f"{tool}: not to be run on the node ({said}); `cc-ci doctor` tells more")
    return completed
