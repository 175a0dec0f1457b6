import base64
import gzip
import json
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from cc_ci.backups.contents import told
from cc_ci.backups.listing import Saved, packed
from cc_ci.backups.restic import Repository, Snapshot, escaped, read_faults, restore_argv
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed
from cc_ci.recipes.backup_labels import BackupPlan, VolumeBackup
from cc_ci.system.process import Completed, ScriptedRunner
from cc_ci.system.redaction import MASK, Redactor

CONTENT = "/var/lib/docker/volumes/web_content"
DATA = f"{CONTENT}/_data"
SUMMARY = json.dumps(
    {
        "message_type": "summary",
        "snapshot_id": "e52f443f",
        "total_files_processed": 2,
        "total_bytes_processed": 30,
        "data_added": 99,
        "tree_blobs": 1,
    },
    separators=(",", ":"),
)
SNAPSHOT = Snapshot(
    id="e52f443f", files=2, bytes=30, added=99, seconds=0.1, paths=(CONTENT,), volumes=("web_content",)
)


class ScriptedReach:
    """Answers tools as told; notes what each was called with."""

    def __init__(self) -> None:
        self.script = ScriptedRunner()
        self.asked: list[Mapping[str, object]] = []

    def __call__(
        self, argv: Sequence[str], *, stdin: str | None = None, env: Mapping[str, str] = {}, **asked: object
    ) -> Completed:
        self.asked.append({**asked, "env": dict(env)})
        return self.script(argv, stdin=stdin)

    @property
    def tools(self) -> list[str]:
        return [call[2].split()[1] if call[0] == "sh" else " ".join(call[:2]) for call in self.script.calls]


@pytest.fixture
def reach() -> ScriptedReach:
    return ScriptedReach()


@pytest.fixture
def redact() -> Redactor:
    return Redactor()


@pytest.fixture
def repository(reach: ScriptedReach, redact: Redactor) -> Repository:
    return Repository(reach, redact=redact)


def test_the_password_is_learnt_and_goes_by_the_environment_alone(
    repository: Repository, reach: ScriptedReach, redact: Redactor
) -> None:
    reach.script.on("restic", "init")
    repository.create()
    assert reach.script.calls == [("restic", "init")]
    (asked,) = reach.asked
    env = asked["env"]
    assert isinstance(env, dict)
    assert env["RESTIC_REPOSITORY"] == "/repository"
    assert redact(env["RESTIC_PASSWORD"]) == MASK
    assert (asked["volumes"], asked["repository"]) == ((), True)


def test_a_backup_is_made_of_the_paths_that_an_operators_has(
    repository: Repository, reach: ScriptedReach
) -> None:
    status = '{"message_type":"status","percent_done":0}\n'
    reach.script.on("restic", "backup", stdout=status + SUMMARY + "\n")
    snapshot = repository.backup([CONTENT], volumes=["web_content"], tag="web")
    assert snapshot == Snapshot(
        id="e52f443f", files=2, bytes=30, added=99, seconds=0, paths=(CONTENT,), volumes=("web_content",)
    )
    backup = ("restic", "backup", "--json", "--no-cache", "--host", "cc-ci", "--tag", "web", "--", CONTENT)
    assert reach.script.calls == [backup]
    assert reach.asked[0]["access"] == "reads"
    assert reach.asked[0]["timeout"]


def test_a_backup_without_a_summary_is_an_error(repository: Repository, reach: ScriptedReach) -> None:
    reach.script.on("restic", "backup", stdout="done")
    with pytest.raises(InfrastructureError, match="gave no summary"):
        repository.backup([CONTENT], volumes=["web_content"], tag="web")


def unread(path: str, number: int) -> str:
    error = {"Op": "lstat", "Path": path, "Err": number}
    return json.dumps({"message_type": "error", "error": error, "during": "archival", "item": path}) + "\n"


@pytest.mark.attack(
    what="An app makes a tree of 5000 folders in its volume, deeper than any path can be.",
    before="restic could not read it, and the run blamed the host.",
    now="The backup fails because of the recipe, and the message names a file that no backup would have.",
    layer="sandbox",
)
def test_what_restic_can_not_read_is_in_no_operators_backup(
    repository: Repository, reach: ScriptedReach
) -> None:
    said = unread(f"{DATA}/scratch", 2) + unread(DATA + "/d" * 2100, 36) + unread(f"{DATA}/x", 13)
    reach.script.on("restic", "backup", stdout=SUMMARY, stderr=said, returncode=3)
    with pytest.raises(StageFailed, match=r"_data/d/.*\.\.\.'?: file name too long \(and 1 more\)") as caught:
        repository.backup([CONTENT], volumes=["web_content"], tag="web")
    assert len(str(caught.value)) < 400
    assert len(reach.script.calls) == 3


