"""What lint finds, by which rule: how bad it is, why it matters and what to do about it stand there."""

from collections.abc import Mapping

import msgspec

from cc_ci.recipes.faults import Source
from cc_ci.recipes.linting.abra_rules import ABRA_RULES
from cc_ci.recipes.linting.own_rules import OWN_RULES
from cc_ci.recipes.linting.rule import Rule, Severity
from cc_ci.system.printable import one_line

LONGEST_MESSAGE = 4096

RULES: Mapping[str, Rule] = {rule.ref: rule for rule in (*ABRA_RULES, *OWN_RULES)}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `file` is relative to the recipe; `key` is the thing's place in the merged compose files."""

    rule: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file or ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} ({self.rule})"


def found(
    rule: str,
    message: str,
    source: Source | None = None,
    *,
    key: str | None = None,
    severity: Severity | None = None,
    file: str | None = None,
) -> Finding:
    """A finding of `rule`, as severe as the rule unless `severity` is given."""
    return Finding(
        rule=rule,
        severity=severity or RULES[rule].severity,
        message=one_line(message, most=LONGEST_MESSAGE),
        file=source.file if source else file,
        line=source.line if source else None,
        key=key,
    )
