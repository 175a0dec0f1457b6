"""What spans were of when only their names told, in version 1 of results.json; nothing else parses names."""

import re
from typing import Any, NamedTuple

from cc_ci.timing import actions
from cc_ci.timing.spans import SpanKind

STEP = re.compile(
    r"(?:install|upgrade|backup|restore|functional|sso|teardown):"
    r" (pull|provide|prepare|deploy|check|seed|upgrade|verify upgrade|backup|overwrite|restore|redeploy"
    r"|verify restore|test|undeploy|withdraw|leak check)(?: \([^)]*\))?"
)
REMOVAL_PART = re.compile(
    r"(remove the stack|undeploy, volumes stay): until (.+) (is told to stop|has ended)"
)
OF_SERVICE = re.compile(r"([^:]+): (.+)")
WHOLE: dict[str, tuple[SpanKind, str]] = {
    "remove the stack": ("wait", actions.REMOVE),
    "undeploy, volumes stay": ("wait", actions.REMOVE_TO_REDEPLOY),
    "stop gracefully": ("call", actions.STOP_CONTAINERS),
    "join the proxy to the deployment's network": ("call", actions.JOIN_PROXY),
    "docker stack deploy": ("wait", actions.STACK_DEPLOY),
    "converge": ("wait", actions.CONVERGE),
    "ready": ("wait", actions.READY),
    "backup": ("wait", actions.DATA),
    "restore": ("wait", actions.DATA),
    "suite": ("wait", actions.SUITE),
}
BEGINNINGS: dict[str, tuple[SpanKind, str | None]] = {
    "test ": ("test", None),
    "pull ": ("pull", None),
    "ready: ": ("sign", None),
    "hold: ": ("wait", actions.HOLD),
    "poll_slack": ("wait", actions.POLL_SLACK),
}
PARTS: dict[str, tuple[SpanKind, str]] = {
    "schedule": ("call", actions.SCHEDULE),
    "prepare": ("call", actions.PREPARE_TASK),
    "create container": ("call", actions.CREATE_CONTAINER),
    "boot": ("call", actions.BOOT),
    "boot until healthy": ("call", actions.BOOT_HEALTHY),
    "report to the manager": ("call", actions.REPORT),
    "tries that ended": ("call", actions.FAILED_STARTS),
    "wait out the restart's delay": ("call", actions.RESTART_DELAY),
    "before its health check's first look": ("wait", actions.FIRST_LOOK),
    "until its health check last said no": ("wait", actions.SAID_NO),
    "between two looks of its health check": ("wait", actions.BETWEEN_LOOKS),
}


class Told(NamedTuple):
    kind: SpanKind
    action: str | None = None
    service: str | None = None


def told_by(name: str, *, waits_for: str | None) -> Told:
    """What a span of that name was of."""
    if step := STEP.fullmatch(name):
        return Told("step", step[1].replace(" ", "_"))
    if name in WHOLE:
        return Told(*WHOLE[name])
    if begun := next((name_ for name_ in BEGINNINGS if name.startswith(name_)), None):
        return Told(*BEGINNINGS[begun])
    return _of_service(name) or Told("wait" if waits_for else "call")


def _of_service(name: str) -> Told | None:
    if part := REMOVAL_PART.fullmatch(name):
        removal = actions.REMOVE if part[1] == "remove the stack" else actions.REMOVE_TO_REDEPLOY
        until = actions.UNTIL_TOLD if part[3] == "is told to stop" else actions.UNTIL_ENDED
        return Told("wait", actions.of_removal(removal, until), part[2])
    of = OF_SERVICE.fullmatch(name)
    if of and of[2] in PARTS:
        return Told(*PARTS[of[2]], of[1])
    if of and of[2].endswith(" was healthy"):
        return Told("wait", actions.OTHER_HEALTHY, of[1])
    return None


def with_kinds(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Spans that say what they are of, each inside its parent."""
    known: dict[int, dict[str, Any]] = {}
    for span in spans:
        attributes = span.get("attributes", {})
        told = told_by(str(span.get("name")), waits_for=attributes.get("waits_for"))
        service = (
            {} if told.service is None else {"attributes": {**attributes, actions.SERVICE: told.service}}
        )
        whole = {**span, "kind": told.kind, "action": told.action, **service}
        known[whole["id"]] = _inside(whole, known.get(span.get("parent") or 0))
    return list(known.values())


def _inside(span: dict[str, Any], above: dict[str, Any] | None) -> dict[str, Any]:
    """An engine's stamp may lie before its parent's start."""
    if above is None:
        return span
    start = max(span["start"], above["start"])
    end = span.get("end")
    if end is not None:
        last = end if above.get("end") is None else min(end, above["end"])
        end = max(start, last)
        start = min(start, end)
    return {**span, "start": start, "end": end}


def part_with_kind(part: dict[str, Any]) -> dict[str, Any]:
    """A part of a path, of version 1, that says what it is of."""
    if part.get("name") is None:
        return part
    told = told_by(part["name"], waits_for=part.get("waits_for"))
    return {**part, **told._asdict()}
