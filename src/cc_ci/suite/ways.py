"""The ways in which a suite has its recipe deployed: as it is, wired to its provider, and in each variant."""

import contextlib
from collections.abc import Iterator

import msgspec

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.providers.api import SignOn
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure, run_values
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.suite.facts import Suite

PROVIDER = "https://provider.example.com"
ANY_SIGN_ON = SignOn(
    provider="any",
    provider_url=PROVIDER,
    issuer=f"{PROVIDER}/realms/any",
    realm="any",
    client_id="any",
    client_secret="any",  # noqa: S106 - of no client that there is
    username="any",
    password="any",  # noqa: S106 - of nobody
    email="any@example.com",
)
"""For a recipe that is only read: what the wiring switches on counts, and the values do not."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """`variant` is None for the recipe without one."""

    variant: str | None
    app: App
    stack: Stack


def ways(suite: Suite, recipe: Recipe, *, domain: str) -> tuple[Way, ...]:
    """All of them, the one without a variant first.

    Raises RecipeError, and UsageError for a variant's file that is not there.
    """
    return tuple(_way(suite, recipe, variant, domain=domain) for variant in (None, *suite.variants))


def readable_ways(suite: Suite, recipe: Recipe, *, domain: str) -> Iterator[Way]:
    """Those that this version of the recipe has: an older one may lack a variant's file."""
    for variant in (None, *suite.variants):
        with contextlib.suppress(RecipeError, UsageError, InfrastructureError):
            yield _way(suite, recipe, variant, domain=domain)


def _way(suite: Suite, recipe: Recipe, variant: str | None, *, domain: str) -> Way:
    sign_on = ANY_SIGN_ON if suite.needs else None
    env = suite.env_for(variant, values=run_values(domain), sign_on=sign_on)
    files = suite.variant(variant).compose_files if variant else None
    app = configure(recipe, domain=domain, overrides=env, variant=files)
    return Way(variant=variant, app=app, stack=read_stack(app))
