from pathlib import Path

import pytest

from cc_ci.testkit.runs import Lab


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A fake node with a recipe; nothing of it is outside of the test's folder."""
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "runtime"))
    return Lab(tmp_path)
