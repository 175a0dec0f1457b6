"""One measurement at a time."""

from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.perf.canary import canary
from cc_ci.perf.measuring import measuring, under_way
from cc_ci.system.clock import SystemClock


@pytest.fixture(autouse=True)
def _own_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path))


def test_a_second_measurement_is_told_of_the_first() -> None:
    with measuring():
        assert under_way()
        with pytest.raises(InfrastructureError, match="another measurement is under way"), measuring():
            pass
    assert not under_way()


def test_a_canary_leaves_nothing(tmp_path: Path) -> None:
    seen = canary(tmp_path / "scratch", SystemClock())
    assert seen.cpu > 0 < seen.untar
    assert list((tmp_path / "scratch").iterdir()) == []
