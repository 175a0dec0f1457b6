"""A planted secret is found in whatever form and file it is, and is never printed."""

import base64
import io
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cc_ci_guard import planted
from cc_ci_guard.command import guard

SECRET = "pa55/w ord+Ünder&Score"
RAW = SECRET.encode()


def forms(text: bytes, secret: str = SECRET) -> list[str]:
    return [found.form for found in planted.in_text("log", text, [secret])]


def wrapped(text: bytes, width: int, between: bytes) -> bytes:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b"x " + RAW + b" y", "plain"),
        (base64.b64encode(RAW), "in base64"),
        (base64.b64encode(b"user:" + RAW + b"!"), "in base64"),
        (base64.b64encode(b"a" + RAW), "in base64"),
        (base64.urlsafe_b64encode(b"ab" + RAW), "in base64"),
        (quote(SECRET, safe="").encode(), "URL-encoded"),
        (quote(SECRET).replace("%20", "+").replace("/", "%2F").replace("+O", "%2BO").encode(), "URL-encoded"),
        ("".join(f"%{byte:02x}" for byte in RAW).encode(), "URL-encoded"),
        (RAW.hex().upper().encode(), "in hex"),
        (RAW[::-1], "backwards"),
        (wrapped(RAW, 4, b"\n  "), "in pieces"),
        (wrapped(RAW, 1, b"', '"), "in pieces"),
        (wrapped(base64.b64encode(RAW), 8, b"\n"), "in base64 in pieces"),
        (b"12:00 said " + RAW[:9] + b" (1)\n12:01 said " + RAW[9:] + b" (2)\n", "in pieces over lines"),
        (b"a " + RAW[:8] + b"\nb " + RAW[8:16] + b"\nc " + RAW[16:] + b"\n", "in pieces over lines"),
    ],
)
def test_each_form_is_found(text: bytes, form: str) -> None:
    if form == "URL-encoded" and b"+" in text:
        text = quote(SECRET, safe="").replace("%20", "+").encode()
    assert forms(text) == [form]


@pytest.mark.parametrize(
    "text", [b"", b"pa55/w", b"word under score", RAW[:-1], RAW[1:], RAW[:9] + b"\nother\n" + RAW[9:]]
)
def test_a_part_is_none(text: bytes) -> None:
    assert forms(text) == []


@given(st.binary(max_size=40), st.binary(max_size=40), st.sampled_from([base64.b64encode, bytes]))
def test_whatever_is_around_it(before: bytes, after: bytes, encode: object) -> None:
    text = base64.b64encode(before + RAW + after) if encode is base64.b64encode else before + RAW + after
    assert len(forms(text)) == 1


@given(st.text(alphabet="abcdef0123456789", min_size=planted.SHORTEST, max_size=12), st.binary(max_size=60))
def test_what_is_not_there_is_not_found_plain(secret: str, text: bytes) -> None:
    assert ("plain" in forms(text, secret)) == (secret.encode() in text)


def test_files_names_and_archives_are_looked_through(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence/app.log").write_text(f"one\ntwo {SECRET}\n")
    (tmp_path / "evidence/planted-secret-1.png").touch()
    with zipfile.ZipFile(tmp_path / "trace.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.json", SECRET + " " * 99)
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("inner.txt")
        member.size = len(RAW)
        tar.addfile(member, io.BytesIO(RAW))
    told = [found.told for found in planted.search(tmp_path, [SECRET, "planted-secret-1"])]
    assert told == [
        "all.tar.gz!inner.txt:1: planted secret 1, plain",
        "evidence/app.log:2: planted secret 1, plain",
        "evidence/planted-secret-1.png (its name):1: planted secret 2, plain",
        "trace.zip!net.json:1: planted secret 1, plain",
    ]


def test_a_broken_archive_is_read_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "trace.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18 + RAW)
    assert [found.form for found in planted.search(tmp_path, [SECRET])] == ["plain"]


def test_the_command_never_prints_the_secret(tmp_path: Path) -> None:
    run, secrets = tmp_path / "run", tmp_path / "planted"
    run.mkdir()
    secrets.write_text(f"{SECRET}\n")
    (run / "results.json").write_text("{}")
    clean = CliRunner().invoke(guard, ["secrets", str(run), "--planted", str(secrets)])
    assert (clean.exit_code, clean.output) == (0, f"1 planted secrets, none in {run}\n")
    (run / "results.json").write_text(SECRET)
    for flags in ([], ["--json"]):
        found = CliRunner().invoke(guard, ["secrets", str(run), "--planted", str(secrets), *flags])
        assert found.exit_code == 1
        assert SECRET not in found.output
    secrets.write_text("short\n")
    assert CliRunner().invoke(guard, ["secrets", str(run), "--planted", str(secrets)]).exit_code == 2
