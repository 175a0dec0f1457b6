import shutil
import subprocess

import pytest

from cc_ci.backups.hooks import hook_argv, unwrapped


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(hook_argv(command), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "command",
    [
        "echo 'a b'",
        "sh -c \"echo 'a b'\"",
        "bash -c 'echo \"a b\"'",
        "/bin/sh -c 'echo a\\ b'",
        "X='a b'; echo \"$X\"",
    ],
)
def test_quotes_reach_the_shell_as_written(command: str) -> None:
    assert run(command).stdout == "a b\n"


def test_a_command_that_dies_in_a_pipe_fails() -> None:
    assert shutil.which("bash")
    assert run("false | cat").returncode != 0
    assert run("bash -c 'false | cat'").returncode != 0
    assert run("true | cat").returncode == 0


def test_what_is_no_single_script_is_left_as_it_is() -> None:
    assert unwrapped("sh -c 'a' && b") == "sh -c 'a' && b"
    assert unwrapped("/pg_backup.sh backup") == "/pg_backup.sh backup"
    assert unwrapped("echo 'open") == "echo 'open"
