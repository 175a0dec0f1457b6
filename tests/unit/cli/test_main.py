import os
import subprocess
import sys
import types

import click
import pytest

from cc_ci.cli import main as module
from cc_ci.errors import DeadlinePassed, Interrupted, StageFailed, Stopped


def cc_ci(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from cc_ci.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command named `try`, whose body each test gives."""
    stand_in = types.ModuleType("stand_in")
    monkeypatch.setitem(sys.modules, "stand_in", stand_in)
    monkeypatch.setitem(module.COMMANDS, "try_", module.Command("stand_in", "Try."))
    return stand_in


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["cc-ci", *arguments])
    monkeypatch.setenv("PATH", os.environ["PATH"])  # main() extends it
    with pytest.raises(SystemExit) as ended:
        module.main()
    return ended.value.code or 0


def test_help_lists_every_command_and_imports_none_of_them() -> None:
    program = (
        "import sys; from cc_ci.cli.main import COMMANDS, cc_ci\n"
        "cc_ci.main(['--help'], standalone_mode=False)\n"
        "unwanted = {c.module for c in COMMANDS.values()} | {'msgspec', 'rich', 'docker', 'httpx2'}\n"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert all(f"\n  {name} " in shown for name in module.COMMANDS)
    assert shown.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(module.COMMANDS))
def test_every_command_is_there_and_helps(name: str) -> None:
    shown = cc_ci(name, "--help")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("Usage: ")


def test_an_unknown_command_is_a_usage_error() -> None:
    shown = cc_ci("nope")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "No such command 'nope'" in shown.stderr


def test_our_errors_end_in_one_line_and_their_code(
    command: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise StageFailed("custom-html: no service app; add one")

    command.try_ = click.command()(fail)
    assert run(monkeypatch, "try_") == 1
    assert capsys.readouterr().err == "cc-ci: custom-html: no service app; add one\n"


def test_other_errors_end_in_one_line_that_says_how_to_see_more(
    command: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("two\nlines")

    command.try_ = click.command()(fail)
    assert run(monkeypatch, "try_") == 3
    said = "cc-ci: unexpected ValueError: two; use `cc-ci --verbose` for the trace\n"
    assert capsys.readouterr().err == said
    assert run(monkeypatch, "--verbose", "try_") == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (4, 4)])
def test_a_code_that_a_command_exits_with_is_kept(
    command: types.ModuleType, monkeypatch: pytest.MonkeyPatch, code: int, expected: int
) -> None:
    command.try_ = click.command()(lambda: click.get_current_context().exit(code))
    assert run(monkeypatch, "try_") == expected


def test_an_interrupt_ends_with_130(command: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    command.try_ = click.command()(interrupted)
    assert run(monkeypatch, "try_") == 130


@pytest.mark.parametrize(
    ("stop", "expected"), [(DeadlinePassed("deadline: too late"), 3), (Interrupted("ended by SIGTERM"), 130)]
)
def test_a_stop_before_there_is_a_result_ends_in_one_line_and_its_code(
    command: types.ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: Stopped,
    expected: int,
) -> None:
    def stopped() -> None:
        raise stop

    command.try_ = click.command()(stopped)
    assert run(monkeypatch, "try_") == expected
    assert capsys.readouterr().err == f"cc-ci: {stop}\n"


def test_the_systems_folders_are_added_to_path_behind_the_callers_own(
    command: types.ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/sbin:/mine")
    command.try_ = click.command()(lambda: click.echo(os.environ["PATH"]))
    assert run(monkeypatch, "try_") == 0
    assert capsys.readouterr().out == "/sbin:/mine:/usr/local/sbin:/usr/sbin\n"
