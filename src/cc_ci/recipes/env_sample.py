"""`.env.sample`: lines of KEY=value, evaluated in their order, so that COMPOSE_FILE can accumulate. Pure."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from cc_ci.recipes.faults import RecipeError, Source

ASSIGNMENT = re.compile(
    r"(?P<off>#\s*)?(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.]*)\s*=(?P<rest>.*)", re.DOTALL
)
REFERENCE = re.compile(
    r"\\(?P<escaped>[\\$\"])|(?P<dollar>\$\$)"
    r"|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<rule>:?[-?])(?P<text>[^}]*))?\})"
)
MODIFIER = re.compile(r"\b(length|charset|generate)=(\S+)")


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `value` is as written, without its quotes; `off` marks a line that is commented out."""

    key: str
    value: str
    quote: str
    comment: str
    line: int
    off: bool = False

    @property
    def modifiers(self) -> dict[str, str]:
        """`length=64 charset=hex` in the trailing comment."""
        return dict(MODIFIER.findall(self.comment))


def read_assignments(text: str, *, name: str = ".env.sample") -> tuple[Assignment, ...]:
    """All assignments, those commented out included. Raises RecipeError for a line that is none."""
    return tuple(_assignments(text.removeprefix("\ufeff").splitlines(), name))


def _assignments(lines: list[str], name: str) -> Iterator[Assignment]:
    number = 0
    while number < len(lines):
        first, line = number + 1, lines[number].strip()
        number += 1
        if not line:
            continue
        match = ASSIGNMENT.fullmatch(line)
        if match is None or (match["off"] and "#" in match["off"][1:]):
            if line.startswith("#"):
                continue
            raise RecipeError(
                f"{_shown(line)} is no KEY=value; comment it out", source=Source(file=name, line=first)
            )
        rest = match["rest"].strip()
        # a quoted value may go on over lines, a commented one never does
        while not match["off"] and _open(rest) and number < len(lines):
            rest, number = f"{rest}\n{lines[number]}", number + 1
        if _open(rest) and not match["off"]:
            fault = f"{match['key']}: its quote is not closed"
            raise RecipeError(fault, source=Source(file=name, line=first))
        value, quote, comment = _split(rest)
        yield Assignment(
            key=match["key"], value=value, quote=quote, comment=comment, line=first, off=bool(match["off"])
        )


def _shown(line: str) -> str:
    return repr(line if len(line) < 60 else f"{line[:57]}...")  # noqa: PLR2004 - fits a line


def _open(rest: str) -> bool:
    return rest[:1] in ("'", '"') and _end(rest) is None


def _end(rest: str) -> int | None:
    """Where the quote that `rest` begins with is closed."""
    match = re.match(r'"(?:\\.|[^"\\])*"|\'[^\']*\'', rest, re.DOTALL)
    return match.end() if match else None


def _split(rest: str) -> tuple[str, str, str]:
    """Value, quote, trailing comment. A `#` begins a comment at the start and after a space only."""
    end = _end(rest) if rest[:1] in ("'", '"') else None
    if end is None:
        value, _, comment = re.sub(r"(^|\s)#", "\0", rest, count=1).partition("\0")
        return value.rstrip(), "", comment.strip()
    tail = rest[end:].strip()
    if tail and not tail.startswith("#"):
        # 'a'"b" and the like: what a shell would join; kept as it stands rather than cut
        return rest, "", ""
    return rest[1 : end - 1], rest[0], tail.lstrip("# ")


def evaluate(assignments: tuple[Assignment, ...], overrides: Mapping[str, str]) -> dict[str, str]:
    """Evaluate in order; a key of `overrides` has that value wherever it is assigned, and from the start."""
    env = dict(overrides)
    for assignment in assignments:
        if not assignment.off and assignment.key not in overrides:
            env[assignment.key] = _evaluated(assignment, env)
    return env


def _evaluated(assignment: Assignment, env: Mapping[str, str]) -> str:
    return assignment.value if assignment.quote == "'" else expand(assignment.value, env)


def expand(text: str, env: Mapping[str, str]) -> str:
    """Fill in $VAR, ${VAR}, ${VAR:-default} and ${VAR-default}; what is not set is empty; $$ is a $."""

    def filled(match: re.Match[str]) -> str:
        if match["escaped"] or match["dollar"]:
            return match["escaped"] or "$"
        value = env.get(match["name"] or match["braced"])
        rule = match["rule"] or ""
        missing = not value if rule.startswith(":") else value is None
        return match["text"] if missing and rule.endswith("-") else value or ""

    return REFERENCE.sub(filled, text)
