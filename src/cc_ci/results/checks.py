"""What a result must keep to besides its schema: its seconds have names."""

from cc_ci.results.schema import (
    Warn,
)
from cc_ci.timing.critical_path import PhaseTable

UNATTRIBUTED_LIMIT = 0.02
OVERHEAD_LIMIT = 0.05
"""Of a run's wall time, overhead and unattributed together."""


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
