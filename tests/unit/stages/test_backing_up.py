"""Backups and restores in memory: an app's data, a repository that copies it, and what may go wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app
from stage_suite import MemorySuites, with_seeds

from cc_ci.backups.listing import Saved
from cc_ci.backups.restic import Restored, Snapshot
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Container, Image
from cc_ci.errors import StageFailed
from cc_ci.probes.answers import Answer
from cc_ci.stages.backing_up import Backed, back_up, overwrite, restore, verify
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.seeds import plant
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.units import EpochSeconds

LABELS = """\
      labels:
        - "backupbot.backup=true"
        - "backupbot.backup.pre-hook=dump"
        - "backupbot.restore.post-hook=load"
"""
BACKED_UP = COMPOSE.replace("      replicas: 2\n      labels:\n", LABELS)


class CopyingRepository:
    """Snapshots are copies of what the app holds; `spoilt` changes what one restores."""

    def __init__(self, suites: MemorySuites) -> None:
        self._suites = suites
        self.copies: dict[str, dict[str, str]] = {}
        self.calls: list[str] = []
        self.spoilt: Callable[[str], str] = lambda name: name

    def backup(self, paths: Sequence[str], *, volumes: Sequence[str], tag: str) -> Snapshot:
        del tag
        name = f"s{len(self.copies) + 1}"
        self.copies[name] = dict(self._suites.data)
        self.calls.append(f"backup {name}")
        return Snapshot(
            id=name, files=1, bytes=1, added=1, seconds=0, paths=tuple(paths), volumes=tuple(volumes)
        )

    def restore(self, snapshot: Snapshot) -> Restored:
        self.calls.append(f"restore {snapshot.id}")
        self._suites.data = dict(self.copies.get(self.spoilt(snapshot.id), self._suites.data))
        return Restored(snapshot=snapshot.id, removed=(), seconds=0)

    def emptied(self) -> None:
        """As on a fresh deployment."""
        self._suites.data.clear()

    def files(self, _snapshot: Snapshot) -> tuple[Saved, ...]:
        return ()


class Front:
    """The app's answers: `closed` is a maintenance page."""

    def __init__(self) -> None:
        self.closed = False

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        return Answer(url=url, status=503 if self.closed else 200, headers={"server": "app"}, body="hello")


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
def held() -> MemorySuites:
    return MemorySuites()


@pytest.fixture
def bench(
    bench: Bench, front: Front, held: MemorySuites, engine: FakeEngine, runner: ScriptedRunner
) -> Bench:
    engine.execs.on("c1")
    label = {"com.docker.swarm.service.name": "small-abc_ci_test_app"}
    now = EpochSeconds(1)
    engine.has(
        "container",
        Container(id="c1", name="c1", labels=label, created=now, state="running", image="x", image_id="x"),
    )
    folder = "/var/lib/docker/volumes/small-abc_ci_test_content"
    runner.on("nsenter", stdout=f"there {folder}\nused 4\nfree 1000 4096\n")
    return replace(bench, requester=front, suites=held)  # type: ignore[arg-type]


@pytest.fixture
def deployed(deployed: Deployed, engine: FakeEngine, tmp_path: Path) -> Deployed:
    deployed.app, deployed.stack = read_app(recipe(tmp_path / "backed", compose=BACKED_UP))
    deployed.candidate = with_seeds(deployed.candidate)
    for volume in deployed.stack.volumes.values():
        engine.create_volume(volume.name, labels={})
    return deployed


@pytest.fixture
def repository(held: MemorySuites) -> CopyingRepository:
    return CopyingRepository(held)


def backed_up(bench: Bench, deployed: Deployed, repository: CopyingRepository) -> Backed:
    kept = plant(bench, deployed, stage="backup")
    return back_up(bench, deployed, repository, kept=kept)  # type: ignore[arg-type]


def whole(bench: Bench, deployed: Deployed, repository: CopyingRepository) -> Backed:
    """Back up, restore in place, restore on a fresh deployment."""
    backed = backed_up(bench, deployed, repository)
    overwrite(bench, deployed, backed)
    restore(bench, deployed, repository, backed)  # type: ignore[arg-type]
    verify(bench, deployed, repository, backed)  # type: ignore[arg-type]
    repository.emptied()
    deployed.name = "fresh"
    restore(bench, deployed, repository, backed)  # type: ignore[arg-type]
    verify(bench, deployed, repository, backed)  # type: ignore[arg-type]
    return backed


def test_both_backups_are_made_and_restored_in_both_orders(
    bench: Bench, deployed: Deployed, repository: CopyingRepository
) -> None:
    backed = whole(bench, deployed, repository)
    assert repository.calls == [
        *("backup s1", "backup s2"),
        *("restore s2", "restore s1"),
        *("restore s1", "restore s2"),
    ]
    assert backed.between.key not in repository.copies["s1"]
    assert repository.copies["s2"][backed.between.key] == backed.between.value
    assert backed.later.key not in repository.copies["s2"]


def test_what_is_shown_has_a_name_of_its_own(
    bench: Bench, deployed: Deployed, repository: CopyingRepository
) -> None:
    whole(bench, deployed, repository)
    shown = [test for stage in ("backup", "restore") for test in bench.findings.tests[stage]]
    assert len(shown) == len({(test.deployment, test.id) for test in shown}) == 14
    assert [(test.deployment, test.id) for test in shown[1:3]] == [
        ("install", "after the first backup the app serves and takes data"),
        ("install", "after the second backup the app serves and takes data"),
    ]
    assert {test.deployment for test in shown} == {"install", "fresh"}
    assert all(test.outcome == "passed" for tests in bench.findings.tests.values() for test in tests)


