"""Evidence is saved before anything is removed: logs, task errors, health output, last answers.

Secrets are taken out, what is very long is cut and says so, and it is for its owner's eyes alone.
"""

import functools
from collections.abc import Callable, Sequence

import msgspec

from cc_ci.errors import CcCiError, DeadlinePassed
from cc_ci.probes.answers import Answer
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.showing import watch
from cc_ci.system import stopping
from cc_ci.system.bounded import capped
from cc_ci.system.files import write_private
from cc_ci.system.showing import Sighting
from cc_ci.system.units import Seconds


def keep_text(bench: Bench, deployed: Deployed, name: str, text: str) -> None:
    """Save `text` as evidence of one deployment, without the secrets learnt so far."""
    write_private(bench.evidence / deployed.name / name, capped(bench.redact(text)))


def keep_answers(bench: Bench, deployed: Deployed, answers: Sequence[Answer]) -> None:
    keep_text(bench, deployed, "last-answers.json", _json(answers))


EVIDENCE_LIMIT: Seconds = 90.0
"""For all evidence of one stack: an app may log without an end, and its removal waits for this."""


def keep_stack(bench: Bench, deployed: Deployed, *, part: str = ".") -> tuple[Sighting, ...]:
    """Save what the engine knows of a stack; what can't be saved is warned of, and hinders no removal.

    `part` is a folder of its own, for what is replaced while the deployment stays. Hands back the app's
    secrets that stand in a log.
    """
    what = f"evidence of {deployed.name}"
    shown: list[Sighting] = []
    try:
        with stopping.limited(EVIDENCE_LIMIT, what):
            _keep_stack(bench, deployed, shown, part=part)
    except DeadlinePassed as late:
        stopping.current().check()
        bench.findings.warn("evidence", f"{late}; what is there is kept")
    except OSError as error:
        bench.findings.warn("evidence", f"{what}: {error.strerror}")
    return tuple(shown)


def _keep_stack(bench: Bench, deployed: Deployed, shown: list[Sighting], *, part: str) -> None:
    """Each part by itself, so that one trouble hides no other."""
    stack, looking = deployed.stack.name, watch(deployed)
    _attempt(bench, deployed, f"{part}/tasks.json", lambda: _json(bench.engine.stack(stack)))
    _attempt(bench, deployed, f"{part}/health.json", lambda: _json(bench.engine.health(stack)))
    for service in deployed.stack.services:
        read = functools.partial(bench.engine.logs, f"{stack}_{service}")
        text = _attempt(bench, deployed, f"{part}/{service}.log", read)
        shown.extend(looking.text(text, where=f"the log of {service}"))


def _attempt(bench: Bench, deployed: Deployed, name: str, read: Callable[[], str]) -> str:
    try:
        text = read()
    except CcCiError as error:
        text = f"could not be read: {error}\n"
    keep_text(bench, deployed, name, text)
    return text


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n"
