"""What lint is told to pass over, each with its reason: a file in the recipe, or one beside a catalogue.

```toml
[[ignore]]
rule = "C003"
key = "services.app.ports.22" # optional; without it, all findings of the rule
reason = "git over ssh has to be on this port"
```
"""

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from cc_ci.recipes.faults import Source
from cc_ci.recipes.linting.findings import RULES, Finding, found
from cc_ci.recipes.recipe import read_text

FILE = ".cc-ci-lint.toml"
Said = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Ignore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, at one place or everywhere, and why it does not matter there."""

    rule: str
    reason: Said
    key: str | None = None

    def covers(self, finding: Finding) -> bool:
        return finding.rule == self.rule and self.key in (None, finding.key)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ignore: tuple[Ignore, ...] = ()


class Ignores(msgspec.Struct, frozen=True, kw_only=True):
    """`faults` are findings about the file itself."""

    entries: tuple[Ignore, ...] = ()
    faults: tuple[Finding, ...] = ()


def own_ignores(root: Path) -> Ignores:
    """Those of the recipe's own file; none where it has none."""
    return read_ignores(read_text(root, FILE), name=FILE)


def read_ignores(text: str, *, name: str) -> Ignores:
    """Read the text of one file. What is wrong with it is a finding, and nothing is ignored then."""
    try:
        entries = msgspec.convert(tomllib.loads(text), _File).ignore
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        said = " ".join(str(error).split()) or "nested too deeply"
        return Ignores(faults=(found("C019", f"can't be read: {said}", Source(file=name, line=1)),))
    unknown = [one.rule for one in entries if one.rule not in RULES]
    return Ignores(
        entries=entries,
        faults=tuple(found("C019", f"there is no rule {rule!r}", file=name) for rule in unknown),
    )


def sifted(findings: Iterable[Finding], ignores: Iterable[Ignore]) -> tuple[list[Finding], list[Finding]]:
    """The findings that stay, and those that an entry covers."""
    listed = tuple(ignores)
    stay: list[Finding] = []
    gone: list[Finding] = []
    for finding in findings:
        (gone if any(one.covers(finding) for one in listed) else stay).append(finding)
    return stay, gone


def baseline(findings: Iterable[Finding], *, reason: str) -> str:
    """A file that passes over all of `findings`, so that a catalogue can start from what is there."""
    return "\n".join(line for finding in findings for line in _entry(finding, reason))


def _entry(finding: Finding, reason: str) -> Iterator[str]:
    yield "[[ignore]]"
    yield f"rule = {_quoted(finding.rule)}"
    if finding.key:
        yield f"key = {_quoted(finding.key)}"
    yield f"reason = {_quoted(reason)}"
    yield ""


def _quoted(text: str) -> str:
    # a JSON string is a TOML string, too
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
