"""Lint a recipe: abra's rules R001 to R015, and further ones for faults seen in real recipes (C001 on)."""

from collections.abc import Iterator
from pathlib import Path

from cc_ci.errors import CcCiError
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.findings import Finding, found
from cc_ci.recipes.lint_repository import REPOSITORY_RULES
from cc_ci.recipes.lint_stack import STACK_RULES
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.stack import read_stack

ORDER = {"error": 0, "warning": 1, "unchecked": 2}


def lint(recipe: Recipe) -> tuple[Finding, ...]:
    """All findings, errors first; compose files that the sample leaves off are looked at beside the base.

    Nothing is asked of a registry or a network: rules that need one are `unchecked`.
    """
    findings = dict.fromkeys([*_of_stacks(recipe), *_of_repository(recipe)])
    return tuple(
        sorted(findings, key=lambda one: (ORDER[one.severity], one.rule, one.file or "", one.line or 0))
    )


def _of_stacks(recipe: Recipe) -> Iterator[Finding]:
    try:
        app = configured(recipe)
    except RecipeError as error:
        yield found("C000", error.fault, error.source, severity="error")
        return
    yield from _of_stack(app)
    for path in recipe.compose_files:
        if path not in app.compose_files:
            yield from _of_variant(recipe, (*app.compose_files, path))


def _of_variant(recipe: Recipe, files: tuple[Path, ...]) -> Iterator[Finding]:
    names = tuple(str(path.relative_to(recipe.root)) for path in files)
    try:
        app = configured(recipe, variant=names)
    except CcCiError as error:
        yield found("C000", f"{names[-1]} beside the base: {error}", severity="warning", file=names[-1])
        return
    # the base was judged before; here only what this file says
    yield from (finding for finding in _of_stack(app) if finding.file == names[-1])


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
            yield found("C000", error.fault, error.source, severity="error")


def _of_repository(recipe: Recipe) -> Iterator[Finding]:
    for rule in REPOSITORY_RULES:
        yield from rule(recipe)
