from collections.abc import Sequence
from pathlib import Path

import pytest

from cc_ci.backups.backup import Backups
from cc_ci.backups.hooks import hook_argv
from cc_ci.backups.marking import MarkerPlace
from cc_ci.backups.planned import (
    backup_places,
    planned_hooks,
    planned_paths,
    upgrade_places,
    whole_volumes,
)
from cc_ci.backups.restic import Restored, Snapshot
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Container
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed, ScriptedRunner
from cc_ci.system.units import EpochSeconds

COMPOSE = """\
version: "3.8"
services:
  app:
    image: example:1
    volumes:
      - content:/srv
      - cache:/cache
    deploy:
      labels:
        - "backupbot.backup=true"
        - "backupbot.backup.volumes.cache=false"
  db:
    image: postgres:15
    volumes:
      - data:/var/lib/postgresql/data
    deploy:
      labels:
        backupbot.backup: "true"
        backupbot.backup.pre-hook: "/pg_backup.sh backup"
        backupbot.backup.post-hook: "rm -f backup.sql"
        backupbot.backup.volumes.data.path: "backup.sql,extra/"
        backupbot.restore.pre-hook: "true"
        backupbot.restore.post-hook: "/pg_backup.sh restore"
volumes:
  content:
  cache:
  data:
"""
ROOT = "/var/lib/docker/volumes/web_ci_test"
PATHS = (f"{ROOT}_content", f"{ROOT}_data/_data/backup.sql", f"{ROOT}_data/_data/extra")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / ".env.sample").write_text("TYPE=web\nDOMAIN=web.example.com\n")
    return read_stack(configure(read_recipe(tmp_path), domain="web.ci.test"))


@pytest.fixture
def order() -> ScriptedRunner:
    """Runs both what goes into the volumes and what goes into containers, so that the order shows."""
    there = "".join(f"there {path}\n" for path in PATHS)
    return ScriptedRunner().on("db1").on("sh", stdout=f"{there}used 8\nused 4\nfree 10 4096\n")


class Snapshots:
    """A repository that notes what it is asked for."""

    def __init__(self, order: ScriptedRunner) -> None:
        self._order = order.on("backup").on("restore")

    def backup(self, paths: Sequence[str], *, volumes: Sequence[str], tag: str) -> Snapshot:
        self._order(("backup", tag))
        return Snapshot(
            id="e5", files=2, bytes=3, added=4, seconds=0, paths=tuple(paths), volumes=tuple(volumes)
        )

    def restore(self, snapshot: Snapshot) -> Restored:
        self._order(("restore", snapshot.id))
        return Restored(snapshot=snapshot.id, removed=(), seconds=0)


@pytest.fixture
def backups(stack: Stack, order: ScriptedRunner) -> Backups:
    engine = FakeEngine()
    engine.execs = order
    labels = {"com.docker.swarm.service.name": "web_ci_test_db"}
    now = EpochSeconds(1)
    engine.has(
        "container",
        Container(id="db1", name="db", labels=labels, created=now, state="running", image="x", image_id="x"),
    )

    def reach(argv: Sequence[str], **_options: object) -> Completed:
        return order(argv)

    plan = backup_plan(stack)
    return Backups(engine, reach, Snapshots(order), stack=stack, plan=plan, clock=ManualClock())  # type: ignore[arg-type]


def test_paths_are_those_of_the_operators_archive(stack: Stack) -> None:
    assert planned_paths(backup_plan(stack)) == PATHS


def test_hooks_know_their_file_and_key(stack: Stack) -> None:
    (hook,) = planned_hooks(backup_plan(stack), "backup.pre-hook", stack=stack)
    assert (hook.service, hook.command) == ("db", "/pg_backup.sh backup")
    assert hook.where == "compose.yml:19: services.db.deploy.labels: backupbot.backup.pre-hook"


def test_markers_go_into_every_volume_that_is_backed_up(stack: Stack) -> None:
    plan = backup_plan(stack)
    data = [
        MarkerPlace(volume="web_ci_test_data", key="data", folder=folder)
        for folder in ("backup.sql", "extra")
    ]
    assert backup_places(plan) == (MarkerPlace(volume="web_ci_test_content", key="content"), *data)
    assert whole_volumes(plan) == ("content",)


def test_an_upgrade_has_to_keep_every_volume_but_what_nobody_keeps(stack: Stack) -> None:
    places = upgrade_places(stack, backup_plan(stack), unkept={"data"})
    assert places == (MarkerPlace(volume="web_ci_test_content", key="content"),)
    places = upgrade_places(stack, backup_plan(stack), unkept=())
    assert [place.key for place in places] == ["content", "data"]


def test_a_backup_runs_hooks_around_the_snapshot(backups: Backups, order: ScriptedRunner) -> None:
    done = backups.backup()
    assert (done.snapshot.id, done.snapshot.paths) == ("e5", PATHS)
    assert [ran.hook.when for ran in done.hooks] == ["backup.pre-hook", "backup.post-hook"]
    assert [call[0] for call in order.calls] == ["db1", "sh", "backup", "db1"]
    assert order.calls[0] == ("db1", *hook_argv("/pg_backup.sh backup"))
    assert order.calls[3] == ("db1", *hook_argv("rm -f backup.sql"))


def test_a_path_that_no_hook_made_is_the_recipes_fault(backups: Backups, order: ScriptedRunner) -> None:
    order.on("sh", "-c", stdout=f"there {PATHS[0]}\nfree 1 1\n")
    with pytest.raises(StageFailed, match=r"_data/backup\.sql is not there") as caught:
        backups.backup()
    label = "backupbot.backup.volumes.data.path"
    assert f"compose.yml:21: services.db.deploy.labels: {label}" in str(caught.value)
    assert not [call for call in order.calls if call[0] == "backup"]


def test_volumes_that_hold_more_than_the_repository_has_room_for(
    backups: Backups, order: ScriptedRunner
) -> None:
    there = "".join(f"there {path}\n" for path in PATHS)
    order.on("sh", "-c", stdout=f"{there}used 900\nfree 10 4096\n")
    with pytest.raises(InfrastructureError, match=r"hold 921600 bytes, .* repository has 40960 free"):
        backups.backup()


def test_a_restore_runs_hooks_around_it(backups: Backups, order: ScriptedRunner) -> None:
    done = backups.restore(backups.backup().snapshot)
    assert [ran.hook.when for ran in done.hooks] == ["restore.pre-hook", "restore.post-hook"]
    assert [call[0] for call in order.calls[4:]] == ["db1", "restore", "db1"]
