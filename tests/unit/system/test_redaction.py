"""Secrets as logs, answers and pages really show them: whatever the form, nothing of use is left."""

import base64
import html
import itertools
import json
import random
import textwrap
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.system import redaction
from cc_ci.system.bounded import capped, cut_mark
from cc_ci.system.redaction import MASK, Redactor

SECRET = "kR9v/T2+wQ_7x-Zb\"4&nL0s'pY<3"
TOKEN = "Zk3hV9tQ2mX7cB5nL8wR"
STAMP = "2026-11-25T21:33:39.123456789Z "
LEFT = 3
"""So many letters of a secret in a row say nothing of it."""


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    for secret in secrets:
        made.learn(secret)
    return made


def assert_gone(said: str, secret: str) -> None:
    pieces = {secret[at : at + LEFT + 1] for at in range(len(secret) - LEFT)}
    left = sorted(piece for piece in pieces if piece in said)
    assert not left, f"{left} of {secret!r} in {said!r}"
    assert MASK in said


def basic(secret: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"admin:{secret}".encode()).decode()


def percent(secret: str) -> str:
    return "?p=" + "".join(f"%{byte:02x}" for byte in secret.encode()) + "&q=1"


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: f"password={secret}.",
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    "base64 at another place": lambda secret: base64.b64encode(f"a{secret}b".encode()).decode(),
    "base64 at a third place": lambda secret: base64.urlsafe_b64encode(f"ab{secret}".encode()).decode(),
    "basic": basic,
    "data URL": lambda secret: "data:;base64," + quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "hex": lambda secret: secret.encode().hex(),
    "HEX": lambda secret: secret.encode().hex().upper(),
    "\\x": lambda secret: "b'" + "".join(f"\\x{byte:02x}" for byte in secret.encode()) + "'",
    "URL": lambda secret: f"https://me:{quote(secret, safe='')}@host/",
    "URL with all letters": percent,
    "URL in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "HTML": lambda secret: f'<input value="{html.escape(secret)}">',
    "HTML by number": lambda secret: "".join(f"&#{ord(letter)};" for letter in secret),
    "HTML by number in hex": lambda secret: "".join(f"&#x{ord(letter):X};" for letter in secret),
    "JSON": lambda secret: json.dumps({"password": secret}),
    "JSON with slashes": lambda secret: json.dumps({"password": secret}).replace("/", "\\/"),
    "JSON by number": lambda secret: '{"p":"' + "".join(f"\\u{ord(letter):04x}" for letter in secret) + '"}',
    "JSON in JSON": lambda secret: json.dumps({"log": json.dumps({"password": secret})}),
    "JSON in HTML": lambda secret: html.escape(json.dumps({"password": secret})),
    "coloured": lambda secret: f"\x1b[1m{secret[:5]}\x1b[0;31m{secret[5:]}\x1b[0m",
}


@pytest.mark.attack(
    what="An app writes its secret in base64, hex, or with the escapes of a URL, HTML or JSON.",
    before="Only the plain secret was removed from logs, answers and messages.",
    now="All of these forms are removed, also combined and within longer base64.",
    layer="input",
)
@pytest.mark.parametrize("secret", [SECRET, TOKEN, "pässwörd €uro", "six:6!", "a b+c d%20e"])
@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_taken_out_in_every_form(form: str, secret: str) -> None:
    written, empty = FORMS[form](secret), FORMS[form]("")
    said = redactor(secret)(f"before {written} after")
    assert said.startswith("before ")
    assert said.endswith(" after")
    assert_gone(said, secret)
    first, last = shared(written, empty), len(written) - shared(written[::-1], empty[::-1])
    assert not [written[at : at + 8] for at in range(first, last - 7) if written[at : at + 8] in said]


def shared(one: str, other: str) -> int:
    """How many letters two texts begin with alike."""
    pairs = itertools.zip_longest(one, other)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def prefixed(pieces: list[str], prefix: str) -> str:
    return "".join(f"{prefix}{piece}\n" for piece in pieces)


@pytest.mark.attack(
    what="A log wraps a secret over several lines, each with a timestamp or a prefix.",
    before="A secret with a line break in it was not removed.",
    now="It is removed at any line width, whatever each line begins with.",
    layer="input",
)
@pytest.mark.parametrize("prefix", ["", "    ", STAMP, "app_1  | ", f"{STAMP}[info] db: "])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 10, 16, 19])
@pytest.mark.parametrize("lead", ["", "password is "])
def test_a_secret_in_pieces_is_taken_out(width: int, prefix: str, lead: str) -> None:
    for line_end in ("\n", "\r\n", "\n\n", " \\\n"):
        wrapped = prefixed(textwrap.wrap(TOKEN, width), prefix).replace("\n", line_end)
        said = redactor(TOKEN)(f"{prefix}first line\n{lead}{wrapped}{prefix}last line")
        letters = "".join(said.split()).replace(MASK, "")
        assert_gone(letters + MASK, TOKEN)
        assert "first line" in said
        assert "last line" in said


