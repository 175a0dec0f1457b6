"""Fixtures of the tests on backups."""

from pathlib import Path

import pytest
from local_volumes import HereReach

from cc_ci.backups import places


@pytest.fixture
def here() -> HereReach:
    return HereReach()


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The content of the volume `web_content`."""
    monkeypatch.setattr(places, "VOLUMES", str(tmp_path))
    content = tmp_path / "web_content" / "_data"
    content.mkdir(parents=True)
    return content
