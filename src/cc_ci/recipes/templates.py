"""Configs that Swarm fills in (`template_driver: golang`): those few actions that recipes use. Pure.

Swarm renders them inside a task; a plain container needs them rendered before. Actions: env, secret, a string
as it is, and `if eq (env "X") "Y"` to `end`, without else and not nested.
"""

import re
from collections.abc import Callable, Mapping

from cc_ci.errors import UsageError

TEXT = r'"(?:[^"\\]|\\.)*"'
ACTION = re.compile(rf"\{{\{{(-?)\s*((?:{TEXT}|[^\"{{}}])*?)\s*(-?)\}}\}}")
CALL = re.compile(rf"(env|secret)\s+({TEXT})")
CONDITION = re.compile(rf"if\s+eq\s+\(env\s+({TEXT})\)\s+({TEXT})")


def rendered(text: str, *, env: Mapping[str, str], secret: Callable[[str], str], where: str) -> str:
    """The text with its actions carried out. Raises UsageError, naming `where`, for one not known here."""
    out: list[str] = []
    shown, at = True, 0
    for action in ACTION.finditer(text):
        before = text[at : action.start()]
        out.append((before.rstrip() if action[1] else before) if shown else "")
        at = action.end() + (len(text[action.end() :]) - len(text[action.end() :].lstrip())) * bool(action[3])
        if condition := CONDITION.fullmatch(action[2]):
            shown = env.get(_text(condition[1]), "") == _text(condition[2])
        elif action[2] == "end":
            shown = True
        elif shown:
            out.append(_value(action[2], env=env, secret=secret, where=where))
    return "".join([*out, text[at:] if shown else ""])


def _value(action: str, *, env: Mapping[str, str], secret: Callable[[str], str], where: str) -> str:
    if re.fullmatch(TEXT, action):
        return _text(action)
    if call := CALL.fullmatch(action):
        name = _text(call[2])
        return env.get(name, "") if call[1] == "env" else secret(name)
    raise UsageError(f"{where}: template action {action!r}: not known here; a plain container can't have it")


def _text(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted[1:-1])