def test_a_file_that_the_app_removed_meanwhile_was_none_to_keep(
    repository: Repository, reach: ScriptedReach
) -> None:
    reach.script.on("restic", "backup", stdout=SUMMARY, stderr=unread(f"{DATA}/scratch", 2), returncode=3)
    assert repository.backup([CONTENT], volumes=["web_content"], tag="web").id == "e52f443f"


def test_a_file_that_moves_about_is_read_at_another_attempt(
    repository: Repository, reach: ScriptedReach
) -> None:
    for moving in ("a", "b"):
        said = json.dumps({"message_type": "error", "error": {}, "item": f"{DATA}/{moving}"})
        reach.script.on("restic", "backup", stdout=SUMMARY, stderr=said, returncode=3)
    assert repository.backup([CONTENT], volumes=["web_content"], tag="web").id == "e52f443f"
    assert len(reach.script.calls) == 2


def test_errors_are_read_as_newer_restics_write_them_too() -> None:
    newer = '{"message_type":"error","error":{"message":"denied"},"item":"/a b"}\nnot json\n[1]\n'
    assert [str(fault) for fault in read_faults(newer)] == ["'/a b': denied"]


def test_a_tool_that_fails_is_our_fault(repository: Repository, reach: ScriptedReach) -> None:
    reach.script.on("restic", stderr="Fatal: wrong password\n", returncode=1)
    with pytest.raises(CommandFailed, match="restic init: exit 1: Fatal: wrong password"):
        repository.create()


def test_a_restore_goes_to_the_root_and_keeps_off_the_folders_above() -> None:
    assert restore_argv("e52f443f", [CONTENT]) == (
        *("restic", "restore", "--no-cache", "e52f443f", "--target", "/"),
        *("--include", CONTENT),
    )
    assert escaped("/a*b[1]?") == r"/a\*b\[1]\?"


