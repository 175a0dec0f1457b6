"""What a suite leaves in its evidence folder is kept within limits, and nothing of it leads anywhere."""

import os
import socket
from pathlib import Path

import pytest

from cc_ci.suite import evidence
from cc_ci.suite.evidence import prepare, settle
from cc_ci.system.clearing import remove_tree
from cc_ci.system.redaction import MASK, Redactor


def redact(text: str) -> str:
    return text.replace("hunter2", "[redacted]")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_text_is_redacted_and_pictures_are_kept(tmp_path: Path) -> None:
    (tmp_path / "browser/test-a").mkdir(parents=True)
    (tmp_path / "browser/test-a/page-1.png").write_bytes(b"\x89PNG hunter2")
    (tmp_path / "report.jsonl").write_text("said hunter2\n")
    (tmp_path / "odd.bin").write_bytes(b"\xff hunter2\r\n")
    assert settle(tmp_path, redact=redact) is None
    assert (tmp_path / "report.jsonl").read_text() == "said [redacted]\n"
    assert (tmp_path / "browser/test-a/page-1.png").read_bytes() == b"\x89PNG hunter2"
    assert (tmp_path / "odd.bin").read_bytes() == "\ufffd [redacted]\r\n".encode()


@pytest.mark.attack(
    what="A suite leaves links, pipes, sockets and names that clear the terminal as evidence.",
    before="Links, pipes and sockets were dropped silently, and such names were kept.",
    now="They are dropped, and the results say so.",
    layer="input",
)
def test_what_is_no_plain_file_is_dropped_and_told(tmp_path: Path) -> None:
    (tmp_path / "a-link").symlink_to("/etc/shadow")
    os.mkfifo(tmp_path / "b-pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "c-socket"))
    (tmp_path / "d\x1b[2J\n.txt").touch()
    (tmp_path / ("e" * 200)).mkdir()
    (tmp_path / "kept.txt").touch()
    said = settle(tmp_path, redact=redact)
    assert names(tmp_path) == ["kept.txt"]
    assert said == (
        "of its evidence 'a-link', 'b-pipe', 'c-socket' and 2 more was dropped:"
        " no plain files, or too many or too large ones"
    )


@pytest.mark.attack(
    what="A suite leaves folders nested 1,200 deep, whose paths nobody can open.",
    before="There was an internal error (file name too long), and a RecursionError in a later clean-up.",
    now="Five levels are kept; whatever is below them is removed.",
    layer="input",
)
def test_a_deep_tree_is_cut(tmp_path: Path) -> None:
    here = Path.cwd()
    os.chdir(tmp_path)
    for _level in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(here)
    try:
        said = settle(tmp_path, redact=redact)
        assert names(tmp_path) == ["/".join("d" * depth) for depth in range(1, evidence.DEEPEST + 1)]
        assert said
    finally:
        remove_tree(tmp_path)


@pytest.mark.attack(
    what="A suite fills its evidence with many files, or with a few huge ones.",
    before="All were kept: the disk filled up, and later runs failed as if the host were to blame.",
    now="At most 1,000 files and 128 MB are kept; report and log come first.",
    layer="input",
)
def test_files_are_counted_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_FILES", 10)
    room = evidence._Room(files=10, size=1000)
    monkeypatch.setattr(evidence, "_Room", lambda: room)
    monkeypatch.setattr(evidence, "TEXT_LIMIT", 300)
    for number in range(20):
        (tmp_path / f"a{number}.txt").write_text("x" * 5)
    (tmp_path / "big.txt").write_text("y" * 50_000)
    os.truncate(tmp_path / "big.txt", 1 << 40)
    (tmp_path / "huge.png").touch()
    os.truncate(tmp_path / "huge.png", 1 << 40)
    (tmp_path / "report.jsonl").write_text("r" * 200)
    (tmp_path / "pytest.log").write_text("l" * 400)
    assert settle(tmp_path, redact=redact)
    kept = names(tmp_path)
    assert len(kept) == 10
    assert {"report.jsonl", "pytest.log"} <= set(kept)
    log = (tmp_path / "pytest.log").read_text()
    assert log.startswith("l" * 150 + "\n[cc-ci: 100 bytes are missing here]\n" + "l" * 150)
    assert log.endswith("\n[cc-ci: this was cut: 100 of 400 bytes are missing]\n")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1200


@pytest.mark.attack(
    what="A suite leaves an archive with a secret in it, which redaction can't look into.",
    before="It was treated as text and destroyed.",
    now="It is kept unchanged, and named as not redacted.",
    layer="sandbox",
)
def test_archives_are_kept_whole(tmp_path: Path) -> None:
    for name in ("trace.zip", "video.WEBM"):
        (tmp_path / name).write_bytes(b"PK\xff hunter2")
    assert settle(tmp_path, redact=redact) is None
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"PK\xff hunter2"}


@pytest.mark.attack(
    what="A suite writes a log that is too long, with a secret where it will be cut.",
    before="The first half of the secret was kept.",
    now="The rest of a secret beside a cut is removed, and a last line says how much is missing.",
    layer="sandbox",
)
def test_a_cut_leaves_no_half_of_a_secret(tmp_path: Path) -> None:
    secret = "Zk3hV9tQ2mX7cB5nL8wR"
    redactor = Redactor()
    redactor.learn(secret)
    half = evidence.TEXT_LIMIT // 2
    (tmp_path / "long.log").write_text("x" * (half - 10) + secret + "y" * (half + 100))
    settle(tmp_path, redact=redactor)
    text = (tmp_path / "long.log").read_text()
    assert f"x{MASK}\n[cc-ci: " in text
    assert text.endswith(" bytes are missing]\n")


@pytest.mark.attack(
    what="Another user of the machine reads what a suite left.",
    before="Folders were 0755 and files 0644.",
    now="Folders are 0700 and files 0600, whatever the umask and whatever the suite set.",
    layer="input",
)
def test_all_of_it_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        prepare(tmp_path / "a/b", uid=None)
        (tmp_path / "a/b/browser").mkdir()
        for name in ("a.txt", "browser/b.png"):
            (tmp_path / "a/b" / name).write_text("x")
        settle(tmp_path / "a/b", redact=redact)
    finally:
        os.umask(before)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        **dict.fromkeys(("a", "a/b", "a/b/browser"), 0o700),
        **dict.fromkeys(("a/b/a.txt", "a/b/browser/b.png"), 0o600),
    }


def test_a_later_call_finds_no_line_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "report.jsonl").mkdir()
    (tmp_path / "pytest.log").symlink_to("/etc/hostname")
    (tmp_path / "browser").mkdir()
    (tmp_path / "own.txt").touch()
    prepare(tmp_path, uid=None)
    assert names(tmp_path) == ["own.txt"]
