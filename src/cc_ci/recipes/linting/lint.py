"""Lint a recipe: every rule over the base files, then over each compose file that the sample leaves off."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from cc_ci.errors import CcCiError
from cc_ci.recipes.app import App
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.linting import asking, data, dropped, images, names, routing, services, variables
from cc_ci.recipes.linting.findings import RULES, Finding, found
from cc_ci.recipes.linting.ignores import FILE, Ignore, own_ignores, sifted
from cc_ci.recipes.linting.repository import REPOSITORY_RULES
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.stack import Stack, read_stack

ORDER = {"error": 0, "warning": 1, "unchecked": 2}
STACK_RULES: tuple[Callable[[App, Stack], Iterator[Finding]], ...] = (
    services.expected_format,
    services.has_healthchecks,
    images.good_tags,
    services.one_app,
    routing.routed,
    names.script_for_configs,
    names.config_versions,
    names.short_names,
    data.backed_up,
    services.no_passwords,
    services.no_host_ports,
    data.no_shared_data,
    data.known_backup_labels,
    variables.domain_in_sample,
    variables.values_for_variables,
    dropped.nothing_dropped,
    names.own_names,
    names.filled_label_names,
    data.no_host_mounts,
    data.no_backup_functions,
    variables.known_modifiers,
    data.one_replica_a_volume,
    routing.extra_domains,
    routing.rules_of_the_newest,
    routing.known_to_traefik,
    data.labels_of_the_service,
    asking.asks_for_its_own,
)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, errors first, and what the recipe's or the caller's file passes over."""

    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...] = ()

    def of_tree(self, severity: str) -> tuple[Finding, ...]:
        """Those about the files that are deployed: tags and papers are no matter of a run."""
        return tuple(
            one for one in self.findings if one.severity == severity and RULES[one.rule].scope == "tree"
        )


def lint(recipe: Recipe, *, ignores: Iterable[Ignore] = ()) -> Report:
    """Apply all rules; `ignores` are further ones than the recipe's own.

    Nothing is asked of a registry or a network: a rule that needs one is `unchecked`.
    """
    with understanding(f"recipe {recipe.name}"):
        return _linted(recipe, ignores=ignores)


def _linted(recipe: Recipe, *, ignores: Iterable[Ignore]) -> Report:
    own = own_ignores(recipe.root)
    stay, gone = sifted([*_all(recipe), *own.faults], (*own.entries, *ignores))
    idle = [one for one in own.entries if not any(one.covers(finding) for finding in gone)]
    stay += [
        found(
            "C019",
            f"{one.rule}: there is no such finding any more",
            file=FILE,
            key=one.key,
            severity="warning",
        )
        for one in idle
        if one.rule in RULES
    ]
    return Report(findings=_sorted(stay), ignored=_sorted(gone))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    def turn(one: Finding) -> tuple[int, str, str, int]:
        return ORDER[one.severity], one.rule, one.file or "", one.line or 0

    return tuple(sorted(dict.fromkeys(findings), key=turn))


def _all(recipe: Recipe) -> Iterator[Finding]:
    yield from _of_stacks(recipe)
    for rule in REPOSITORY_RULES:
        yield from rule(recipe)


def _of_stacks(recipe: Recipe) -> Iterator[Finding]:
    try:
        app = configured(recipe)
    except RecipeError as error:
        yield found("C000", error.fault, error.source)
        return
    base = list(_of_stack(app))
    yield from base
    known = {(one.rule, one.key) for one in base}
    for path in recipe.compose_files:
        if path not in app.compose_files:
            yield from (
                one
                for one in _of_variant(recipe, (*app.compose_files, path))
                if (one.rule, one.key) not in known
            )


def _of_variant(recipe: Recipe, files: tuple[Path, ...]) -> Iterator[Finding]:
    """What one more file brings along."""
    written = tuple(str(path.relative_to(recipe.root)) for path in files)
    try:
        app = configured(recipe, variant=written)
    except CcCiError as error:
        fault = f"{written[-1]} beside the base: {error}"
        yield found("C000", fault, severity="warning", file=written[-1])
        return
    yield from (one for one in _of_stack(app) if one.file in (None, written[-1]))


def configured(recipe: Recipe, *, variant: tuple[str, ...] | None = None) -> App:
    """An app as someone would have it who turns on whatever a compose file needs."""
    off = {one.key: one.value for one in recipe.assignments if one.off and one.key != "COMPOSE_FILE"}
    on = {one.key for one in recipe.assignments if not one.off}
    extra = {key: value for key, value in off.items() if key not in on} if variant else {}
    return configure(recipe, domain=f"{recipe.name}.example.com", overrides=extra, variant=variant)


def _of_stack(app: App) -> Iterator[Finding]:
    stack = read_stack(app)
    for rule in STACK_RULES:
        try:
            yield from rule(app, stack)
        except RecipeError as error:
            yield found("C000", error.fault, error.source)