def zipped(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def there(reach: ScriptedReach, *, saved: Mapping[str, str], found: Mapping[str, Sequence[str]]) -> None:
    """Script what is asked for a restore: room, both lists, removal, restore."""
    nodes = [
        json.dumps({"struct_type": "node", "path": path, "type": kind, "size": 5})
        for path, kind in saved.items()
    ]
    marks = {"dir": "files", "file": "others", "other": "end"}
    names = [name for kind, mark in marks.items() for name in (*found.get(kind, ()), mark)]
    listed = {
        "free": "free 1000 4096\n",
        "restic": zipped("\n".join([*nodes, '{"exit":0}']).encode()),
        "find": zipped("\0".join([*names, ""]).encode()),
        "-d": "",
    }

    class Scripts(ScriptedRunner):
        def __call__(self, argv: Sequence[str], **options: object) -> Completed:
            super().__call__(argv, **options)  # type: ignore[arg-type]
            script = argv[2] if argv[0] == "sh" else ""
            tool = next((word for word in ("free", "restic", "find") if word in script), "-d")
            return Completed(argv=tuple(argv), returncode=0, stdout=listed[tool], stderr="")

    reach.script = Scripts().on("sh").on("restic")


def test_a_restore_first_removes_what_came_later_and_nothing_else(
    repository: Repository, reach: ScriptedReach
) -> None:
    there(
        reach,
        saved={"/var": "dir", CONTENT: "dir", DATA: "dir", f"{DATA}/kept": "file", f"{DATA}/link": "symlink"},
        found={
            "dir": [CONTENT, DATA, f"{DATA}/late"],
            "file": [f"{DATA}/kept", f"{DATA}/late/deep", f"{DATA}/odd\nname"],
            "other": [f"{DATA}/link"],
        },
    )
    restored = repository.restore(SNAPSHOT)
    assert restored.removed == (f"{DATA}/late", f"{DATA}/odd\nname")
    names = [f"{DATA}/{name}".encode() for name in ("late", "link", "odd\nname")]
    assert reach.script.stdins[-2] == packed(names)
    assert reach.script.calls[-1][:2] == ("restic", "restore")
    assert [asked["access"] for asked in reach.asked] == ["reads", "reads", "reads", "changes", "changes"]
    assert [asked.get("repository", False) for asked in reach.asked] == [False, True, False, False, True]
    assert all(asked["timeout"] for asked in reach.asked)


def test_a_restore_with_nothing_late_removes_nothing(repository: Repository, reach: ScriptedReach) -> None:
    there(reach, saved={CONTENT: "dir"}, found={"dir": [CONTENT]})
    assert repository.restore(SNAPSHOT).removed == ()
    assert len(reach.script.calls) == 4


@pytest.mark.attack(
    what="A volume has a file of 100 GB that is one hole, which a restore writes out in full.",
    before="The restore filled the machine's disk.",
    now="The size of a restore is compared with the free space before anything is written.",
    layer="sandbox",
)
def test_a_restore_that_the_disk_has_no_room_for_is_not_begun(
    repository: Repository, reach: ScriptedReach
) -> None:
    there(reach, saved={}, found={})
    large = Snapshot(
        id="a1", files=1, bytes=5_000_000, added=1, seconds=0, paths=(CONTENT,), volumes=("web_content",)
    )
    with pytest.raises(InfrastructureError, match=r"5000000 bytes to bring back, .* disk has 4096000 free"):
        repository.restore(large)
    assert not [call for call in reach.script.calls if call[0] == "restic"]


def test_a_restore_names_the_first_file_that_it_could_not_bring_back(
    repository: Repository, reach: ScriptedReach
) -> None:
    there(reach, saved={}, found={})
    listed = reach.script

    def restored(argv: Sequence[str], **options: object) -> Completed:
        ended = listed(argv, **options)  # type: ignore[arg-type]
        return msgspec.structs.replace(ended, returncode=1, stderr=said) if argv[0] == "restic" else ended

    said = "ignoring error for /v/a: open /v/a: text file busy\nFatal: There were 1 errors\n"
    reach.script = restored  # type: ignore[assignment]
    with pytest.raises(CommandFailed, match="restic restore: exit 1: /v/a: open /v/a: text file busy"):
        repository.restore(SNAPSHOT)


def test_a_snapshot_says_what_it_has_of_each_volume() -> None:
    volumes = (
        VolumeBackup(volume="content", name="web_content"),
        VolumeBackup(volume="media", name="web_media"),
    )
    files = (
        Saved(path=DATA, type="dir"),
        Saved(path=f"{DATA}/a", type="file", size=3),
        Saved(path=f"{DATA}/b", type="file", size=4),
        Saved(path=f"{CONTENT}2/_data/c", type="file", size=50),
    )
    assert (
        told(files, SNAPSHOT, BackupPlan(volumes=volumes))
        == "snapshot e52f443f has of content 2 files, 7 bytes; of media nothing"
    )


def test_what_a_backup_has_is_listed_once_and_ahead_where_it_is_asked_for(
    reach: ScriptedReach, redact: Redactor
) -> None:
    """The same names in both ways; a snapshot never changes, so that one listing of it is enough."""
    listed = b'{"path":"/a","type":"file","struct_type":"node"}\n{"exit":0}\n'
    reach.script.on("restic", "backup", stdout=SUMMARY).on("sh", stdout=zipped(listed))
    asked = []
    for lists_ahead in (False, True):
        repository = Repository(reach, redact=redact, lists_ahead=lists_ahead)
        snapshot = repository.backup([CONTENT], volumes=["web_content"], tag="web")
        first, second = repository.files(snapshot), repository.files(snapshot)
        assert first == second != ()
        asked.append(sum("restic ls" in call[2] for call in reach.script.calls))
    assert asked == [2, 3]


def test_a_listing_that_fails_ahead_says_so_where_it_is_needed(
    reach: ScriptedReach, redact: Redactor
) -> None:
    reach.script.on("restic", "backup", stdout=SUMMARY).on("sh", returncode=1, stderr="repository is locked")
    repository = Repository(reach, redact=redact, lists_ahead=True)
    snapshot = repository.backup([CONTENT], volumes=["web_content"], tag="web")
    with pytest.raises(CommandFailed, match="restic ls: exit 1: repository is locked"):
        repository.files(snapshot)
