"""Which secrets an app needs: what its compose files use, and what its environment says of each."""

import re
from collections.abc import Iterator

from cc_ci.recipes.env_sample import Assignment
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.interpolation import variables
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.secrets import CHARSETS, DEFAULT_LENGTH, SecretSpec
from cc_ci.recipes.stack import FileObject, Stack
from cc_ci.system.printable import one_line

LONGEST = 4096


def secret_specs(recipe: Recipe, stack: Stack) -> tuple[SecretSpec, ...]:
    """The external secrets that services use. Raises RecipeError for one without a version."""
    return tuple(_specs(recipe, stack))


def _specs(recipe: Recipe, stack: Stack) -> Iterator[SecretSpec]:
    used = {reference.source for service in stack.services.values() for reference in service.secrets}
    for key, secret in stack.secrets.items():
        if key not in used or not secret.external:
            continue
        variable = version_variable(key, secret)
        if secret.name.endswith("_"):
            fault = f"{secret.written}: {variable} is not set; add {variable}=v1 to .env.sample"
            raise stack.fault(f"secrets.{key}.name", fault)
        yield _spec(key, secret, recipe.assignment(variable))


def version_variable(key: str, secret: FileObject) -> str:
    """The variable that a secret's version comes from, such as SECRET_DB_PASSWORD_VERSION."""
    written = [name for name in variables(secret.written) if name != "STACK_NAME"]
    return written[-1] if written else f"SECRET_{key.upper()}_VERSION"


def _spec(key: str, secret: FileObject, assignment: Assignment | None) -> SecretSpec:
    modifiers = assignment.modifiers if assignment else {}
    source = Source(file=".env.sample", line=assignment.line if assignment else 1)
    length = modifiers.get("length", str(DEFAULT_LENGTH))
    if not re.fullmatch(r"[0-9]{1,5}", length) or not 0 < int(length) <= LONGEST:
        raise RecipeError(
            f"{key}: length={one_line(length, most=80)} is not a number from 1 to {LONGEST}", source=source
        )
    # lint tells of one that is not known; abra leaves it out, too
    known = [name for name in modifiers.get("charset", "").split(",") if name in CHARSETS]
    return SecretSpec(
        name=key,
        swarm_name=secret.name,
        length=int(length),
        charset=",".join(known) or "default",
        given=modifiers.get("generate") == "false",
    )
