"""Whether the version that a recipe promises is the version that it runs. Pure."""

import re

from cc_ci.recipes.configuring import coop_cloud_labels
from cc_ci.recipes.linting.images import image_tag
from cc_ci.recipes.stack import Stack
from cc_ci.recipes.versions import parse_version

NUMBERS = re.compile(r"\d+(?:\.\d+)+")


def broken_promise(stack: Stack, label: str) -> str | None:
    """A line where the label promises an upstream version that no image carries; None where one does.

    Compared are the first dotted numbers: 26.1.5 of v26.1.5-alpine. None as well where either side has none,
    such as a commit or a date in one word.
    """
    version = parse_version(label)
    promised = NUMBERS.search(version.upstream) if version else None
    if promised is None:
        return None
    carried = {name: _numbers(service.image) for name, service in stack.services.items()}
    if not any(carried.values()) or any(_same(promised[0], one) for one in carried.values() if one):
        return None
    place = stack.source(_label_key(stack))
    where = f"{place}: " if place else ""
    images = ", ".join(f"{name} runs {stack.services[name].image}" for name in sorted(carried))
    return f"{where}the version {label} promises {promised[0]}, and no image has it: {images}"


def _numbers(image: str) -> str | None:
    found = NUMBERS.search(image_tag(image) or "")
    return found[0] if found else None


def _same(promised: str, carried: str) -> bool:
    """1.26 is carried by 1.26.3, and the other way round."""
    return f"{carried}.".startswith(f"{promised}.") or f"{promised}.".startswith(f"{carried}.")


def _label_key(stack: Stack) -> str:
    service = next(iter(coop_cloud_labels(stack, "version")), "app")
    return f"services.{service}.deploy.labels.coop-cloud.{stack.name}.version"
