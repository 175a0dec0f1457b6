"""Our reader of compose files against `docker stack config`, which reads as `docker stack deploy` does."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cc_ci.engine.overlay import Overlay
from cc_ci.engine.run_folder import copy_text, write_run_folder
from cc_ci.recipes.app import App
from cc_ci.recipes.compose import read_compose
from cc_ci.recipes.configuring import app_env, configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.filled import filled
from cc_ci.recipes.recipe import Recipe, read_recipe
from cc_ci.recipes.sections import SECTIONS
from cc_ci.recipes.stack import read_stack

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
RECIPES = sorted(
    path.parent
    for path in (*ROOT.glob("lab/recipes/*/*/compose.yml"), *ROOT.glob("tests/recipes/*/compose.yml"))
)
ODD = "a: \"b\" 'c' \\ #d\ne\t$SET ${NUMBER} $$ é\U0001f600\ufeff%s"
ENV = {"SET": "a value", "EMPTY": "", "NUMBER": "5", "YES": "true", "ODD": ODD}


@cache
def client() -> str | None:
    """The first docker on PATH that has `stack config`."""
    for folder in os.environ["PATH"].split(os.pathsep):
        path = shutil.which("docker", path=folder)
        if path and subprocess.run(
            [path, "stack", "config", "--help"], capture_output=True, text=True, check=False
        ).stdout.count("stack config"):
            return path
    return None


@pytest.fixture(autouse=True)
def needs_client() -> None:
    if client() is None:
        message = "no docker client here has `stack config`, which is new in 23.0"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)


def docker_reads(files: list[Path], env: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
    """What docker makes of the files with these variables in its environment, or None and what it said."""
    told = [part for file in files for part in ("-c", str(file))]
    docker = client()
    assert docker
    done = subprocess.run(
        [docker, "stack", "config", *told], env=env, capture_output=True, text=True, check=False
    )
    return (yaml.safe_load(done.stdout), "") if done.returncode == 0 else (None, done.stderr)


def docker_reads_copies(
    files: list[Path], env: dict[str, str], folder: Path
) -> tuple[dict[str, Any] | None, str]:
    """What docker makes, with an empty environment, of the copies that are deployed."""
    copies = [folder / f"copy-{file.name}" for file in files]
    for file, copy in zip(files, copies, strict=True):
        copy.write_text(copy_text(filled(file.read_text(), name=file.name, env=env), version="3.13"))
    return docker_reads(copies, {})


def we_read(files: list[Path], env: dict[str, str], folder: Path) -> tuple[dict[str, Any] | None, str]:
    """What we make of the files, or None and what we said."""
    try:
        return read_compose(
            [(file.name, file.read_text()) for file in files], env=env, folder=folder
        ).tree, ""
    except RecipeError as error:
        return None, str(error)


def assert_alike(ours: tuple[dict[str, Any] | None, str], theirs: tuple[dict[str, Any] | None, str]) -> None:
    """Both read the same, or both refuse."""
    assert (ours[0] is None) == (theirs[0] is None), (
        f"we say {ours[1] or 'yes'}, docker says {theirs[1] or 'yes'}"
    )
    if ours[0] is not None and theirs[0] is not None:
        assert comparable(ours[0]) == comparable(theirs[0])


def comparable(tree: dict[str, Any]) -> dict[str, Any]:
    """Both sides alike: no version, no extension fields, which docker keeps of one file only, and ports and
    volumes, which it sorts by one of their fields, in one order."""
    kept = {name: section for name, section in tree.items() if name in SECTIONS and section}
    for service in kept.get("services", {}).values():
        for part in ("ports", "volumes"):
            if part in service:
                service[part] = sorted(service[part], key=repr_of)
        logging = service.get("logging", {})
        if not logging.get("options", True):
            del logging["options"]
        for part in [part for part in service if part.startswith("x-") or service[part] == []]:
            del service[part]
    return kept


def repr_of(item: dict[str, Any]) -> str:
    return repr(sorted((name, repr(value)) for name, value in item.items()))


def variants(recipe: Recipe) -> Iterator[tuple[str, ...]]:
    """What .env.sample chooses, and each further file beside the base."""
    yield ()
    base, *others = (str(path.relative_to(recipe.root)) for path in recipe.compose_files)
    yield from ((base, other) for other in others)


CASES = [
    pytest.param(path, variant, id="-".join([path.parent.name, path.name, *variant[1:]]))
    for path in RECIPES
    for variant in variants(read_recipe(path))
]


def in_one_version(app: App, folder: Path) -> list[Path]:
    """Copies of the app's files with one `version:`, as they are deployed."""
    version = read_stack(app).version
    copies = []
    for index, path in enumerate(app.compose_files):
        lines = [line for line in path.read_text().splitlines() if not line.startswith(("version:", "---"))]
        copy = folder / f"{index}.yml"
        copy.write_text("\n".join([f'version: "{version}"', *lines, ""]))
        copies.append(copy)
    return copies


