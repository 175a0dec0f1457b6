"""An app: a recipe with its environment evaluated, as abra hands it to the stack loader."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.secrets import SecretSpec
from cc_ci.system.units import Seconds

DEFAULT_TIMEOUT: Seconds = 300.0


class App(msgspec.Struct, frozen=True, kw_only=True):
    """What is deployed. `env` is all that the compose files may use; `version` is the label's text."""

    recipe: Recipe
    domain: str
    stack_name: str
    env: Mapping[str, str]
    compose_files: tuple[Path, ...]
    secrets: tuple[SecretSpec, ...] = ()
    version: str | None = None
    timeout: Seconds = DEFAULT_TIMEOUT
