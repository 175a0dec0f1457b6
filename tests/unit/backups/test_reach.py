"""What a tool that touches volumes sees of the machine, and what it may do."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from local_volumes import NODE, plain

from cc_ci.backups.places import volume_content, volume_folder
from cc_ci.backups.reach import HelperReach, SandboxReach
from cc_ci.backups.sandbox import CHANGING, READING
from cc_ci.engine.state import EngineVolume
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed, Unverified
from cc_ci.lab.cgroups import GroupPart, NodeGroup
from cc_ci.system.held import is_abandoned
from cc_ci.system.process import Completed, ScriptedRunner

CONTENT = "/var/lib/docker/volumes/web_content/_data"
FOREIGN = msgspec.structs.replace(NODE, kind="foreign")


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner().on("nsenter").on("docker")


@pytest.fixture
def sandbox(runner: ScriptedRunner, tmp_path: Path) -> SandboxReach:
    return SandboxReach(NODE, runner, inspect=plain, repository=tmp_path / "restic")


@pytest.fixture
def helper(runner: ScriptedRunner) -> HelperReach:
    return HelperReach(FOREIGN, runner, inspect=plain, image="tools:1", scratch="run-1", labels={"a": "b"})


def values(call: Sequence[str], option: str, *, count: int = 1) -> list[tuple[str, ...]]:
    """What follows each `option`."""
    found = [index for index, word in enumerate(call) if word == option]
    return [tuple(call[index + 1 : index + 1 + count]) for index in found]


def bound(call: Sequence[str]) -> set[str]:
    """What of the machine is seen that is not one of its programs."""
    sources = {source for option in ("--bind", "--ro-bind") for (source, _) in values(call, option, count=2)}
    return {source for source in sources if not source.startswith(("/usr", "/bin", "/lib", "/sbin"))}


def test_a_tool_sees_the_volumes_that_it_is_called_for_and_nothing_else(
    sandbox: SandboxReach, runner: ScriptedRunner
) -> None:
    sandbox(("stat", CONTENT), volumes=("web_content",), access="reads", timeout=1)
    (call,) = runner.calls
    assert call[:3] == ("nsenter", "--mount=/lab/mnt", "--")
    assert bound(call) == {CONTENT}
    assert "--unshare-net" in call
    assert call[-2:] == ("stat", CONTENT)


def test_a_volume_that_stands_for_another_is_seen_under_the_other_s_name(
    runner: ScriptedRunner, tmp_path: Path
) -> None:
    """So that a backup, which has the one's paths, is restored into the other."""
    asked: list[str] = []

    def inspect(name: str) -> EngineVolume | None:
        asked.append(name)
        return plain(name)

    real = {"web_content": "twin_content"}
    reach = SandboxReach(NODE, runner, inspect=inspect, repository=tmp_path / "restic", real=real)
    reach(("restic", "restore"), volumes=("web_content",), access="changes", timeout=1)
    (call,) = runner.calls
    assert bound(call) == {volume_content("twin_content")}
    assert (volume_content("twin_content"), CONTENT) in values(call, "--bind", count=2)
    assert asked == ["twin_content"]


