import json
from pathlib import Path

import pytest

from cc_ci.backups.reach import NamespaceReach
from cc_ci.backups.restic import Repository, Snapshot, escaped, restore_argv, topmost
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.redaction import MASK, Redactor

CONTENT = "/var/lib/docker/volumes/web_content"
ENTER = ("nsenter", "--mount=/run/lab/mnt", "--net=/run/lab/net", "--")
NODE = Node(
    name="lab",
    kind="private",
    docker_host="unix:///run/lab/docker.sock",
    address="10.0.0.2",
    ci_domain="ci.test",
    ipvs=True,
    network_namespace=Path("/run/lab/net"),
    mount_namespace=Path("/run/lab/mnt"),
)
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


class Environments(ScriptedRunner):
    """Also keeps what was put into the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.envs: list[dict[str, str]] = []

    def __call__(self, argv, *, env=None, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN204
        self.envs.append(dict(env or {}))
        return super().__call__(argv, env=env, **options)


@pytest.fixture
def runner() -> Environments:
    return Environments()


@pytest.fixture
def redact() -> Redactor:
    return Redactor()


@pytest.fixture
def repository(runner: Environments, redact: Redactor) -> Repository:
    return Repository(NamespaceReach(NODE, runner), location="/runs/x/restic", redact=redact)


def test_the_password_is_learnt_and_goes_by_the_environment_alone(
    repository: Repository, runner: Environments, redact: Redactor
) -> None:
    runner.on(*ENTER, "restic", "init")
    repository.create()
    assert runner.calls == [(*ENTER, "restic", "init")]
    (env,) = runner.envs
    assert env["RESTIC_REPOSITORY"] == "/runs/x/restic"
    assert redact(env["RESTIC_PASSWORD"]) == MASK


def test_a_backup_is_made_of_the_paths_that_an_operators_has(
    repository: Repository, runner: Environments
) -> None:
    status = '{"message_type":"status","percent_done":0}\n'
    runner.on(*ENTER, "restic", "backup", stdout=status + SUMMARY + "\n")
    snapshot = repository.backup([CONTENT], volumes=["web_content"], tag="web")
    assert snapshot == Snapshot(
        id="e52f443f", files=2, bytes=30, added=99, seconds=0, paths=(CONTENT,), volumes=("web_content",)
    )
    backup = ("restic", "backup", "--json", "--no-cache", "--host", "cc-ci", "--tag", "web", "--", CONTENT)
    assert runner.calls == [(*ENTER, *backup)]


def test_a_backup_without_a_summary_is_an_error(repository: Repository, runner: Environments) -> None:
    runner.on(*ENTER, "restic", "backup", stdout="done")
    with pytest.raises(InfrastructureError, match="gave no summary"):
        repository.backup([CONTENT], volumes=["web_content"], tag="web")


def test_a_tool_that_is_not_there_is_our_fault(repository: Repository, runner: Environments) -> None:
    runner.on(*ENTER, stderr="nsenter: failed to execute restic: No such file\n", returncode=127)
    with pytest.raises(InfrastructureError, match=r"restic: not to be run on the node .*No such file"):
        repository.create()


def test_a_tool_that_fails_is_our_fault(repository: Repository, runner: Environments) -> None:
    runner.on(*ENTER, stderr="Fatal: wrong password\n", returncode=1)
    with pytest.raises(CommandFailed, match="restic init: exit 1: Fatal: wrong password"):
        repository.create()


def test_a_restore_goes_to_the_root_and_keeps_off_the_folders_above() -> None:
    assert restore_argv("e52f443f", [CONTENT]) == (
        *("restic", "restore", "--no-cache", "e52f443f", "--target", "/"),
        *("--include", CONTENT),
    )
    assert escaped("/a*b[1]?") == r"/a\*b\[1]\?"


def listing(*paths: str) -> str:
    lines = [{"struct_type": "snapshot", "paths": [CONTENT]}]
    lines += [{"struct_type": "node", "path": path} for path in paths]  # type: ignore[list-item]
    return "\n".join(map(json.dumps, lines))


def test_a_restore_removes_what_came_later_and_nothing_else(
    repository: Repository, runner: Environments
) -> None:
    data = f"{CONTENT}/_data"
    runner.on(*ENTER, "restic", "restore")
    runner.on(*ENTER, "restic", "ls", stdout=listing("/var", CONTENT, data, f"{data}/kept"))
    there = [CONTENT, data, f"{data}/kept", f"{data}/late", f"{data}/late/deep", f"{data}/odd\nname"]
    runner.on(*ENTER, "find", CONTENT, "-print0", stdout="\0".join([*there, ""]))
    runner.on(*ENTER, "xargs", "-0", "rm", "-rf", "--")
    restored = repository.restore(SNAPSHOT)
    assert restored.removed == (f"{data}/late", f"{data}/odd\nname")
    assert runner.stdins[-1] == f"{data}/late\0{data}/odd\nname"


def test_a_restore_with_nothing_late_removes_nothing(repository: Repository, runner: Environments) -> None:
    runner.on(*ENTER, "restic", "restore")
    runner.on(*ENTER, "restic", "ls", stdout=listing(CONTENT))
    runner.on(*ENTER, "find", stdout=f"{CONTENT}\0")
    assert repository.restore(SNAPSHOT).removed == ()


def test_a_restore_may_leave_what_came_later(repository: Repository, runner: Environments) -> None:
    runner.on(*ENTER, "restic", "restore")
    assert repository.restore(SNAPSHOT, exact=False).removed == ()
    assert len(runner.calls) == 1


def test_a_folder_stands_for_what_is_below_it() -> None:
    assert topmost(["/a/b", "/a", "/c/d", "/ab"]) == ("/a", "/ab", "/c/d")
