"""One word for one thing: whoever reads a name of a type knows which one is meant."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "cc_ci"


def types_of(tree: ast.Module) -> Iterator[str]:
    """The public classes that a module defines, and its names for other types, such as unions."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            continue
        yield from (name for name in names if name[0].isupper() and not name.isupper())


def shared(modules: dict[str, ast.Module]) -> dict[str, list[str]]:
    where: dict[str, list[str]] = defaultdict(list)
    for module, tree in modules.items():
        for name in types_of(tree):
            where[name].append(module)
    return {name: places for name, places in where.items() if len(places) > 1}


def test_no_two_modules_have_a_type_of_one_name() -> None:
    modules = {
        str(path.relative_to(SOURCE)): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))
    }
    assert len(modules) > 300
    assert shared(modules) == {}


@pytest.mark.parametrize("text", ["class Plan: ...", "Plan = int | str", "class Plan(Base): ..."])
def test_a_second_plan_would_be_seen(text: str) -> None:
    assert shared({"a": ast.parse("class Plan: ..."), "b": ast.parse(text)}) == {"Plan": ["a", "b"]}
    assert (
        shared({"a": ast.parse("class Plan: ...\nPLAN = 1"), "b": ast.parse("PLAN = 2\n_Plan = int")}) == {}
    )
