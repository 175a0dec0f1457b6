"""Whether a suite's tests use a browser, as far as reading tells: none of its code is run."""

import ast
from collections.abc import Iterator

from cc_ci.errors import InfrastructureError
from cc_ci.suite.facts import Suite
from cc_ci.suite.files import read_suite_file, suite_files

FIXTURE = "browser"
LOOPS = frozenset({"asyncio", "anyio", "trio", "nest_asyncio"})
"""Playwright's loop runs in the tests' thread while there is a browser, so that no other can be run there."""


def browser_ahead(suite: Suite) -> bool:
    """Whether its browser may be started before its first test: one asks for it, and none runs a loop."""
    trees = list(_trees(suite))
    return any(map(_asks, trees)) and not any(map(_loops, trees))


def _trees(suite: Suite) -> Iterator[ast.Module]:
    for path in suite_files(suite.folder):
        if path.suffix == ".py":
            try:
                yield ast.parse(read_suite_file(path))
            except (SyntaxError, ValueError, RecursionError, MemoryError, InfrastructureError):
                # its tests will say so
                continue


def _asks(tree: ast.Module) -> bool:
    functions = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))
    return any(argument.arg == FIXTURE for one in functions for argument in one.args.args)


def _loops(tree: ast.Module) -> bool:
    return any(isinstance(one, ast.AsyncFunctionDef) or _imports(one) for one in ast.walk(tree))


def _imports(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name.partition(".")[0] in LOOPS for alias in names)
        case ast.ImportFrom(module=str(module)):
            return module.partition(".")[0] in LOOPS
        case _:
            return False
