import pytest

from cc_ci.errors import StageFailed
from cc_ci.stages.seeds import require


class Held(dict[str, str]):
    """Seeds in memory."""

    def write(self, key: str, value: str) -> None:
        self[key] = value

    def read(self, key: str) -> str | None:
        return self.get(key)

    def delete(self, key: str) -> None:
        self.pop(key, None)


def test_the_marker_that_is_back_is_enough() -> None:
    require(Held(kept="marker"), "kept", "marker", after="the restore")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({}, "nothing instead of 'marker' after the restore; data was lost"),
        ({"kept": "changed"}, "'changed' instead of 'marker'"),
    ],
)
def test_a_marker_that_is_not_back_fails(held: dict[str, str], said: str) -> None:
    with pytest.raises(StageFailed, match=said):
        require(Held(held), "kept", "marker", after="the restore")


def test_later_data_that_is_still_there_fails() -> None:
    with pytest.raises(StageFailed, match="later data has to be gone"):
        require(Held(later="x"), "later", None, after="the restore")
