"""Whose fault a failed `docker stack deploy` is, and where in the recipe."""

import re
from pathlib import Path

from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack
from cc_ci.system.printable import one_line
from cc_ci.system.process import Completed

OURS = re.compile(
    r"cannot connect to the docker daemon|error during connect|connection refused|context deadline exceeded"
    r"|not a swarm manager|code = (unavailable|deadlineexceeded|internal)|update out of sequence"
    r"|declared as external, but could not be found|no space left on device|permission denied",
    re.IGNORECASE,
)
CHANGED_CONFIG = re.compile(
    r"failed to update (config|secret) (\S+?):.*only updates to Labels are allowed", re.DOTALL
)
TAKEN_PORT = re.compile(r"port '(\d+)' is already in use by service '([^']+)'")
MISSING_SECRET = re.compile(r"(?:secret|config) not found: (\S+)")


def deploy_error(completed: Completed, stack: Stack | None, app: App) -> StageFailed | InfrastructureError:
    """Translate what the docker client said, once."""
    said = completed.stderr.strip() or completed.stdout.strip() or "no output"
    if changed := CHANGED_CONFIG.search(said):
        return _changed(changed[1], changed[2], stack)
    if taken := TAKEN_PORT.search(said):
        return StageFailed(f"port {taken[1]}: is taken by service {taken[2]}; a recipe should publish none")
    if missing := MISSING_SECRET.search(said):
        return StageFailed(f"{missing[1]}: external, and does not exist; give it a version in .env.sample")
    last = one_line(said.splitlines()[-1])
    if OURS.search(said):
        return InfrastructureError(f"docker stack deploy {app.stack_name}: {last}")
    return StageFailed(f"recipe {app.recipe.name}: docker stack deploy refuses it: {last}")


def _changed(kind: str, name: str, stack: Stack | None) -> StageFailed:
    """The recipe changed a config's content and kept its name, which Swarm can't replace."""
    entries = getattr(stack, f"{kind}s", {})
    key = next((key for key, entry in entries.items() if entry.name == name), None)
    fault = f"the content changed but the name {name} did not; raise its version in abra.sh"
    if stack is None or key is None:
        return StageFailed(f"{kind} {name}: {fault}")
    return stack.fault(f"{kind}s.{key}", f"{Path(entries[key].file or '').name}: {fault}")
