"""Which suite a recipe has."""

from collections.abc import Sequence
from pathlib import Path

from cc_ci.errors import InfrastructureError
from cc_ci.suite.facts import FACTS_FILE, Suite, read_suite

OWN = Path("tests/cc-ci")
"""Where a recipe's repository has its own suite."""


def suite_of(root: Path, *, given: Sequence[Path], shipped: Sequence[Path]) -> Suite | None:
    """The suite of the recipe at `root`: of a folder that was given, else its own, else one that ships."""
    return find_suite(root.name, given) or _own_suite(root) or find_suite(root.name, shipped)


def _own_suite(root: Path) -> Suite | None:
    folder = root / OWN
    if not (folder / FACTS_FILE).is_file():
        return None
    if folder.resolve() != root.resolve() / OWN:
        raise InfrastructureError(f"{folder}: a link; a recipe's own suite has to lie in its own folder")
    return read_suite(folder)


def find_suite(name: str, roots: Sequence[Path]) -> Suite | None:
    """The suite of recipe `name` in the first of `roots` that has one; None if none has."""
    folder = next((root / name for root in roots if (root / name / FACTS_FILE).is_file()), None)
    if folder is None:
        return None
    suite = read_suite(folder)
    if suite.recipe != name:
        message = f"{folder / FACTS_FILE}: recipe: {suite.recipe!r} is not {name!r}, the name of its folder"
        raise InfrastructureError(message)
    return suite
