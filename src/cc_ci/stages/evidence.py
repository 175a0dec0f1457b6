"""Evidence is saved before anything is removed: logs, task errors, health output, last answers.

Secrets are taken out, what is very long is cut and says so, and it is for its owner's eyes alone.
"""

import functools
from collections.abc import Callable, Sequence

import msgspec

from cc_ci.errors import CcCiError, DeadlinePassed
from cc_ci.probes.answers import Answer
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.system import stopping
from cc_ci.system.bounded import capped
from cc_ci.system.files import write_private
from cc_ci.system.units import Seconds


def keep_text(bench: Bench, deployed: Deployed, name: str, text: str) -> None:
    """Save `text` as evidence of one deployment, without the secrets learnt so far."""
    write_private(bench.evidence / deployed.name / name, capped(bench.redact(text)))


def keep_answers(bench: Bench, deployed: Deployed, answers: Sequence[Answer]) -> None:
    keep_text(bench, deployed, "last-answers.json", _json(answers))


EVIDENCE_LIMIT: Seconds = 90.0
"""For all evidence of one stack: an app may log without an end, and its removal waits for this."""


def keep_stack(bench: Bench, deployed: Deployed) -> None:
    """Save what the engine knows of a stack; what can't be saved is warned of, and hinders no removal."""
    what = f"evidence of {deployed.name}"
    try:
        with stopping.limited(EVIDENCE_LIMIT, what):
            _keep_stack(bench, deployed)
    except DeadlinePassed as late:
        stopping.current().check()
        bench.findings.warn("evidence", f"{late}; what is there is kept")
    except OSError as error:
        bench.findings.warn("evidence", f"{what}: {error.strerror}")


def _keep_stack(bench: Bench, deployed: Deployed) -> None:
    """Each part by itself, so that one trouble hides no other."""
    stack = deployed.stack.name
    _attempt(bench, deployed, "tasks.json", lambda: _json(bench.engine.stack(stack)))
    _attempt(bench, deployed, "health.json", lambda: _json(bench.engine.health(stack)))
    for service in deployed.stack.services:
        read = functools.partial(bench.engine.logs, f"{stack}_{service}")
        _attempt(bench, deployed, f"{service}.log", read)


def _attempt(bench: Bench, deployed: Deployed, name: str, read: Callable[[], str]) -> None:
    try:
        text = read()
    except CcCiError as error:
        text = f"not to be had: {error}\n"
    keep_text(bench, deployed, name, text)


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"
