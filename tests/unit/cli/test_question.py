"""What `baseline` and `limit` refuse before anything is brought up."""

import pytest
from click.testing import CliRunner

from cc_ci.cli.baseline import baseline
from cc_ci.cli.limit import limit
from cc_ci.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cpus", "0"], "flag --cpus: cpus: expected `float` > 0"),
        (["--bandwidth", "fast"], "flag --bandwidth: bandwidth: "),
        (["--memory", "much"], "flag --memory: memory: "),
    ],
)
def test_a_node_that_cannot_be_is_refused(arguments: list[str], said: str) -> None:
    for command, recipe in ((baseline, []), (limit, ["custom-html"])):
        called = CliRunner().invoke(command, [*recipe, *arguments])
        assert isinstance(called.exception, UsageError)
        assert str(called.exception).startswith(said)


def test_no_runs_at_all_are_no_set() -> None:
    called = CliRunner().invoke(baseline, ["--cold", "0", "--warm", "0"])
    assert isinstance(called.exception, UsageError)
    assert "there is nothing to measure" in str(called.exception)