def test_a_second_backup_that_is_the_first_again_fails(
    bench: Bench, deployed: Deployed, repository: CopyingRepository
) -> None:
    repository.spoilt = lambda _name: "s1"
    with pytest.raises(StageFailed, match=r"fresh: seed cc-ci-between-.*: nothing .*snapshot s2 has"):
        whole(bench, deployed, repository)


def test_a_restore_that_restores_nothing_fails(
    bench: Bench, deployed: Deployed, repository: CopyingRepository
) -> None:
    repository.spoilt = lambda _name: "none"
    with pytest.raises(
        StageFailed,
        match=r"install: seed cc-ci-kept-.*: nothing instead of 'marker-.*' after the restore in place; "
        r"data was lost \(snapshot s1 has of content nothing\)",
    ):
        whole(bench, deployed, repository)


@pytest.mark.parametrize(("where", "showed"), [("s1", "in place"), ("s2", "on a fresh deployment")])
def test_data_that_is_lost_where_a_volume_is_in_no_backup_names_it_first(
    where: str, showed: str, bench: Bench, deployed: Deployed, repository: CopyingRepository
) -> None:
    label = '        - "backupbot.backup.volumes.board=false"\n'
    compose = BACKED_UP.replace("volumes:\n  content:", "volumes:\n  board:\n  content:")
    compose = compose.replace(LABELS, f"{LABELS}{label}")
    app, stack = read_app(recipe(bench.scratch.parent / "board", compose=compose))
    deployed.app, deployed.stack = app, msgspec.structs.replace(stack, name=deployed.stack.name)
    at = stack.source("services.app.deploy.labels.backupbot.backup.volumes.board")

    restores: list[str] = []

    def spoil(name: str) -> str:
        restores.append(name)
        return "none" if where == "s1" or len(restores) > 2 else name

    repository.spoilt = spoil
    with pytest.raises(StageFailed) as caught:
        whole(bench, deployed, repository)
    said = str(caught.value)
    assert said.startswith(
        f"data was lost, and volume board is in no backup: {at}; the restore {showed} showed"
    )


def test_a_backup_that_leaves_the_app_in_maintenance_fails(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, front: Front, engine: FakeEngine
) -> None:
    kept = plant(bench, deployed, stage="backup")

    class Closing(ScriptedRunner):
        def __call__(self, argv: Sequence[str], **options: object) -> object:  # type: ignore[override]
            front.closed = True
            return super().__call__(argv, **options)  # type: ignore[arg-type]

    engine.execs = Closing().on("c1")
    with pytest.raises(StageFailed, match=r"install: after the first backup the app does not serve: .*503"):
        back_up(bench, deployed, repository, kept=kept)  # type: ignore[arg-type]
    assert bench.findings.tests["backup"][-1].outcome == "failed"


def test_a_backup_that_leaves_the_app_read_only_fails(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, held: MemorySuites
) -> None:
    kept = plant(bench, deployed, stage="backup")
    held.read_only = True
    with pytest.raises(StageFailed, match="seed write: status 500"):
        back_up(bench, deployed, repository, kept=kept)  # type: ignore[arg-type]


def test_a_restore_that_leaves_the_app_read_only_fails(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, held: MemorySuites
) -> None:
    backed = backed_up(bench, deployed, repository)
    overwrite(bench, deployed, backed)
    restore(bench, deployed, repository, backed)  # type: ignore[arg-type]
    held.read_only = True
    with pytest.raises(StageFailed, match="seed write"):
        verify(bench, deployed, repository, backed)  # type: ignore[arg-type]
    last = bench.findings.tests["restore"][-1]
    assert (last.id, last.deployment, last.outcome) == ("the app takes data again", "install", "failed")


def test_a_restores_hooks_have_to_leave_the_app_serving(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, front: Front, clock: ManualClock
) -> None:
    backed = backed_up(bench, deployed, repository)
    front.closed = True
    started = clock.monotonic()
    with pytest.raises(StageFailed, match="install: after the restore the app does not serve"):
        restore(bench, deployed, repository, backed)  # type: ignore[arg-type]
    assert 55 < clock.monotonic() - started < 70


def test_where_only_files_were_put_back_the_app_is_judged_after_it_starts_again(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, front: Front, tmp_path: Path
) -> None:
    plain = BACKED_UP.replace('        - "backupbot.restore.post-hook=load"\n', "")
    deployed.app, deployed.stack = read_app(recipe(tmp_path / "plain", compose=plain))
    backed = backed_up(bench, deployed, repository)
    front.closed = True
    restore(bench, deployed, repository, backed)  # type: ignore[arg-type]


def test_what_is_in_no_backup_is_told(
    bench: Bench, deployed: Deployed, repository: CopyingRepository, engine: FakeEngine
) -> None:
    image = Image(id="i", tags=(), digests=(), diff_ids=(), size_bytes=0, volumes=("/srv", "/cache"))
    engine.on_node["nginx:1.26.3"] = image
    backed_up(bench, deployed, repository)
    told = [warning.message for warning in bench.findings.warnings if warning.code == "not-backed-up"]
    assert len(told) == 1
    assert "services.app: its image keeps data in /cache" in told[0]
