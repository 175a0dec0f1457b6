"""What a result must keep to besides its schema: nulls explained, and seconds that have names."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from cc_ci.results.schema import (
    Environment,
    Harness,
    ImageTransfer,
    RecipeUnderTest,
    RunResult,
    ServiceImage,
    Warn,
)
from cc_ci.timing.critical_path import PhaseTable
from cc_ci.timing.resources import Pressure, Usage

UNATTRIBUTED_LIMIT = 0.02
OVERHEAD_LIMIT = 0.05
"""Of a run's wall time, overhead and unattributed together."""

MEASURED = (Environment, Harness, ImageTransfer, Pressure, RecipeUnderTest, ServiceImage, Usage)
"""In these, None means that a value could not be had; elsewhere it means that there is none."""


def unexplained(result: RunResult) -> tuple[str, ...]:
    """The paths of values that are null for no reason given in `missing`."""
    reasons = tuple(result.missing)
    return tuple(
        path for path in _nulls(result, "") if not any(fnmatchcase(path, pattern) for pattern in reasons)
    )


def _nulls(value: object, path: str) -> Iterator[str]:
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _nulls(item, f"{path}.{number}")
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            item, inner = getattr(value, field), f"{path}.{field}".lstrip(".")
            if item is None and isinstance(value, MEASURED):
                yield inner
            yield from _nulls(item, inner)


def phase_warnings(table: PhaseTable) -> tuple[Warn, ...]:
    """Warn of a run whose seconds are not named, or spent on itself."""
    named = ", ".join(f"{part.name} {part.seconds:.2f} s" for part in table.overhead[:3]) or "none"
    overhead = table.wall("overhead") / table.total_seconds if table.total_seconds else 0.0
    both = overhead + table.unattributed_share
    warnings = []
    if table.unattributed_share >= UNATTRIBUTED_LIMIT:
        seconds = f"{table.unattributed_seconds:.2f} s"
        message = (
            f"unattributed: {table.unattributed_share:.1%} ({seconds}), not under 2 %; give the gaps a span"
        )
        warnings.append(Warn(code="unattributed", message=message))
    if both > OVERHEAD_LIMIT:
        message = f"overhead and unattributed: {both:.1%}, over 5 %; largest overhead: {named}"
        warnings.append(Warn(code="overhead", message=message))
    return tuple(warnings)
