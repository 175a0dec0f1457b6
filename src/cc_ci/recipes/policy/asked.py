"""What a recipe has to be trusted with, whichever of its compose files are turned on."""

import contextlib
from collections.abc import Iterator

from cc_ci.errors import CcCiError
from cc_ci.recipes.app import App
from cc_ci.recipes.linting.lint import configured
from cc_ci.recipes.policy.judgement import judge
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.stack import read_stack


def permissions(recipe: Recipe) -> tuple[Refusal, ...]:
    """What it has to be trusted with: in the files of its sample, and with each other file beside them.

    Raises RecipeError where the sample's files can't be read.
    """
    base = configured(recipe)
    found = list(_needed(base))
    for path in recipe.compose_files:
        if path not in base.compose_files:
            names = tuple(str(one.relative_to(recipe.root)) for one in (*base.compose_files, path))
            with contextlib.suppress(CcCiError):
                found += _needed(configured(recipe, variant=names))
    return tuple(dict.fromkeys(found))


def _needed(app: App) -> Iterator[Refusal]:
    judgement = judge(Look(app=app, stack=read_stack(app), web=False))
    return (one for one in judgement.refusals if one.permission)
