"""Make an app of a recipe: its environment, its compose files, and what they ask for."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.recipes.app import DEFAULT_TIMEOUT, App
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.env_sample import evaluate, read_assignments
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.recipe import COMPOSE, MOST_COMPOSE_FILES, Recipe, inside
from cc_ci.recipes.secret_specs import secret_specs
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.system.printable import quoted
from cc_ci.system.units import Seconds

LONGEST_TIMEOUT = 24 * 3600
"""Seconds that an app may take to come up, as its recipe sees it; a run's own deadline is shorter."""
EXAMPLE_DOMAIN = re.compile(r"\{\{\s*\.Domain\s*\}\}")


def run_values(domain: str, *, stack_name: str | None = None) -> dict[str, str]:
    """What a run decides for an app, by the names that compose files have for it."""
    return {"DOMAIN": domain, "STACK_NAME": stack_name or stack_name_of(domain)}


def stack_name_of(domain: str) -> str:
    """As abra names the stack of an app that is called by its domain."""
    return domain.replace(".", "_")


def configure(
    recipe: Recipe,
    *,
    domain: str,
    overrides: Mapping[str, str] = {},
    variant: Sequence[str] | None = None,
    stack_name: str | None = None,
) -> App:
    """Make an app of a recipe. `variant` names compose files in the place of COMPOSE_FILE's.

    `stack_name` is by default the domain's. Raises UsageError for a variant's file that is not there,
    RecipeError for the rest.
    """
    with understanding(f"recipe {recipe.name}"):
        name = stack_name or stack_name_of(domain)
        return _configured(recipe, domain=domain, overrides=overrides, variant=variant, stack_name=name)


def _configured(
    recipe: Recipe,
    *,
    domain: str,
    overrides: Mapping[str, str],
    variant: Sequence[str] | None,
    stack_name: str,
) -> App:
    env = app_env(recipe, domain=domain, overrides={**overrides, "STACK_NAME": stack_name})
    names = tuple(variant) if variant is not None else _chosen(recipe, env)
    draft = App(
        recipe=recipe,
        domain=domain,
        stack_name=stack_name,
        env={**env, "COMPOSE_FILE": ":".join(names)},
        compose_files=tuple(_path(recipe, name, told=variant is not None) for name in names),
    )
    stack = read_stack(draft)
    return msgspec.structs.replace(
        draft,
        secrets=secret_specs(recipe, stack),
        version=version_label(stack),
        timeout=_timeout(stack),
    )


def app_env(recipe: Recipe, *, domain: str, overrides: Mapping[str, str]) -> dict[str, str]:
    """.env.sample as `abra app new` fills it in, evaluated, and over it what abra.sh exports."""
    sample = recipe.env_sample.replace(f"{recipe.name}.example.com", domain)
    assignments = read_assignments(EXAMPLE_DOMAIN.sub(lambda _found: domain, sample))
    return {**evaluate(assignments, {**overrides, "DOMAIN": domain}), **recipe.exports}


def _chosen(recipe: Recipe, env: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in env.get("COMPOSE_FILE", "").split(":") if name))
    if len(names) > MOST_COMPOSE_FILES:
        fault = f"COMPOSE_FILE: names {len(names)} files; more than {MOST_COMPOSE_FILES}"
        raise RecipeError(fault, source=_source(recipe, "COMPOSE_FILE"))
    return names or (COMPOSE,)


def _source(recipe: Recipe, key: str) -> Source | None:
    assignment = recipe.assignment(key)
    return Source(file=".env.sample", line=assignment.line) if assignment else None


def _path(recipe: Recipe, name: str, *, told: bool) -> Path:
    path = inside(recipe.root, name)
    if path.is_file():
        return path
    there = ", ".join(str(file.relative_to(recipe.root)) for file in recipe.compose_files)
    if told:
        raise UsageError(f"{name}: {recipe.name} has no such compose file; there are {there}")
    fault = f"COMPOSE_FILE: {name} is not in the recipe; there are {there}"
    raise RecipeError(fault, source=_source(recipe, "COMPOSE_FILE"))


def coop_cloud_labels(stack: Stack, name: str) -> dict[str, str]:
    """A label such as coop-cloud.STACK.version by service, `app` first; in 2021 it named the service, too."""
    services = sorted(stack.services.values(), key=lambda service: service.name != "app")
    plain = f"coop-cloud.{stack.name}.{name}"
    found = {
        one.name: one.labels.get(plain, one.labels.get(f"coop-cloud.{stack.name}.{one.name}.{name}"))
        for one in services
    }
    return {service: text for service, text in found.items() if text is not None}


def version_label(stack: Stack) -> str | None:
    """The version that the labels give: service app's, else the first that is not empty."""
    return next((text for text in coop_cloud_labels(stack, "version").values() if text), None)


def _timeout(stack: Stack) -> Seconds:
    for service, text in coop_cloud_labels(stack, "timeout").items():
        if not text:
            continue
        if not re.fullmatch(r"[0-9]{1,9}", text) or not 0 < int(text) <= LONGEST_TIMEOUT:
            key = f"services.{service}.deploy.labels.coop-cloud.{stack.name}.timeout"
            wanted = f"a number of seconds from 1 to {LONGEST_TIMEOUT}"
            raise stack.fault(key, f"{quoted(text)} is not {wanted}")
        return float(text)
    return DEFAULT_TIMEOUT
