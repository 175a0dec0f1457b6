"""`abra.sh`: its exports and the names of its functions, by reading; it is never run."""

import re

import msgspec

from cc_ci.recipes.env_sample import Allowance, expand
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.system.printable import one_line

TELLING = re.compile("[{}]|export")
"""What a line that matters here has at least: to look at every line more closely takes too long."""
EXPORT = re.compile(r"\s*export\s+(.*)")
PAIR = re.compile(r"(?<!\w)([A-Za-z_]\w*)=(\"(?:\\.|[^\"\\])*\"|'[^']*'|[^\s;#&|]*)\s*")
FUNCTION = re.compile(
    r"^[ \t]*(?:function[ \t]+([\w:-]{1,128})|([\w:-]{1,128})[ \t]*\([ \t]*\))", re.MULTILINE | re.ASCII
)


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What abra.sh gives: exports, the line of each, and function names in their order."""

    exports: dict[str, str] = {}
    lines: dict[str, int] = {}
    functions: tuple[str, ...] = ()


def read_script(text: str, *, name: str = "abra.sh") -> Script:
    """Take `export KEY=value` lines outside of functions. Raises RecipeError for one that needs a shell."""
    exports: dict[str, str] = {}
    lines: dict[str, int] = {}
    allowance = Allowance()
    depth = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not TELLING.search(line):
            continue
        if depth == 0 and (export := EXPORT.match(line)):
            for key, value in PAIR.findall(export[1]):
                source = Source(file=name, line=number)
                exports[key] = allowance.take(
                    key, _value(value, exports, key=key, source=source), source=source
                )
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
            f"{key}: {one_line(written, most=80)} needs a shell, and abra.sh is only read; write it out",
            source=source,
        )
    return expand(text, exports, key=key, source=source)
