"""Numbers and names as the page says them."""

from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds

STAGES = ("install", "upgrade", "backup", "restore", "functional", "sso", "teardown")
MINUTE: Seconds = 60


def duration(seconds: Seconds) -> str:
    """22 min 45 s, or 12.3 s."""
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest:02} s"


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole > 0 else "-"


def stage_class(stage: str | None) -> str:
    """The class that colours it; what is no stage's own is grey."""
    return f"s-{stage}" if stage in STAGES else "s-none"


def versions(result: RunResult) -> str:
    known = (result.recipe.version_from, result.recipe.version_to)
    return " \N{RIGHTWARDS ARROW} ".join(version for version in known if version)
