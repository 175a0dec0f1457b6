"""What others wrote is shown, and moves no terminal, whichever message it is part of."""

import pytest

from cc_ci.cli import main
from cc_ci.cli.story import story


def test_an_error_has_escapes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["cc-ci", "recipe", "inspect", "/none/\x1b[2J"])
    with pytest.raises(SystemExit):
        main.main()
    said = capsys.readouterr().err
    assert r"/none/\x1b[2J" in said
    assert "\x1b" not in said


def test_the_story_has_no_such_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with story() as tell:
        tell("install: failed: \x1b[2J\x07said by the app")
    assert capsys.readouterr().err == "install: failed: said by the app\n"
