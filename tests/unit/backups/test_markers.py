import pytest

from cc_ci.backups.markers import Place, VolumeMarkers
from cc_ci.backups.reach import HelperReach
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed
from cc_ci.system.process import ScriptedRunner

NODE = Node(
    name="far", kind="foreign", docker_host="ssh://far", address="192.0.2.1", ci_domain="ci.test", ipvs=True
)
HELPER = (
    *("docker", "run", "--rm", "--interactive", "--label=cc-ci.run=r1"),
    *(
        "--mount=type=volume,source=cc-ci-restic-r1,target=/repository,volume-label=cc-ci.run=r1",
        "--volume=web_content:/var/lib/docker/volumes/web_content/_data",
    ),
)
FILE = "/var/lib/docker/volumes/web_content/_data/pages/.cc-ci-seed"


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
def markers(runner: ScriptedRunner) -> VolumeMarkers:
    reach = HelperReach(
        NODE, runner, image="restic/restic:1", scratch="cc-ci-restic-r1", labels={"cc-ci.run": "r1"}
    )
    return VolumeMarkers(reach, [Place(volume="web_content", folder="pages")])


def entry(tool: str, *arguments: str) -> tuple[str, ...]:
    return (*HELPER, "--entrypoint", tool, "restic/restic:1", *arguments)


def test_a_marker_is_written_read_and_deleted_in_a_helper(
    markers: VolumeMarkers, runner: ScriptedRunner
) -> None:
    runner.on(*entry("tee")).on(*entry("cat"), stdout="v1").on(*entry("rm"))
    markers.write("seed", "v1")
    assert runner.stdins == ["v1"]
    assert markers.read("seed") == {FILE: "v1"}
    markers.delete("seed")
    assert runner.calls == [
        entry("tee", "--", FILE),
        entry("cat", "--", FILE),
        entry("rm", "-f", "--", FILE),
    ]


def test_a_marker_that_is_gone_reads_as_none(markers: VolumeMarkers, runner: ScriptedRunner) -> None:
    runner.on(*entry("cat"), stderr="cat: no such file", returncode=1)
    assert markers.read("seed") == {FILE: None}


def test_a_marker_that_can_not_be_written_is_our_fault(
    markers: VolumeMarkers, runner: ScriptedRunner
) -> None:
    runner.on(*entry("tee"), stderr="tee: read-only file system", returncode=1)
    with pytest.raises(CommandFailed, match="marker in web_content: exit 1: tee: read-only"):
        markers.write("seed", "v1")
