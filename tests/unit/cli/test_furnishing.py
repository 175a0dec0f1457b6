"""What every command has: examples, defaults, --quiet and --verbose, completion, and names that are known."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
from example_result import example as example_result

from cc_ci.cli.examples import EXAMPLES
from cc_ci.cli.main import COMMANDS, cc_ci
from cc_ci.results.schema import StageResult
from cc_ci.results.store import Store


def tree(
    command: click.Command, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if words:
        yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from tree(child, (*words, name))


ALL = dict(tree(cc_ci))


def called(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    program = "from cc_ci.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **env},
    )


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_command_has_examples_that_are_commands(words: tuple[str, ...]) -> None:
    examples = EXAMPLES[" ".join(words)]
    said = ALL[words].get_help(click.Context(ALL[words], info_name=" ".join(words)))
    for example in examples:
        assert f"  {example}\n" in f"{said}\n"
        named = tuple(example.split()[1 : 1 + len(words)])
        assert named == words or isinstance(ALL[words], click.Group)
        _parsed(example)


def _parsed(example: str) -> None:
    """The options of an example are known to its command."""
    words = example.partition(" > ")[0].partition(" | ")[0].split()[1:]
    command: click.Command = cc_ci
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        child = command.get_command(click.Context(command), words.pop(0))
        assert child is not None, example
        command = child
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known | {"--help"}, example


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert set(EXAMPLES) == {" ".join(words) for words in ALL}
    assert {words[0] for words in ALL} == set(COMMANDS)


@pytest.mark.parametrize("words", [("runs",), ("baseline",)])
def test_defaults_are_shown(words: tuple[str, ...]) -> None:
    assert "[default: " in called(*words, "--help").stdout


@pytest.mark.parametrize("where", ["before", "after"])
def test_verbose_holds_before_and_after_the_command(where: str) -> None:
    flags = (["--verbose"], []) if where == "before" else ([], ["--verbose"])
    shown = called(*flags[0], "levers", "nope", *flags[1])
    assert "Traceback" in shown.stderr
    assert shown.returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rnu",), "did you mean run?"),
        (("node", "staus"), "status"),
        (("run", "x", "--stage", "instal"), "did you mean install?"),
        (
            ("run", "kecloak", "--dry-run"),
            "recipe kecloak: not known; did you mean keycloak? there is custom-html",
        ),
        (("run", "pocket", "--dry-run", "--variant", "x"), "variant x: not known; there is none"),
        (("run", "pocket", "--dry-run", "--lever", "plan.shap=x"), "did you mean plan.shape?"),
        (("run", "pocket", "--dry-run", "--profile", "stok"), "did you mean stock?"),
        (("recipe", "lint", "kecloak"), "did you mean keycloak?"),
        (("recipe", "rules", "C0001"), "did you mean C001?"),
        (("node", "down", "--name", "nope"), "node nope: not known; there is none"),
        (("node", "status", "--name", "nope"), "node nope: not known; there is none"),
        (("node", "rm", "nope"), "node nope: not known"),
        (("node", "reset", "--name", "nope", "--yes"), "node nope: not known"),
        (
            ("node", "up", "--memory", "6gg"),
            "flag --memory: memory: has to be a size: bytes, or a number with",
        ),
        (("node", "up", "--cpus", "9999"), "flag --cpus: 9999 CPUs; this machine has "),
        (
            ("run", "pocket", "--dry-run", "--deadline", "5x"),
            "5x: not a duration; give seconds, or a",
        ),
        (("runs", "--since", "yesterday"), "--since yesterday: no date and no age; give 30m, 12h, 7d or "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_not_known_ends_in_2_with_what_was_meant(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    shown = called(*words, cwd=tmp_path, CC_CI_STATE=str(tmp_path))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert said in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_folder_without_a_recipe_is_told_so(tmp_path: Path) -> None:
    shown = called("recipe", "lint", str(tmp_path))
    assert shown.returncode == 2
    assert "holds no recipe: neither a compose.yml nor an .env.sample is in it" in shown.stderr


def test_a_recipe_is_read_by_its_name_as_by_its_path(tmp_path: Path) -> None:
    shown = called("recipe", "inspect", "pocket", "--json", CC_CI_STATE=str(tmp_path))
    told = json.loads(shown.stdout)
    assert (told["schema"], told["version"]) == ("cc-ci.recipe", 1)
    assert "busybox:1.37.0" in shown.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str) -> None:
    shown = called("completion", shell)
    assert shown.returncode == 0
    assert "_CC_CI_COMPLETE" in shown.stdout


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cc-ci ru", "run"),
        ("cc-ci run cust", "custom-html"),
        ("cc-ci run x --stage inst", "install"),
        ("cc-ci run x --profile st", "stock"),
        ("cc-ci run x --lever health.int", "health.interval"),
        ("cc-ci show lat", "latest"),
        ("cc-ci node down --name sm", "small"),
        ("cc-ci recipe lint cust", "custom-html"),
    ],
)
def test_bash_completes_names(line: str, found: str, tmp_path: Path) -> None:
    record = {"name": "small", "wanted": {}, "addresses": {}}
    node = tmp_path / "nodes" / "small"
    node.mkdir(parents=True)
    (node / "node.json").write_text(json.dumps(record))
    words = line.split()
    shown = called(
        CC_CI_STATE=str(tmp_path),
        _CC_CI_COMPLETE="bash_complete",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    )
    names = [one.partition(",")[2] for one in shown.stdout.splitlines()]
    if found == "small":
        # a record without its addresses is none, and a shell gets no error for it
        assert shown.returncode == 0
        return
    assert found in names, shown


def test_a_duration_has_its_unit(tmp_path: Path) -> None:
    shown = called("run", "pocket", "--dry-run", "--deadline", "15m", CC_CI_STATE=str(tmp_path))
    assert shown.returncode == 0, shown.stderr


def test_show_of_a_run_that_goes_on_is_of_now(tmp_path: Path) -> None:
    stages = (StageResult(name="install", outcome="passed", seconds=20.0),)
    going = msgspec.structs.replace(
        example_result("app-1"), state="running", verdict=None, exit_code=None, stages=stages, phases=None,
        spans=(),
        started_at=time.time() - 125, total_seconds=65.0, because=(),
    )  # fmt: skip
    Store(tmp_path).write(going)
    shown = called("show", CC_CI_RUNS=str(tmp_path))
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == "app-1: running after 65.0 s, profile stock"
    assert lines[1].startswith("begun 2:")
    assert "last written 1:" in lines[1]
    assert any(line.startswith("install  passed") for line in lines)
