"""`abra.sh`: its exports and the names of its functions, by reading; it is never run."""

import re

import msgspec

from cc_ci.recipes.env_sample import expand
from cc_ci.recipes.faults import RecipeError, Source

EXPORT = re.compile(r"\s*export\s+(.*)")
PAIR = re.compile(r"([A-Za-z_]\w*)=(\"(?:\\.|[^\"\\])*\"|'[^']*'|[^\s;#&|]*)\s*")
FUNCTION = re.compile(r"^\s*(?:function\s+([\w:-]+)\s*(?:\(\s*\))?|([\w:-]+)\s*\(\s*\))\s*\{?", re.MULTILINE)


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What abra.sh gives: exports, the line of each, and function names in their order."""

    exports: dict[str, str] = {}
    lines: dict[str, int] = {}
    functions: tuple[str, ...] = ()


def read_script(text: str, *, name: str = "abra.sh") -> Script:
    """Take `export KEY=value` lines outside of functions. Raises RecipeError for one that needs a shell."""
    exports: dict[str, str] = {}
    lines: dict[str, int] = {}
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and (export := EXPORT.match(line)):
            for key, value in PAIR.findall(export[1]):
                exports[key] = _value(value, exports, key=key, source=Source(file=name, line=number))
                lines[key] = number
        depth = max(0, depth + _braces(line))
    functions = tuple(one or other for one, other in FUNCTION.findall(text))
    return Script(exports=exports, lines=lines, functions=functions)


def _braces(line: str) -> int:
    """How many bodies of functions a line opens or closes: a brace of a variable is none."""
    opened = bool(re.search(r"(\(\s*\)|^\s*function\s+\S+|^)\s*\{\s*(#.*)?$", line))
    return opened - bool(re.match(r"\}\s*(#.*)?$", line))


def _value(written: str, exports: dict[str, str], *, key: str, source: Source) -> str:
    if written.startswith("'"):
        return written[1:-1]
    text = written[1:-1] if written.startswith('"') else written
    if "`" in text or "$(" in text:
        raise RecipeError(
            f"{key}: {written} needs a shell, and abra.sh is only read; write it out", source=source
        )
    return expand(text, exports)
