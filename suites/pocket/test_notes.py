import pytest
import seed

from cc_ci.suite.contents import contents, difference

MEBIBYTE = 1024 * 1024
LARGER_THAN_A_SERVER_TAKES_BY_DEFAULT = 4 * MEBIBYTE


def test_a_note_is_kept_changed_and_removed(app, http):
    assert seed.get(app, http, "list") is None
    for text in (b"milk", b"milk, bread"):
        seed.keep(app, http, "list", text)
        assert seed.get(app, http, "list") == text
    seed.keep(app, http, "list", b"")
    assert seed.get(app, http, "list") is None


def test_a_note_that_gets_shorter_keeps_nothing_of_the_longer_one(app, http):
    for text in (b"a long list of things to buy", b"milk"):
        seed.keep(app, http, "shorter", text)
    assert seed.get(app, http, "shorter") == b"milk"


def test_keys_that_differ_in_case_are_two_notes(app, http):
    seed.keep(app, http, "Case", b"upper")
    seed.keep(app, http, "case", b"lower")
    assert seed.get(app, http, "Case") == b"upper"
    seed.keep(app, http, "case", b"")
    assert seed.get(app, http, "Case") == b"upper"


@pytest.mark.parametrize("kind", ["letters", "long", "binary"])
def test_a_note_comes_back_byte_by_byte(app, http, kind):
    content = getattr(contents(f"note of {app.domain}"), kind)
    content = content if isinstance(content, bytes) else content.encode()
    seed.keep(app, http, f"as-sent-{kind}", content)
    assert difference(content, seed.get(app, http, f"as-sent-{kind}")) is None


def test_a_note_may_be_larger_than_servers_take_by_default(app, http):
    content = contents("large", binary=LARGER_THAN_A_SERVER_TAKES_BY_DEFAULT).binary
    seed.keep(app, http, "large", content)
    assert difference(content, seed.get(app, http, "large")) is None


def test_the_front_page_names_the_app(app, http):
    assert app.domain in http.get("/").text