@pytest.mark.parametrize(("path", "variant"), CASES)
def test_recipes_are_read_as_docker_reads_them(path: Path, variant: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / path.name
    shutil.copytree(path, folder)
    recipe = read_recipe(folder)
    optional = {
        one.key: one.value or "v1" for one in recipe.assignments if one.off and one.key != "COMPOSE_FILE"
    }
    app = configure(recipe, domain="app-1a2b3c.ci.example", overrides=optional, variant=variant or None)

    theirs, said = docker_reads(in_one_version(app, folder), dict(app.env))
    stack = read_stack(app)
    *copies, _overlay = write_run_folder(app, stack, Overlay(content={}), tmp_path / "run" / path.name)
    of_copies, said_of_copies = docker_reads(copies, {})

    assert theirs is not None, said
    assert comparable(stack.merged.tree) == comparable(theirs)
    assert of_copies is not None, said_of_copies
    assert moved(comparable(of_copies), tmp_path / "run" / path.name, folder) == comparable(theirs)


def moved(tree: dict[str, Any], folder: Path, to: Path) -> dict[str, Any]:
    """The same with all paths in another folder."""
    there: dict[str, Any] = yaml.safe_load(yaml.safe_dump(tree, width=10**6).replace(str(folder), str(to)))
    return there


NAMES = st.sampled_from(["A", "B", "C_D", "SET", "ODD", "PATH", "HOME", "DOCKER_HOST"])
WORDS = st.sampled_from(
    [
        "a",
        "b c",
        "",
        "x=y",
        "$SET",
        "${SET}",
        "${UNSET:-d}",
        "${EMPTY-d}",
        "${EMPTY:-d}",
        "$$SET",
        "${UNSET}",
        "$ODD",
        "${UNSET:-$(touch x)}",
        "${UNSET-a$$b}",
        "1",
        "#z",
        "on",
    ]
)
NUMBERS = st.one_of(st.integers(-3, 10**12), st.floats(allow_nan=False, allow_infinity=False))
DURATIONS = st.sampled_from(["0s", "5s", "1m30s", "1.5h", "90s", "250ms", "1h0m1s", "10us", "100m"])
PAIRS = st.one_of(
    st.lists(st.tuples(NAMES, WORDS).map("=".join) | NAMES, unique=True, max_size=3),
    st.dictionaries(NAMES, WORDS | st.none() | NUMBERS, max_size=3),
)
COMMANDS = st.one_of(
    st.lists(WORDS.filter(bool), max_size=3),
    st.sampled_from(["run it", 'sh -c \'a b\' "c \\" d"', "a\\ b c", "x #y z", "a#b", "'' \"\" z", ""]),
)
PORTS = st.lists(
    st.sampled_from(
        [
            80,
            "81:80",
            "53:53/udp",
            "8000-8002:9000-9002",
            "127.0.0.1:82:80",
            "${NUMBER}:90",
            "7",
            "[::1]:83:80",
        ]
    )
    | st.fixed_dictionaries(
        {"target": st.just(443)},
        optional={
            "published": st.sampled_from([443, 0]),
            "mode": st.just("host"),
            "protocol": st.just("udp"),
        },
    ),
    max_size=3,
    unique_by=repr,
)
VOLUMES = st.lists(
    st.sampled_from(
        [
            "data:/data",
            "data:/data:ro",
            "/srv:/srv:rslave,ro",
            "./here:/here",
            "/anonymous",
            "data:/d2:nocopy,z",
            "~/x:/x",
        ]
    )
    | st.fixed_dictionaries(
        {"type": st.just("volume"), "source": st.just("data"), "target": st.sampled_from(["/data", "/e"])},
        optional={"read_only": st.booleans(), "volume": st.just({"nocopy": True})},
    ),
    max_size=3,
)
REFERENCES = st.lists(
    st.sampled_from(["one", "two"])
    | st.fixed_dictionaries(
        {"source": st.sampled_from(["one", "two"])},
        optional={
            "target": st.just("/t"),
            "mode": st.sampled_from([0, 0o440, "${NUMBER}"]),
            "uid": st.just("5"),
        },
    ),
    max_size=2,
)
UPDATES = st.fixed_dictionaries(
    {},
    optional={
        "parallelism": st.sampled_from([0, 1, "${NUMBER}"]),
        "delay": DURATIONS,
        "order": st.sampled_from(["start-first", "stop-first"]),
        "failure_action": st.just("rollback"),
        "monitor": DURATIONS,
    },
)
DEPLOYS = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.integers(0, 3),
        "mode": st.sampled_from(["replicated", "global"]),
        "labels": PAIRS,
        "update_config": UPDATES,
        "rollback_config": UPDATES,
        "restart_policy": st.fixed_dictionaries(
            {},
            optional={
                "condition": st.just("any"),
                "delay": DURATIONS,
                "max_attempts": st.integers(0, 3),
                "window": DURATIONS,
            },
        ),
        "resources": st.fixed_dictionaries(
            {},
            optional={
                "limits": st.fixed_dictionaries(
                    {},
                    optional={
                        "memory": st.sampled_from(["50M", "1.5g", "1024", "2KiB", "10mb"]),
                        "cpus": st.just("0.50"),
                    },
                )
            },
        ),
        "placement": st.fixed_dictionaries({}, optional={"constraints": st.lists(WORDS, max_size=2)}),
    },
)
HEALTHCHECKS = st.fixed_dictionaries(
    {},
    optional={
        "test": st.sampled_from(["curl x", ["CMD", "a"], ["NONE"]]),
        "interval": DURATIONS,
        "timeout": DURATIONS,
        "retries": st.sampled_from([0, 5, "${NUMBER}"]),
        "start_period": DURATIONS,
        "disable": st.sampled_from([True, False, "${YES}"]),
    },
)
NETWORKS = st.one_of(
    st.lists(st.sampled_from(["front", "back"]), unique=True, max_size=2),
    st.dictionaries(
        st.sampled_from(["front", "back"]),
        st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "aliases": st.lists(st.sampled_from(["m", "n"]), unique=True, max_size=2),
                "ipv4_address": st.just("10.0.0.9"),
            },
        ),
        max_size=2,
    ),
)
SERVICES = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["a:1", "b:${NUMBER}", "c@sha256:1"]),
        "command": COMMANDS,
        "entrypoint": COMMANDS,
        "environment": PAIRS,
        "labels": PAIRS,
        "sysctls": PAIRS,
        "ports": PORTS,
        "volumes": VOLUMES,
        "configs": REFERENCES,
        "secrets": REFERENCES,
        "deploy": DEPLOYS,
        "healthcheck": HEALTHCHECKS,
        "networks": NETWORKS,
        "init": st.booleans(),
        "read_only": st.booleans() | st.just("${YES}"),
        "user": st.sampled_from(["", "me", "$NUMBER"]),
        "stop_grace_period": DURATIONS,
        "dns": st.sampled_from(["9.9.9.9", ["1.1.1.1", "8.8.8.8"]]),
        "tmpfs": st.sampled_from(["/a", ["/b"]]),
        "extra_hosts": st.sampled_from([["h:1.2.3.4"], {"i": "1.2.3.5", "h": "9.9.9.9"}]),
        "expose": st.just([80, "90"]),
        "cap_add": st.lists(st.sampled_from(["X", "Y"]), unique=True, max_size=2),
        "ulimits": st.sampled_from(
            [{"nproc": 5}, {"nofile": {"soft": 1, "hard": 2}}, {"nproc": "${NUMBER}"}]
        ),
        "logging": st.fixed_dictionaries(
            {},
            optional={
                "driver": st.sampled_from(["json-file", "syslog"]),
                "options": st.dictionaries(NAMES, WORDS, max_size=2),
            },
        ),
        "x-note": st.just({"kept": 1}),
    },
)
TOP = st.fixed_dictionaries(
    {"services": st.dictionaries(st.sampled_from(["app", "db"]), SERVICES, min_size=1, max_size=2)},
    optional={
        "volumes": st.fixed_dictionaries(
            {
                "data": st.none()
                | st.sampled_from(
                    [
                        {},
                        {"driver": "local", "labels": ["a=b"]},
                        {"external": True},
                        {"name": "n", "driver_opts": {"o": 5}},
                        {"external": {"name": "q"}},
                    ]
                )
            }
        ),
        "networks": st.fixed_dictionaries(
            {
                "front": st.sampled_from(
                    [
                        None,
                        {"external": True},
                        {"external": "${YES}"},
                        {"internal": True, "labels": {"k": "v"}},
                    ]
                )
            }
        ),
        "configs": st.fixed_dictionaries(
            {
                "one": st.sampled_from(
                    [
                        {"file": "./one.conf", "name": "${SET}"},
                        {"external": True},
                        {"file": "two", "template_driver": "golang"},
                    ]
                )
            }
        ),
        "secrets": st.fixed_dictionaries(
            {"one": st.sampled_from([{"external": True, "name": "s_${NUMBER}"}, {"file": "/etc/s"}])}
        ),
        "x-top": st.just([1, {"a": "$SET"}]),
    },
)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(trees=st.lists(TOP, min_size=1, max_size=3))
def test_generated_files_are_read_as_docker_reads_them(trees: list[dict[str, Any]], tmp_path: Path) -> None:
    files = []
    for index, tree in enumerate(trees):
        files.append(tmp_path / f"{index}.yml")
        files[-1].write_text(yaml.safe_dump({"version": "3.13", **tree}, sort_keys=False))
    env = {**ENV, "HOME": "/home/me"}

    ours, theirs = we_read(files, env, tmp_path), docker_reads(files, env)
    assert_alike(ours, theirs)
    if ours[0] is not None:
        assert_alike(docker_reads_copies(files, env, tmp_path), theirs)