class Groups(NodeGroup):
    """Notes what is made and removed."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.left: tuple[str, ...] = ()

    def below(self, part: GroupPart) -> tuple[str, ...]:
        assert part == "suite"
        return self.left

    def remove_empty(self, part: GroupPart, name: str) -> None:
        self.told.append((f"remove from {part} if empty", name))

    def make_below(self, part: GroupPart, name: str) -> None:
        self.told.append((f"make in {part}", name))

    def remove_below(self, part: GroupPart, name: str) -> None:
        self.told.append((f"remove from {part}", name))

    def join_argv(self, part: GroupPart, *below: str) -> tuple[str, ...]:
        return ("join", part, *below, "--")


@pytest.mark.parametrize("ends", [True, False])
def test_what_a_tool_uses_counts_as_the_nodes_for_as_long_as_it_runs(tmp_path: Path, *, ends: bool) -> None:
    groups, held = Groups(), tmp_path / "held"
    runner = ScriptedRunner().on("join")

    def run(*argv: object, **options: object) -> Completed:
        # whoever looks for groups of dead suites finds that this one's folder is held
        (folder,) = held.iterdir()
        assert not is_abandoned(folder)
        assert groups.told == [("make in suite", folder.name)]
        if not ends:
            raise CommandFailed("restic: still running", returncode=None)
        return runner(*argv, **options)  # type: ignore[arg-type]

    reach = SandboxReach(NODE, run, inspect=plain, repository=tmp_path / "restic", group=groups, held=held)
    with contextlib.nullcontext() if ends else pytest.raises(CommandFailed):
        reach(("restic", "init"), volumes=(), access="reads", timeout=1, repository=True)
    (made, name), (removed, again) = groups.told
    assert (made, removed, name) == ("make in suite", "remove from suite", again)
    assert list(held.iterdir()) == []
    if ends:
        (call,) = runner.calls
        assert call[:5] == ("join", "suite", name, "--", "nsenter")


def test_groups_of_calls_that_are_over_go_with_the_next_and_those_of_others_stay(tmp_path: Path) -> None:
    groups, held = Groups(), tmp_path / "held"
    (held / "suite-at-work").mkdir(parents=True)
    groups.left = ("suite-at-work", "suite-over")
    runner = ScriptedRunner().on("join")
    reach = SandboxReach(NODE, runner, inspect=plain, repository=tmp_path, group=groups, held=held)
    reach(("stat", "x"), volumes=(), access="reads", timeout=1)
    assert groups.told[0] == ("remove from suite if empty", "suite-over")
    assert [what for what, _ in groups.told[1:]] == ["make in suite", "remove from suite"]


def test_what_only_reads_can_not_write(sandbox: SandboxReach, runner: ScriptedRunner) -> None:
    sandbox(("stat", CONTENT), volumes=("web_content",), access="reads", timeout=1)
    sandbox(("rm", CONTENT), volumes=("web_content",), access="changes", timeout=1)
    reads, changes = runner.calls
    assert (CONTENT, CONTENT) in values(reads, "--ro-bind", count=2)
    assert (CONTENT, CONTENT) in values(changes, "--bind", count=2)
    assert values(reads, "--cap-add") == [(right,) for right in READING]
    assert values(changes, "--cap-add") == [(right,) for right in CHANGING]
    assert values(reads, "--cap-drop") == [("ALL",)]
    assert "CAP_SYS_ADMIN" not in CHANGING


def test_only_restic_sees_the_repository(
    sandbox: SandboxReach, runner: ScriptedRunner, tmp_path: Path
) -> None:
    sandbox(("find",), volumes=(), access="reads", timeout=1)
    sandbox(("restic",), volumes=(), access="reads", timeout=1, repository=True, env={"WORD": "secret"})
    find, restic = runner.calls
    assert (bound(find), bound(restic)) == (set(), {str(tmp_path / "restic")})
    assert not any("secret" in word for word in restic)


def test_a_helper_is_confined_as_a_sandbox_is(helper: HelperReach, runner: ScriptedRunner) -> None:
    helper(("stat", CONTENT), volumes=("web_content",), access="reads", timeout=1)
    helper(("restic",), volumes=("web_content",), access="changes", timeout=1, repository=True)
    reads, changes = runner.calls
    for call in (reads, changes):
        assert {"--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--label=a=b"} <= {
            *call
        }
    assert f"--mount=type=volume,source=web_content,target={CONTENT},volume-nocopy,readonly" in reads
    assert f"--mount=type=volume,source=web_content,target={CONTENT},volume-nocopy" in changes
    assert not any("source=run-1" in word for word in reads)
    assert "--mount=type=volume,source=run-1,target=/repository,volume-label=a=b" in changes
    assert [word for word in reads if word.startswith("--cap-add")] == ["--cap-add=DAC_READ_SEARCH"]
    assert changes[-3:] == ("--entrypoint", "restic", "tools:1")


def test_a_helper_that_outlasts_its_time_is_removed(runner: ScriptedRunner) -> None:
    def slow(argv: Sequence[str], **_options: object) -> object:
        runner(argv)
        if argv[1] == "run":
            raise CommandFailed("docker run --x=a: still running after 1 s, so it was ended", returncode=None)
        return None

    helper = HelperReach(FOREIGN, slow, inspect=plain, image="tools:1", scratch="run-1", labels={})  # type: ignore[arg-type]
    with pytest.raises(
        CommandFailed, match=r"^restic in web_content: still running after 1 s, so it was ended"
    ):
        helper(("restic",), volumes=("web_content",), access="reads", timeout=1)
    name = next(word for word in runner.calls[0] if word.startswith("--name=")).removeprefix("--name=")
    assert runner.calls[1] == ("docker", "rm", "--force", "--volumes", name)


@pytest.mark.parametrize("name", ["../../x", "..", "a/b", "", "x\n", "-x", "a\0b", "x" * 256])
@pytest.mark.attack(
    what="A volume is named ../../x, so that a path made from its name leads out of the volumes.",
    before="The folder that the name led to was backed up, and the restore wrote to it.",
    now="cc-ci makes a path only from a name that Docker's own rule allows for a volume.",
    layer="engine",
)
def test_no_path_is_made_of_what_is_no_volumes_name(name: str) -> None:
    with pytest.raises(StageFailed, match="no name of a volume"):
        volume_folder(name)
    with pytest.raises(StageFailed):
        volume_content(name)


@pytest.mark.parametrize(
    "volume",
    [
        EngineVolume(
            name="web_content",
            driver="local",
            options={"type": "none", "o": "bind", "device": "/"},
            mountpoint="/engine/volumes/web_content/_data",
        ),
        EngineVolume(
            name="web_content", driver="nfs", options={}, mountpoint="/engine/volumes/web_content/_data"
        ),
        EngineVolume(name="web_content", driver="local", options={}, mountpoint="/"),
    ],
)
@pytest.mark.attack(
    what="A volume of the local driver has options that mount the host's root there.",
    before="Backups read the host's files, and restores wrote and deleted them.",
    now="cc-ci asks the engine each time; a volume without a folder of its own is left alone and unverified.",
    layer="engine",
)
def test_a_volume_that_is_no_plain_folder_is_not_touched(
    volume: EngineVolume, runner: ScriptedRunner
) -> None:
    inspect = {"web_content": volume}.get
    sandbox = SandboxReach(NODE, runner, inspect=inspect, repository=Path("/nowhere"))
    helper = HelperReach(FOREIGN, runner, inspect=inspect, image="tools:1", scratch="run-1", labels={})
    for reach in (sandbox, helper):
        with pytest.raises(Unverified, match="no folder of the engine's own"):
            reach(("rm",), volumes=("web_content",), access="changes", timeout=1)
    assert not runner.calls


def test_a_volume_that_is_not_there_is_not_made(runner: ScriptedRunner) -> None:
    helper = HelperReach(FOREIGN, runner, inspect={}.get, image="tools:1", scratch="run-1", labels={})
    with pytest.raises(StageFailed, match="volume web_content: not on the node"):
        helper(("rm",), volumes=("web_content",), access="changes", timeout=1)
    assert not runner.calls


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (127, "prlimit: failed to execute restic: No such file\n"),
        (1, "bwrap: Can't find source path /var/lib/docker/volumes/x/_data: No such file\n"),
        (125, "docker: Error response from daemon: no image.\nSee 'docker run --help'.\n"),
    ],
)
def test_a_tool_that_can_not_be_started_is_our_fault(
    code: int, said: str, sandbox: SandboxReach, runner: ScriptedRunner
) -> None:
    runner.on("nsenter", "--mount=/lab/mnt", stderr=said, returncode=code)
    with pytest.raises(InfrastructureError, match=r"restic: not to be run on the node .*[Nn]o "):
        sandbox(("restic",), volumes=(), access="reads", timeout=1)
