"""The commands that a recipe's labels have run in its own containers, around a backup or a restore.

As backup-bot-two does: in the service's running container, as the user that its image names, with the
container's environment, in a bash with pipefail, so that a dump which dies in a pipe is not taken for a whole
one; where the image has no bash, in its sh.
"""

import shlex
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from cc_ci.backups.last_words import last_words
from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVICE
from cc_ci.errors import CommandFailed, StageFailed
from cc_ci.system.process import Completed
from cc_ci.system.units import Seconds

When = Literal["backup.pre-hook", "backup.post-hook", "restore.pre-hook", "restore.post-hook"]

SHELLS = ("bash", "sh", "/bin/bash", "/bin/sh")
PATIENCE: Seconds = 300.0
"""How long a hook may take at the least; a recipe whose timeout label is longer gets that."""

_WITH_PIPEFAIL = (
    'if command -v bash >/dev/null 2>&1; then exec bash -o pipefail -c "$0"; else exec sh -c "$0"; fi'
)


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One label's command; `where` is the file and key that it comes from, for messages."""

    service: str
    when: When
    command: str
    where: str


class HookRun(msgspec.Struct, frozen=True, kw_only=True):
    hook: Hook
    seconds: Seconds


def hook_argv(command: str) -> tuple[str, ...]:
    """The shell takes the command as an argument: no quote in it can end another."""
    return ("sh", "-c", _WITH_PIPEFAIL, unwrapped(command))


def unwrapped(command: str) -> str:
    """The script inside `sh -c '...'` or `bash -c "..."`, so that pipefail holds in it; else the command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if len(words) == 3 and words[0] in SHELLS and words[1] == "-c":  # noqa: PLR2004 - shell, -c, script
        return words[2]
    return command


def run_hooks(
    engine: Engine,
    hooks: Sequence[Hook],
    *,
    stack: str,
    monotonic: Callable[[], Seconds],
    patience: Seconds = PATIENCE,
) -> tuple[HookRun, ...]:
    """Run them one after the other. Raises StageFailed, naming file and key, at the first that fails.

    One that takes longer than `patience`, or PATIENCE if that is more, has failed.
    """
    timeout = max(patience, PATIENCE)
    return tuple(_run(engine, hook, stack=stack, monotonic=monotonic, timeout=timeout) for hook in hooks)


def _run(
    engine: Engine, hook: Hook, *, stack: str, monotonic: Callable[[], Seconds], timeout: Seconds
) -> HookRun:
    container = running_container(engine, stack=stack, service=hook.service)
    if container is None:
        raise StageFailed(f"{hook.where}: service {hook.service} has no running container to run it in")
    started = monotonic()
    completed = _executed(engine, container, hook, monotonic=monotonic, timeout=timeout)
    if not completed.ok:
        raise StageFailed(f"{hook.where}: {hook.when} exit {completed.returncode}: {last_words(completed)}")
    return HookRun(hook=hook, seconds=monotonic() - started)


def _executed(
    engine: Engine, container: str, hook: Hook, *, monotonic: Callable[[], Seconds], timeout: Seconds
) -> Completed:
    started = monotonic()
    try:
        return engine.exec(container, hook_argv(hook.command), timeout=timeout)
    except CommandFailed as error:
        if monotonic() - started < timeout:
            raise
        raise StageFailed(f"{hook.where}: {hook.when} still ran after {timeout:g} s") from error


def running_container(engine: Engine, *, stack: str, service: str) -> str | None:
    """The newest running container of a service."""
    containers = [
        container
        for container in engine.containers(labels={SERVICE: f"{stack}_{service}"})
        if container.state == "running"
    ]
    return max(containers, key=lambda container: container.created).id if containers else None
