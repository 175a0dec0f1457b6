"""The last resort where a recipe is read: whatever is in it ends in one line that blames it by name."""

import contextlib
from collections.abc import Iterator

from cc_ci.errors import CcCiError
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.system.printable import one_line


@contextlib.contextmanager
def understanding(thing: str, *, source: Source | None = None) -> Iterator[None]:
    """Turn what nobody foresaw while `thing` is read, a recipe or a file of it, into a RecipeError.

    Every fault that is known has a check and a message of its own before this.
    """
    try:
        yield
    except CcCiError:
        raise
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}", most=200)
        message = f"{thing} can't be understood, in a way that cc-ci did not foresee ({said})"
        raise RecipeError(
            f"{message}; please report it with what `cc-ci --verbose` shows", source=source
        ) from error