@pytest.mark.parametrize("width", [20, 64, 76])
@pytest.mark.parametrize("prefix", ["", STAMP])
def test_base64_of_several_lines_is_taken_out(width: int, prefix: str) -> None:
    content = b"x" * 50 + TOKEN.encode() + b"y" * 50
    written = base64.b64encode(content).decode()
    said = redactor(TOKEN)(prefixed(textwrap.wrap(written, width), prefix))
    left = "".join(line.removeprefix(prefix) for line in said.splitlines()).replace(MASK, "")
    assert base64.b64encode(b"xx" + TOKEN.encode())[4:-4].decode()[:8] not in left
    assert TOKEN[:6] not in base64.b64decode(left + "=" * (-len(left) % 4)).decode(errors="replace")


def test_a_secret_of_several_lines_is_taken_out_with_a_stamp_before_each() -> None:
    key = "-----BEGIN KEY-----\n" + "\n".join(base64.b64encode(bytes([n] * 48)).decode() for n in range(5))
    said = redactor(key)(f"{STAMP}key:\n" + prefixed(key.splitlines(), STAMP) + "end")
    assert base64.b64encode(bytes([3] * 48)).decode() not in said
    assert said.endswith("end")
    assert MASK in redactor(key)(json.dumps({"key": key}))


@given(
    secret=st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f"),
        min_size=8,
        max_size=40,
    ),
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    form=st.sampled_from(["plain", "basic", "URL", "JSON by number", "HTML by number"]),
)
def test_any_secret_is_found_anywhere(secret: str, before: str, after: str, form: str) -> None:
    value = secret.strip()
    if len(value) < 8 or any(ord(letter) > 0xFFFF for letter in value):
        return
    made = redactor(value)
    written = FORMS[form](value)
    assert made.find(f"{before}\n{written}\n{after}")
    assert written not in made(f"{before}\n{written}\n{after}")


@given(width=st.integers(1, 39), at=st.integers(0, 60), seed=st.integers(0, 10**6))
def test_any_width_is_found(width: int, at: int, seed: int) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    secret = "".join(random.Random(seed).choices(letters, k=40))
    text = "." * at + secret
    wrapped = prefixed([text[n : n + width] for n in range(0, len(text), width)], STAMP)
    left = "".join(line.removeprefix(STAMP) for line in redactor(secret)(wrapped).splitlines())
    assert_gone(left.replace(MASK, "") + MASK, secret)


@pytest.mark.parametrize("form", ["plain", "basic", "JSON in JSON"])
def test_a_long_text_is_looked_through_everywhere(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "BLOCK", 64 * 1024)
    step = redaction.BLOCK // 4
    for shift in range(0, 200, 7):
        filler = "x" * (step - 100 + shift) + "\n"
        text = "".join(f"{filler}{FORMS[form](TOKEN)}\n{TOKEN[:9]}\n{STAMP}{TOKEN[9:]}\n" for _ in range(5))
        said = redactor(TOKEN)(text)
        assert said.count(MASK) == 15
        assert len(redactor(TOKEN).find(text)) == 10


def test_what_a_cut_left_of_a_secret_is_taken_out_on_both_sides() -> None:
    said = redactor(TOKEN)(f"a {TOKEN[:9]}\n{cut_mark(5)}\n{TOKEN[-9:]} b")
    assert said == f"a {MASK}\n{cut_mark(5)}\n{MASK} b"
    text = ("x" * 10 + TOKEN) * 100
    for limit in range(900, 940):
        assert TOKEN[:5] not in redactor(TOKEN)(capped(text, limit))


@pytest.mark.parametrize(
    "text",
    [
        "the admin logged in, and the password was wrong\n",
        "adm\nin\n",
        "2026-11-25 error\nsecret\npassword: \n",
        base64.b64encode(b"nothing of interest in here, really").decode(),
        "".join(f"line {number} of many\n" for number in range(200)),
        "a\nb\nc\nd\ne\nf\ng\nh\n",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert redactor("admin", "short", TOKEN, SECRET, "0123456789abcdef")(text) == text


def test_a_value_below_six_letters_is_no_secret() -> None:
    assert redactor("admin")("admin") == "admin"
    assert redactor("admin1")("admin1") == MASK
    assert redactor("seven77")("seve\nn77") == "seve\nn77"
    assert redactor("eight888")("x eigh\nt888 y") == f"x {MASK}\n{MASK} y"


def test_what_is_found_is_told_by_name_kind_and_place() -> None:
    made = Redactor()
    made.learn(TOKEN, name="secret db_password")
    made.learn(SECRET)
    text = f"one\n{TOKEN}\n{basic(SECRET)}\nthree {TOKEN[:9]}\n{STAMP}{TOKEN[9:]}\n"
    found = made.find(text)
    assert [(hit.secret, hit.kind, hit.line, len(hit.spans)) for hit in found] == [
        ("secret db_password", "plain", 2, 1),
        ("secret 2", "base64", 3, 1),
        ("secret db_password", "plain", 4, 2),
    ]
    assert [text[slice(*span)] for span in found[-1].spans] == [TOKEN[:9], TOKEN[9:]]
    assert made.find("nothing") == ()
    assert made.secrets == (SECRET, TOKEN)


def test_a_secret_that_holds_another_leaves_nothing_of_either() -> None:
    assert redactor("abcdefgh", "xxabcdefghyy")("-xxabcdefghyy-") == f"-{MASK}-"


def test_nothing_learnt_costs_nothing() -> None:
    assert redactor()("text %41") == "text %41"
