import pytest

from cc_ci.system.exit_codes import meaning, with_meaning


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exit code 0 (it ended by itself)"),
        (1, "exit code 1"),
        (127, "exit code 127 (no such command)"),
        (137, "exit code 137 (killed: out of memory, or by SIGKILL)"),
        (134, "exit code 134 (ended by SIGABRT)"),
        (255, "exit code 255"),
    ],
)
def test_an_exit_code_is_told_with_its_meaning(code: int, said: str) -> None:
    assert with_meaning(code) == said


def test_a_container_that_the_kernel_killed_for_memory_ran_out_of_it() -> None:
    assert with_meaning(137, out_of_memory=True) == "exit code 137 (out of memory)"
    assert meaning(None) is None
