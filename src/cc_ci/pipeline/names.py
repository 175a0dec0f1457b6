"""Names of runs and of the domains that their apps get."""

import secrets
import time

from cc_ci.system.units import EpochSeconds


def run_id(recipe: str, *, now: EpochSeconds) -> str:
    """`custom-html-20260131-120000-1a2b`: sorts by time, and unique by its tail."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{recipe}-{stamp}-{secrets.token_hex(2)}"


def app_domain(recipe: str, *, ci_domain: str) -> str:
    """RECIPE[:4]-6HEX.CI-DOMAIN: short, since Swarm names (configs and secrets too) end at 64 characters."""
    head = recipe[:4].strip("-").lower()
    return f"{head}-{secrets.token_hex(3)}.{ci_domain}"
