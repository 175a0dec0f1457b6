"""A compose file with every variable filled in, so that whoever reads it next needs none of the app's."""

from collections.abc import Callable, Mapping
from typing import Any

from cc_ci.recipes.faults import KeyFault
from cc_ci.recipes.interpolation import interpolate
from cc_ci.recipes.service_lists import long_volume
from cc_ci.recipes.yaml_text import read_document

Env = Mapping[str, str]


def filled(text: str, *, name: str, env: Env) -> dict[str, Any]:
    """The file's values as the stack loader has them before it merges; notes and `version:` are left out.

    What has no value under `environment` gets the app's variable of its name, and `~` is the app's HOME.
    Raises RecipeError with file, line and key.
    """
    document = read_document(text, name=name)
    try:
        tree = interpolate(document.tree, env)
    except KeyFault as fault:
        raise document.blame(fault) from None
    kept = {key: value for key, value in tree.items() if key != "version" and not key.startswith("x-")}
    if "services" in kept:
        kept["services"] = {key: _service(value, env) for key, value in kept["services"].items()}
    return kept


def _service(service: Any, env: Env) -> Any:
    fill: dict[str, Callable[[Any, Env], Any]] = {"environment": _environment, "volumes": _volumes}
    return {key: fill[key](value, env) if key in fill else value for key, value in service.items()}


def _environment(value: Any, env: Env) -> Any:
    if isinstance(value, list):
        return [_pair(item, env) for item in value]
    return {name: env.get(name, item) if item in (None, "") else item for name, item in value.items()}


def _pair(item: str, env: Env) -> str:
    name, _, value = item.partition("=")
    return f"{name}={env[name]}" if not value and name in env else item


def _volumes(value: Any, env: Env) -> Any:
    return [_volume(item, env) for item in value]


def _volume(item: Any, env: Env) -> Any:
    # only what begins in a home is written out: a path with a colon has no short form
    short = isinstance(item, str) and item.startswith("~")
    long = long_volume(item) if short else item
    if isinstance(long, dict) and long.get("type") == "bind" and str(long.get("source")).startswith("~"):
        return {**long, "source": long["source"].replace("~", env["HOME"], 1)}
    return item
