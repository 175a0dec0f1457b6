"""Every kind of damage to a marker shows."""

import msgspec
import pytest

from cc_ci.backups.markers import (
    LONG,
    Exactness,
    FileOwner,
    MarkerEntry,
    archive,
    entries,
    judge,
    read_archive,
)

APP, OTHER = FileOwner(uid=101, gid=102), FileOwner(uid=0, gid=0)


def damaged(path: str, **changes: object) -> dict[str, MarkerEntry]:
    there = entries("v1", APP)
    return {**there, path: msgspec.structs.replace(there[path], **changes)}


def faults(
    found: dict[str, MarkerEntry], *, exactness: Exactness = "exact", root: FileOwner = APP
) -> tuple[str, ...]:
    return judge(found, exactness=exactness, root=root).faults


@pytest.mark.parametrize(
    "owner", [APP, FileOwner(uid=0, gid=0), FileOwner(uid=2_000_100_101, gid=4_294_967_294)]
)
def test_a_marker_is_read_back_from_its_own_archive(owner: FileOwner) -> None:
    # root of a container may be any user of the machine
    found = read_archive(archive("v1", owner), name="")
    assert found == entries("v1", owner)
    read = judge(found, exactness="exact", root=owner)
    assert (read.value, read.faults) == ("v1", ())


def test_a_marker_has_files_of_every_kind() -> None:
    found = entries("v1", APP)
    contents = [entry.content for entry in found.values() if entry.content is not None]
    assert max(map(len, contents)) == LONG > 64 * 1024
    assert b"" in contents
    assert any(b"\0" in content and b"\xff" in content for content in contents)
    assert any("你好" in content.decode(errors="ignore") for content in contents)
    assert {entry.mode for entry in found.values()} >= {0o600, 0o640, 0o644, 0o755, 0o750, 0o700}
    assert sum(entry.kind == "folder" for entry in found.values()) > 1


@pytest.mark.parametrize(
    ("path", "changes", "said"),
    [
        ("long", {"content": b"x" * 65536}, "long: other content (65536 bytes, 200000 were written)"),
        ("binary", {"content": b"\xef\xbf\xbd"}, "binary: other content"),
        ("letters", {"content": b"Gr??e"}, "letters: other content"),
        ("empty", {"content": b"\n"}, "empty: other content"),
        ("letters", {"mode": 0o644}, "letters: mode 0644 instead of 0600"),
        ("deep", {"mode": 0o755}, "deep: mode 0755 instead of 0750"),
        ("deep/er/program", {"mode": 0o644}, "deep/er/program: mode 0644 instead of 0755"),
        ("value", {"owner": OTHER}, "value: owner 0:0 instead of 101:102"),
        ("deep/nothing", {"owner": OTHER}, "deep/nothing: owner 0:0"),
        ("value", {"time": 1.0}, "value: its time of change is -1599999999 s from the one that it had"),
        ("deep/er", {"kind": "something else"}, "deep/er: something else instead of a folder"),
    ],
)
def test_what_is_not_as_it_was_is_named(path: str, changes: dict[str, object], said: str) -> None:
    assert any(fault.startswith(said) for fault in faults(damaged(path, **changes)))


@pytest.mark.parametrize("path", [path for path in entries("v1", APP) if path not in ("value", "owner")])
def test_what_is_gone_is_named(path: str) -> None:
    found = {name: entry for name, entry in entries("v1", APP).items() if name != path}
    assert faults(found) == (f"{path}: is gone",)


def test_an_app_may_give_all_of_its_files_one_owner_and_mode() -> None:
    owned = {path: msgspec.structs.replace(one, owner=OTHER) for path, one in entries("v1", APP).items()}
    assert faults(owned, exactness="usable", root=OTHER) == ()
    assert faults(owned, exactness="exact", root=OTHER)
    assert faults(owned, exactness="usable", root=APP)
    assert faults(damaged("binary", mode=0o600), exactness="usable") == ()
    assert faults(damaged("binary", mode=0o000), exactness="usable") == ("binary: mode 0000 instead of 0640",)
    assert faults(damaged("long", content=b""), exactness="usable")
    assert faults(damaged("long", time=2.0), exactness="usable")


def test_a_marker_without_its_value_is_there_in_parts() -> None:
    found = entries("v1", APP)
    del found["value"]
    assert "in parts" in faults(found)[0]
    assert "in parts" in faults(damaged("owner", content=b"nobody"))[0]
    assert "in parts" in faults({"": entries("v1", APP)["deep"]})[0]


def test_what_is_no_archive_can_not_be_read() -> None:
    with pytest.raises(ValueError, match="can't be read"):
        read_archive(b"x" * 1024, name="m")
