"""Deploy through the real abra, from an ABRA_DIR of each app's own; convergence is judged as ever.

Apps that share one checkout of a recipe race, in one run as in two: another chain's app may be of another
version. So each has the recipe laid out for itself: abra finds a repository under recipes/ and an env file
under servers/, both written here.
"""

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cc_ci.engine import abra_argv
from cc_ci.engine.api import Engine, Labels
from cc_ci.engine.deploy_errors import deploy_error
from cc_ci.engine.driver import Spanned
from cc_ci.engine.overlay import Overlay
from cc_ci.engine.run_folder import common_version, deployed_files, with_version
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.watching import POLL, Convergence
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.recipes.app import App
from cc_ci.recipes.secrets import SecretSpec
from cc_ci.recipes.stack import Stack
from cc_ci.system import git
from cc_ci.system.clearing import clear_away
from cc_ci.system.files import write_atomic
from cc_ci.system.process import Completed, Runner
from cc_ci.system.trees import copy_tree
from cc_ci.system.units import EpochSeconds, Seconds

LONGEST: Seconds = 600.0
"""One command of abra; it asks a registry for each image, and waits for nothing that cc-ci waits for."""
NOT_DEPLOYED = "not deployed"
"""What abra says of an app that is gone already."""


class AbraDriver:
    """One run's apps, driven by abra; `span` names each of its calls in the run's trace.

    Safe to share between threads that have an app each: checkout, env file and secret file are the app's own,
    in a folder of `home` by the name of its stack.
    """

    def __init__(
        self, stacks: StackDriver, engine: Engine, runner: Runner, *, home: Path, span: Spanned
    ) -> None:
        self._stacks = stacks
        self._engine = engine
        self._runner = runner
        self._home = home
        self._span = span
        self._domains: dict[str, str] = {}
        self._written: dict[Path, Stack] = {}

    def make_secrets(
        self, app: App, wanted: Sequence[SecretSpec], *, given: Mapping[str, str], labels: Labels
    ) -> dict[str, str]:
        """Insert what is given, have abra generate the rest, and label all: a dead run's must be known."""
        self._settle(app)
        made = {secret.name: given[secret.name] for secret in wanted if secret.name in given}
        for secret in wanted:
            if secret.name in made:
                self._insert(app, secret, made[secret.name])
        if missing := {secret.name for secret in wanted} - made.keys():
            told = generated(self._abra(abra_argv.generate_secrets(app.domain), app).stdout)
            if lacking := sorted(missing - told.keys()):
                raise InfrastructureError(f"abra app secret generate: it made no secret {lacking[0]!r}")
            made |= {name: told[name] for name in missing}
        for secret in wanted:
            self._engine.label_secret(secret.swarm_name, labels=labels)
        return made

    def write(self, app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]:
        """Lay out the recipe where abra looks for it, the overlay the last of its compose files."""
        files = self._stacks.write(app, stack, overlay, folder)
        self._written[folder] = stack
        self._lay_out(folder, app, version=common_version(stack.version, overlay))
        names = [str(file.relative_to(folder)) for file in deployed_files(app, folder)]
        write_atomic(self._env_file(app), env_text({**app.env, "COMPOSE_FILE": ":".join(names)}), mode=0o600)
        return files

    def deploy(self, app: App, folder: Path, *, resolve_image: str = "always") -> None:
        """Deploy as the checkout stands; abra asks a registry for each digest, and has no other way."""
        if resolve_image != "always":
            raise InfrastructureError(f"abra: deploy.resolve_image {resolve_image!r}: it has `always` alone")
        again = bool(self._engine.stack(app.stack_name).services)
        completed = self._tried(abra_argv.deploy(app.domain, again=again), app.stack_name)
        if not completed.ok:
            raise deploy_error(completed, self._written.get(folder), app)

    def converge(
        self,
        stack: Stack,
        *,
        since: EpochSeconds,
        timeout: Seconds,
        stable_for: Seconds = 0.0,
        poll: Seconds = POLL,
    ) -> Convergence:
        return self._stacks.converge(stack, since=since, timeout=timeout, stable_for=stable_for, poll=poll)

    def require_sound(self, stack: Stack, *, since: EpochSeconds) -> None:
        self._stacks.require_sound(stack, since=since)

    def running_images(self, stack_name: str) -> Mapping[str, str]:
        return self._stacks.running_images(stack_name)

    def remove(self, stack_name: str, *, wait: bool, prompt: bool = False) -> None:
        """Undeploy, then wait for tasks and networks as for every driver. Works twice."""
        domain = self._domains.get(stack_name)
        if domain is not None and self._engine.stack(stack_name).services:
            self._removing(abra_argv.undeploy(domain), stack_name)
        self._stacks.remove(stack_name, wait=wait, prompt=prompt)

    def remove_owned(self, app: App, stack: Stack) -> None:
        """Volumes, secrets, app, in the order that abra asks for; what it left is the run's to remove."""
        del stack
        if self._env_file(app).exists():
            self._removing(abra_argv.remove_volumes(app.domain), app.stack_name)
            if app.secrets:
                # without any, abra ends in an error
                self._removing(abra_argv.remove_secrets(app.domain), app.stack_name)
            self._removing(abra_argv.remove_app(app.domain), app.stack_name)
            self._env_file(app).unlink(missing_ok=True)

    def _settle(self, app: App) -> None:
        """Have the server and the app there; abra writes the app's env file from the recipe's sample."""
        self._domains[app.stack_name] = app.domain
        self._lay_out(app.recipe.root, app)
        if not (self._home / app.stack_name / "servers" / abra_argv.SERVER).exists():
            self._abra(abra_argv.add_server(), app)
        if not self._env_file(app).exists():
            self._abra(abra_argv.new_app(app.recipe.name, app.domain), app)
        write_atomic(self._env_file(app), env_text(app.env), mode=0o600)

    def _lay_out(self, tree: Path, app: App, *, version: str | None = None) -> None:
        """A repository of its own, committed: abra refuses a recipe that is none.

        Its compose files are the recipe's own, for abra fills in variables by itself, and reads their names.
        """
        recipe = self._home / app.stack_name / "recipes" / app.recipe.name
        clear_away(recipe)
        copy_tree(tree, recipe)
        if version:
            *copies, _overlay = deployed_files(app, recipe)
            for copy, original in zip(copies, app.compose_files, strict=True):
                write_atomic(copy, with_version(original.read_text(encoding="utf-8-sig"), version))
        git.make(recipe, message="as under test", runner=self._runner)

    def _insert(self, app: App, secret: SecretSpec, value: str) -> None:
        file = self._home / app.stack_name / "secret"
        write_atomic(file, value, mode=0o600)
        version = secret.swarm_name.removeprefix(f"{app.stack_name}_{secret.name}_")
        try:
            line = abra_argv.insert_secret(app.domain, name=secret.name, version=version, file=file)
            self._abra(line, app)
        finally:
            file.unlink()

    def _removing(self, line: abra_argv.AbraLine, stack_name: str) -> None:
        completed = self._tried(line, stack_name)
        if not completed.ok and NOT_DEPLOYED not in completed.stderr + completed.stdout:
            raise InfrastructureError(f"abra {abra_argv.words(line)}: {_last_line(completed)}")

    def _abra(self, line: abra_argv.AbraLine, app: App) -> Completed:
        completed = self._tried(line, app.stack_name)
        if not completed.ok:
            raise InfrastructureError(f"abra {abra_argv.words(line)}: {app.domain}: {_last_line(completed)}")
        return completed

    def _tried(self, line: abra_argv.AbraLine, stack_name: str) -> Completed:
        place = {"ABRA_DIR": str(self._home / stack_name), "TERM": "dumb", "NO_COLOR": "1"}
        env = {**self._engine.environment, **place}
        with self._span(f"abra {abra_argv.words(line)}"):
            return self._runner(abra_argv.on_a_terminal(line), env=env, timeout=LONGEST)

    def _env_file(self, app: App) -> Path:
        return self._home / app.stack_name / "servers" / abra_argv.SERVER / f"{app.domain}.env"


