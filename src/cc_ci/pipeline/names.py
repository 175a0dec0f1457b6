"""Names of runs and of the domains that their apps get."""

import re
import secrets
import time

from cc_ci.pipeline.plan import Plan
from cc_ci.recipes.configuring import stack_name_of
from cc_ci.system.units import EpochSeconds

UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
"""What the name of a run, which is a folder's, has none of."""


def run_id(recipe: str, *, now: EpochSeconds) -> str:
    """`custom-html-20260131-120000-1a2b`: sorts by time, and unique by its tail."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{UNFIT.sub('-', recipe)[:64].strip('-.')}-{stamp}-{secrets.token_hex(2)}"


def own_stack_names(plan: Plan, recipe: str, *, ci_domain: str) -> dict[str, str]:
    """Stack names of twins that are there with their origin: as short as any, since lengths have limits."""
    return {
        made.name: stack_name_of(app_domain(recipe, ci_domain=ci_domain))
        for made in plan.deployments
        if made.beside
    }


def app_domain(recipe: str, *, ci_domain: str) -> str:
    """RECIPE[:4]-6HEX.CI-DOMAIN: short, since Swarm names (configs and secrets too) end at 64 characters."""
    head = re.sub(r"[^a-z0-9]+", "-", recipe.lower())[:4].strip("-") or "app"
    return f"{head}-{secrets.token_hex(3)}.{ci_domain}"


def domains(plan: Plan, recipe: str, *, ci_domain: str) -> dict[str, str]:
    """A domain for each deployment but twins, which have that of their origin."""
    return {
        planned.name: app_domain(recipe, ci_domain=ci_domain)
        for planned in plan.deployments
        if planned.twin_of is None
    }
