"""Lists of files, whatever their names are."""

import base64
import contextlib
import gzip
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.backups.listing import (
    FOUND,
    REMOVE,
    Saved,
    VolumeContent,
    as_restic_writes,
    found_files,
    in_the_way,
    packed,
    saved_files,
    topmost,
)
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import LocalRunner


def zipped(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def listing(*paths: str, ended: int = 0) -> str:
    nodes = [{"struct_type": "node", "path": path, "type": "file", "size": 3} for path in paths]
    lines = [{"struct_type": "snapshot", "paths": ["/v"]}, *nodes, {"exit": ended}]
    return zipped("\n".join(map(json.dumps, lines)).encode())


def test_a_snapshots_files_are_read_to_the_last() -> None:
    assert [(one.path, one.size) for one in saved_files(listing("/v", "/v/a"))] == [("/v", 3), ("/v/a", 3)]


@pytest.mark.parametrize(
    "listed", [listing("/v", ended=1), zipped(b""), zipped(b'{"struct_type":"node","path":"/v"}\n')]
)
def test_a_list_that_did_not_end_well_is_compared_with_nothing(listed: str) -> None:
    with pytest.raises(InfrastructureError, match="did not end well"):
        saved_files(listed)


def test_a_list_of_which_a_part_is_missing_is_not_used() -> None:
    whole = listing(*(f"/v/{number}" for number in range(1000)))
    for cut in (whole[:-40], whole[:100] + "\n[cc-ci: 900 bytes are missing here]\n" + whole[-100:], "x"):
        with pytest.raises(InfrastructureError):
            saved_files(cut)


ODD = [b"plain", b"new\nline", b"tab\t", b"\xff\xfe", b"half \xe4\xbd", "ä".encode(), b" ", b"-rf", b"$(x)"]


def file(name: bytes, kind: str = "file") -> Saved:
    return Saved(path=as_restic_writes(name), type=kind)


def test_what_is_found_is_found_and_removed_whatever_its_name_is(tmp_path: Path) -> None:
    folder = bytes(tmp_path) + b"/_data"
    Path(folder.decode()).mkdir()
    for name in ODD:
        Path((folder + b"/" + name).decode(errors="surrogateescape")).touch()
    found = found_files(LocalRunner()(("sh", "-c", FOUND, "sh", folder.decode())).stdout)
    assert set(found.files) == {folder + b"/" + name for name in ODD}
    later = in_the_way(found, [file(folder, "dir"), file(folder + b"/\xff\xfe")])
    assert set(later) == {folder + b"/" + name for name in ODD if name != b"\xff\xfe"}
    subprocess.run(("sh", "-c", REMOVE), input=packed(later), text=True, check=True)
    assert [path.name.encode(errors="surrogateescape") for path in tmp_path.glob("_data/*")] == [b"\xff\xfe"]


def test_what_was_saved_as_something_else_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "same").touch()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "s"))
        found = found_files(LocalRunner()(("sh", "-c", FOUND, "sh", str(tmp_path))).stdout)
    kinds = {
        "": "dir",
        "/folder": "file",
        "/file": "dir",
        "/link": "symlink",
        "/pipe": "fifo",
        "/same": "file",
    }
    saved = [file(bytes(tmp_path) + name.encode(), kind) for name, kind in kinds.items()]
    way = [Path(os.fsdecode(name)).name for name in in_the_way(found, saved)]
    assert way == ["file", "folder", "link", "pipe"]


def test_names_that_are_no_text_are_written_as_restic_does() -> None:
    # what `restic ls --json` printed of these names, version 0.14.0
    assert as_restic_writes(b"line\xff") == "line\ufffd"
    assert as_restic_writes(b"\xe4\xbd") == "\ufffd\ufffd"
    assert as_restic_writes("ä".encode()) == "ä"


@given(st.sets(st.binary(min_size=1, max_size=8).filter(lambda name: b"\0" not in name)))
def test_no_name_is_removed_that_was_saved(names: set[bytes]) -> None:
    found = [b"/v/" + name for name in names]
    assert in_the_way(VolumeContent(files=tuple(found)), map(file, found)) == ()


def test_a_folder_stands_for_what_is_below_it() -> None:
    assert topmost([b"/a/b", b"/a", b"/c/d", b"/ab", b"/a-b/c"]) == (b"/a-b/c", b"/a", b"/ab", b"/c/d")


@pytest.mark.attack(
    what="After the backup an app makes 100000 files and a tree of 5000 folders in its volume.",
    before="Comparing them with the snapshot took minutes, and half a gigabyte of cc-ci's memory.",
    now="They are compared within seconds as compressed lists, and only the topmost are removed.",
    layer="sandbox",
)
def test_many_files_and_deep_trees_are_compared_at_once() -> None:
    names = [b"/v/" + str(number).encode() for number in range(100_000)]
    deep = [b"/v" + b"/d" * depth for depth in range(1, 5001)]
    started = time.monotonic()
    later = in_the_way(VolumeContent(files=tuple(names), folders=tuple(deep)), [file(b"/v", "dir")])
    assert (len(later), b"/v/d" in later) == (100_001, True)
    assert time.monotonic() - started < 30
