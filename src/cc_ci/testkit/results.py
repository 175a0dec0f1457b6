"""What a test holds results against, besides their schema."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from cc_ci.results.schema import Environment, Harness, ImageTransfer, RecipeUnderTest, RunResult, ServiceImage
from cc_ci.timing.resources import Pressure, Usage

MEASURED = (Environment, Harness, ImageTransfer, Pressure, RecipeUnderTest, ServiceImage, Usage)
"""In these, None means that a value could not be had; elsewhere it means that there is none."""


def unexplained(result: RunResult) -> tuple[str, ...]:
    """The paths of values that are null for no reason given in `missing`."""
    reasons = tuple(result.missing)
    return tuple(
        path for path in _nulls(result, "") if not any(fnmatchcase(path, pattern) for pattern in reasons)
    )


def _nulls(value: object, path: str) -> Iterator[str]:
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _nulls(item, f"{path}.{number}")
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            item, inner = getattr(value, field), f"{path}.{field}".lstrip(".")
            if item is None and isinstance(value, MEASURED):
                yield inner
            yield from _nulls(item, inner)
