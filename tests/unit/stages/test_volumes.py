"""How tools get at a run's volumes, and what of them is in no backup."""

import dataclasses

import msgspec

from cc_ci.backups.reach import HelperReach, SandboxReach
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import RUN
from cc_ci.engine.state import Image
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.volumes import scratch_volume, tell_left_out, volume_reach


def on_a_foreign_node(bench: Bench) -> Bench:
    return dataclasses.replace(bench, node=msgspec.structs.replace(bench.node, kind="foreign"))


def test_on_a_private_node_tools_are_this_machine_s_own(bench: Bench) -> None:
    assert isinstance(volume_reach(bench), SandboxReach)


def test_on_a_foreign_node_they_run_in_containers_that_the_run_owns(bench: Bench) -> None:
    reach = volume_reach(on_a_foreign_node(bench))
    assert isinstance(reach, HelperReach)
    assert scratch_volume(bench) == "cc-ci-small-1"
    assert bench.labels("backups").all()[RUN] == "small-1"


def image(reference: str, *volumes: str) -> Image:
    return Image(id=reference, tags=(reference,), digests=(), diff_ids=(), size_bytes=1, volumes=volumes)


def told(bench: Bench) -> list[str]:
    return [one.message for one in bench.findings.warnings if one.code == "not-backed-up"]


def test_what_an_image_keeps_where_nothing_is_mounted_is_told(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    engine.on_node = {
        "nginx:1.26.3": image("nginx:1.26.3", "/srv/", "/var/cache"),
        "postgres:15": image("postgres:15", "/var/lib/postgresql/data"),
    }
    tell_left_out(bench, deployed)
    lines = [line for line in told(bench) if "its image keeps data" in line]
    after = ", where nothing is mounted: each task gets a new volume there, and none is in a backup"
    assert [line.removesuffix(after) for line in lines] == [
        "backup: services.app: its image keeps data in /var/cache",
        "backup: services.db: its image keeps data in /var/lib/postgresql/data",
    ]


def test_an_image_that_is_not_there_says_nothing(bench: Bench, deployed: Deployed) -> None:
    tell_left_out(bench, deployed)
    assert not [line for line in told(bench) if "its image keeps data" in line]
