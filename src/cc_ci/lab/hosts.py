"""Hosts come from recipes, and become parts of paths and certificates: only those that are hosts' names."""

from cc_ci.errors import StageFailed
from cc_ci.recipes.host_names import host_fault

ALL_BELOW = "*."
SHOWN = 60


def host_name(text: str) -> str:
    """The host that `text` names, in small letters. Raises StageFailed for what is no host's name."""
    if fault := host_fault(text):
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        raise StageFailed(f"host {shown!r}: not a host's name: {fault}")
    return text.lower()


def certified_name(text: str) -> str:
    """As `host_name`, but also all names right below a host: `*.HOST`."""
    below = ALL_BELOW if text.startswith(ALL_BELOW) else ""
    return below + host_name(text.removeprefix(ALL_BELOW))
