import hypothesis.strategies as st
import pytest
from hypothesis import given

from cc_ci.suite.contents import BINARY, LETTERS, LONG, contents, difference


def test_everything_follows_from_the_value() -> None:
    assert contents("marker-1") == contents("marker-1")
    one, other = contents("marker-1"), contents("marker-2")
    for kind in ("short", "letters", "long", "binary"):
        assert getattr(one, kind) != getattr(other, kind)


def test_long_and_binary_are_beyond_64_kilobytes_and_as_long_as_asked() -> None:
    found = contents("marker-1")
    assert (len(found.long), len(found.binary)) == (LONG, BINARY)
    assert min(LONG, BINARY) > 65_536
    assert LETTERS in found.long
    assert set(found.binary) == set(range(256))
    assert (len(contents("m", long=500, binary=10).long), len(contents("m", binary=10).binary)) == (500, 10)


@given(st.text(min_size=1, max_size=200), st.data())
def test_a_text_that_was_cut_anywhere_is_told(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text) - 1))
    told = difference(text, text[:place])
    assert told
    assert f"from number {place} on" in told
    assert difference(text, text) is None


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        ("abc", None, "nothing instead of 3 characters"),
        (b"abc", None, "nothing instead of 3 bytes"),
        (b"abc", "abc", "str instead of 3 bytes"),
        (
            "Grüße",
            "GrÃ¼Ã\x9fe",
            "7 characters, 5 were written; from number 2 on it is 'Ã¼Ã\\x9fe' instead of 'üße'",
        ),
        (
            b"\x00\xff",
            b"\x00\xef",
            "2 bytes, 2 were written; from number 1 on it is b'\\xef' instead of b'\\xff'",
        ),
    ],
)
def test_what_came_back_otherwise_is_told_in_a_few_words(
    wanted: str | bytes, found: str | bytes | None, told: str
) -> None:
    assert difference(wanted, found) == told