def abra_is_there() -> bool:
    return shutil.which(abra_argv.ABRA) is not None


def require_abra() -> None:
    """Raise UsageError where there is no abra to drive."""
    if not abra_is_there():
        raise UsageError(
            "lever deploy.driver=abra: abra is not on PATH; install it, or use deploy.driver=stack"
        )


def env_text(env: Mapping[str, str]) -> str:
    """An env file whose values are taken as they are: between single quotes nothing is replaced.

    Raises UsageError for a value that holds both a single quote and what double quotes would change.
    """
    return "".join(f"{name}={_quoted(name, value)}\n" for name, value in sorted(env.items()))


def _quoted(name: str, value: str) -> str:
    if "'" not in value:
        return f"'{value}'"
    if set(value) & set('"$\\\n'):
        raise UsageError(
            f"{name}: {value!r}: abra's env file can't hold such a value; use the lever deploy.driver=stack"
        )
    return f'"{value}"'


def generated(output: str) -> dict[str, str]:
    """Names and values from abra's machine output, which comes after whatever else a terminal shows."""
    start = output.find("[")
    rows: list[dict[str, Any]] = []
    with contextlib.suppress(msgspec.DecodeError):
        rows = msgspec.json.decode(output[start : output.rfind("]") + 1], type=list[dict[str, Any]])
    plain = [{key.lower(): str(value) for key, value in row.items()} for row in rows]
    return {row["name"]: row["value"] for row in plain if {"name", "value"} <= row.keys()}


def _last_line(completed: Completed) -> str:
    lines = (completed.stderr.strip() or completed.stdout.strip() or "no output").splitlines()
    return f"exit {completed.returncode}: {lines[-1].strip()}"
