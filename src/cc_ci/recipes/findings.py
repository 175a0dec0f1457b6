"""What lint found: a rule, how bad it is, and where."""

from typing import Literal

import msgspec

from cc_ci.recipes.faults import Source

Severity = Literal["error", "warning", "unchecked"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`file` is relative to the recipe; None where nothing can be pointed at. `unchecked` is no verdict."""

    rule: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None


RULES: dict[str, tuple[Severity, str]] = {
    "C000": ("error", "compose files can be read"),
    "R001": ("warning", "compose version is 3.8"),
    "R002": ("warning", "each service has a health check"),
    "R003": ("error", "images have a tag"),
    "R004": ("error", "no unstable tags"),
    "R005": ("error", "tags look like versions"),
    "R006": ("warning", "a version is published"),
    "R007": ("warning", "README has its metadata"),
    "R008": ("error", ".env.sample is there"),
    "R009": ("error", "one service is called app"),
    "R010": ("error", "Traefik routes to the app"),
    "R011": ("unchecked", "images are in their registries"),
    "R012": ("error", "versions of configs are in abra.sh"),
    "R013": ("unchecked", "the repository is published"),
    "R014": ("error", "tags are annotated"),
    "R015": ("warning", "secret names are short"),
    "C001": ("error", "volumes are backed up, or left out on purpose"),
    "C002": ("warning", "no plain passwords in the environment"),
    "C003": ("warning", "no ports published on the host"),
    "C004": ("warning", "no health check commented out"),
    "C005": ("warning", "no start-first with a data volume"),
    "C006": ("warning", "no backup label outside of the format"),
    "C007": ("error", "the version label is bumped"),
}


def found(
    rule: str,
    message: str,
    source: Source | None = None,
    *,
    severity: Severity | None = None,
    file: str | None = None,
) -> Finding:
    """A finding of `rule`, as bad as the rule is unless told otherwise."""
    return Finding(
        rule=rule,
        severity=severity or RULES[rule][0],
        message=message,
        file=source.file if source else file,
        line=source.line if source else None,
    )