SCALARS = [
    "yes",
    "on",
    "22:22",
    "0555",
    "0o17",
    "0x1F",
    "0b11",
    "1e3",
    "1_000",
    ".5",
    "1000000000.0",
    "12345678901234567890",
    "99999999999999999999",
    "1.50",
    "0999",
    "-5",
    "+5",
    "~",
    "null",
    "Null",
    "2020-01-01",
    "1.",
    "5e-7",
    "0.0001",
    "1_0.5",
    "_1",
    "1__0",
    "0x",
    "08",
    "-",
    "'07'",
    "!!str 5",
    "1e400x",
    "3.14.15",
    "123456789.0",
    "1234567.5",
    "true ",
    "x",
]


@pytest.mark.parametrize("scalar", SCALARS)
def test_scalars_are_read_as_docker_reads_them(scalar: str, tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(
        f'version: "3.8"\nservices:\n  app:\n    image: x\n    environment:\n      KEY: {scalar}\n'
    )
    ours, theirs = we_read([file], {}, tmp_path), docker_reads([file], {})
    assert_alike(ours, theirs)
    if ours[0] is not None:
        assert_alike(docker_reads_copies([file], {}, tmp_path), theirs)


def test_what_abra_exports_comes_over_the_sample(tmp_path: Path) -> None:
    (tmp_path / ".env.sample").write_text(
        "TYPE=x\nDOMAIN=x.example.com\nCFG_VERSION=v0\nURL=https://$DOMAIN\n"
    )
    (tmp_path / "abra.sh").write_text("export CFG_VERSION=v7\n")
    (tmp_path / "compose.yml").write_text(
        "services: {app: {image: 'x:${CFG_VERSION}', environment: [URL]}}\n"
    )
    env = app_env(read_recipe(tmp_path), domain="y.ci.example", overrides={})
    theirs, said = docker_reads([tmp_path / "compose.yml"], env)
    assert theirs is not None, said
    assert theirs["services"]["app"] == {"image": "x:v7", "environment": {"URL": "https://y.ci.example"}}
