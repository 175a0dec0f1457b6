"""`.env.sample`: lines of KEY=value, evaluated in their order, so that COMPOSE_FILE can accumulate. Pure."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.system.printable import quoted

ASSIGNMENT = re.compile(
    r"(?P<off>#\s*)?(?:export\s+)?(?P<key>[A-Za-z_][A-Za-z0-9_.]*)\s*=(?P<rest>.*)", re.DOTALL
)
REFERENCE = re.compile(
    r"\\(?P<escaped>[\\$\"])|(?P<dollar>\$\$)"
    # without a bound, a text of nothing but `${A:-` would be read to its end from each of them
    r"|\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?:(?P<rule>:?[-?])(?P<text>[^}]{0,256}))?\})"
)
CLOSED = {"'": re.compile(r"[^']*'"), '"': re.compile(r'(?:\\.|[^"\\])*"')}
"""What a line that goes on with a quoted value begins with if its quote is closed there."""
LONGEST = 64 * 1024
"""Characters of one value; half of what Linux takes as one variable of a program (MAX_ARG_STRLEN)."""
MOST_TEXT = 1024 * 1024
"""Characters of all values together; half of what it takes in all (ARG_MAX)."""
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
    return tuple(_assignments(text.removeprefix("\ufeff").split("\n"), name))


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
                f"{quoted(line)} is no KEY=value; comment it out", source=Source(file=name, line=first)
            )
        rest = match["rest"].strip()
        # a quoted value may go on over lines, a commented one never does
        if not match["off"] and _open(rest):
            end = next((at for at in range(number, len(lines)) if CLOSED[rest[0]].match(lines[at])), None)
            if end is None:
                fault = f"{match['key']}: its quote is not closed"
                raise RecipeError(fault, source=Source(file=name, line=first))
            rest, number = "\n".join([rest, *lines[number : end + 1]]), end + 1
        value, quote, comment = _split(rest)
        if len(value) > LONGEST:
            raise _too_long(match["key"], source=Source(file=name, line=first))
        yield Assignment(
            key=match["key"], value=value, quote=quote, comment=comment, line=first, off=bool(match["off"])
        )


def _too_long(key: str, *, source: Source) -> RecipeError:
    return RecipeError(f"{key}: its value is longer than {LONGEST} characters", source=source)


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
    allowance = Allowance()
    for assignment in assignments:
        if not assignment.off and assignment.key not in overrides:
            source = Source(file=".env.sample", line=assignment.line)
            value = _evaluated(assignment, env, source=source)
            env[assignment.key] = allowance.take(assignment.key, value, source=source)
    return env


class Allowance:
    """What the values of one file may come to, together."""

    def __init__(self) -> None:
        self._left = MOST_TEXT

    def take(self, key: str, value: str, *, source: Source) -> str:
        """Hand `value` back, or raise RecipeError for the one that is too much."""
        self._left -= len(value)
        if self._left < 0:
            fault = f"{key}: with it all values are longer than {MOST_TEXT} characters"
            raise RecipeError(fault, source=source)
        return value


def _evaluated(assignment: Assignment, env: Mapping[str, str], *, source: Source) -> str:
    if assignment.quote == "'":
        return assignment.value
    return expand(assignment.value, env, key=assignment.key, source=source)


def expand(text: str, env: Mapping[str, str], *, key: str, source: Source) -> str:
    """Fill in $VAR, ${VAR}, ${VAR:-default} and ${VAR-default}; what is not set is empty; $$ is a $.

    Raises RecipeError, as soon as it is, for a value of `key` that gets too long: each line of `A="$A$A"`
    makes it twice as long.
    """
    room = LONGEST - len(text)

    def filled(match: re.Match[str]) -> str:
        nonlocal room
        value = _value(match, env)
        room -= len(value)
        if room < 0:
            raise _too_long(key, source=source)
        return value

    return REFERENCE.sub(filled, text)


def _value(match: re.Match[str], env: Mapping[str, str]) -> str:
    if match["escaped"] or match["dollar"]:
        return match["escaped"] or "$"
    value = env.get(match["name"] or match["braced"])
    rule = match["rule"] or ""
    missing = not value if rule.startswith(":") else value is None
    return match["text"] if missing and rule.endswith("-") else value or ""
