"""What is wrong with a suite, as far as reading tells: none of its code is run, and no Docker is needed."""

import ast
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from cc_ci.recipes.app import App
from cc_ci.suite.facts import FACTS_FILE, Suite
from cc_ci.suite.files import read_suite_file, suite_files
from cc_ci.suite.ways import Way

NEEDED_BY_A_RUN = ("wiring.secrets", "shown", "readiness", "unkept", "ends")
"""What a suite names in vain under these makes its run pointless."""
SEED_FUNCTIONS = {"write": 4, "read": 3, "delete": 3}
"""With the number of their arguments."""


def faults(suite: Suite) -> tuple[str, ...]:
    """One line each, with the file and, where there is one, the line or key."""
    trees = {}
    found = []
    for path in suite_files(suite.folder):
        if path.suffix == ".py":
            try:
                trees[path] = ast.parse(read_suite_file(path))
            except SyntaxError as error:
                found.append(f"{path}:{error.lineno}: {error.msg}")
            except (ValueError, RecursionError, MemoryError) as error:
                # a zero byte, or brackets without an end
                found.append(f"{path}: no Python that can be read: {type(error).__name__}: {error}")
    tests = {path: tree for path, tree in trees.items() if path.match("test_*.py")}
    found += [f"{path}: has no test" for path, tree in tests.items() if not any(_tests(tree))]
    if suite.seeds and (module := trees.get(suite.folder / suite.seeds)):
        found += _seed_faults(suite.folder / suite.seeds, module)
    if suite.needs and not suite.has_sso_tests:
        found.append(f"{suite.folder / FACTS_FILE}: needs: no test_sso*.py signs on with it")
    return tuple(found)


def faults_with(suite: Suite, ways: Sequence[Way], *, only: Collection[str] = ()) -> tuple[str, ...]:
    """What the suite names and the recipe does not have in any of the `ways` in which it is deployed.

    `only` are the keys of suite.toml that are looked at, all without it.
    """
    secrets = {secret.name for way in ways for secret in way.app.secrets}
    services = {name for way in ways for name in way.stack.services}
    named = {
        "secrets": (suite.secrets, secrets),
        "wiring.secrets": (suite.wiring.secrets, secrets),
        "shown": (suite.shown, secrets),
        "readiness": ([one.service for one in suite.readiness if one.service], services),
        "unkept": (suite.unkept, {name for way in ways for name in way.stack.volumes}),
        "ends": (suite.ends, services),
        "env": (suite.env_names, {name for way in ways for name in _variables(way.app)}),
    }
    return tuple(
        f"{suite.folder / FACTS_FILE}: {key}: the recipe has no {name!r}; it has {_listed(known)}"
        for key, (wanted, known) in named.items()
        for name in wanted
        if name not in known and (not only or key in only)
    )


def _variables(app: App) -> Iterator[str]:
    yield from (one.key for one in app.recipe.assignments)
    yield from app.recipe.exports


def remarks(suite: Suite) -> tuple[str, ...]:
    """What is right, and could be more."""
    said = []
    if not suite.seeds and not suite.stateless:
        said.append("no seeds: that data survives is shown by plain files in the volumes only")
    if suite.probe.status == "any" and suite.web is not False:
        said.append("probe.status: any answer below 500 counts as ready")
    return tuple(f"{suite.folder / FACTS_FILE}: {line}" for line in said)


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return (node for node in found if node.name.startswith("test_"))


def _seed_faults(path: Path, module: ast.Module) -> Iterator[str]:
    there = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    for name, count in SEED_FUNCTIONS.items():
        if name not in there:
            yield f"{path}: has no function {name}"
        elif len(there[name].args.args) != count:
            line, has = there[name].lineno, len(there[name].args.args)
            yield f"{path}:{line}: {name} takes {has} arguments instead of {count}"


def _listed(known: set[str]) -> str:
    return ", ".join(sorted(known)) or "none"
