from pathlib import Path

import pytest

from cc_ci.backups.backup import Backups
from cc_ci.backups.hooks import hook_argv
from cc_ci.backups.markers import Place, VolumeMarkers
from cc_ci.backups.planned import marker_places, planned_hooks, planned_paths
from cc_ci.backups.reach import NamespaceReach
from cc_ci.backups.restic import Repository
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import Container
from cc_ci.errors import StageFailed, Unverified
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.redaction import Redactor
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
ENTER = ("nsenter", "--mount=/lab/mnt", "--net=/lab/net", "--")
NODE = Node(
    name="lab",
    kind="private",
    docker_host="unix:///lab/docker.sock",
    address="10.0.0.2",
    ci_domain="ci.test",
    ipvs=True,
    network_namespace=Path("/lab/net"),
    mount_namespace=Path("/lab/mnt"),
)
ROOT = "/var/lib/docker/volumes/web_ci_test"
PATHS = (f"{ROOT}_content", f"{ROOT}_data/_data/backup.sql", f"{ROOT}_data/_data/extra")
SUMMARY = (
    '{"message_type":"summary","snapshot_id":"e5","total_files_processed":2,"total_bytes_processed":3,'
    '"data_added":4}\n'
)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / ".env.sample").write_text("TYPE=web\nDOMAIN=web.example.com\n")
    return read_stack(configure(read_recipe(tmp_path), domain="web.ci.test"))


@pytest.fixture
def order() -> ScriptedRunner:
    """Runs both what goes into the namespaces and what goes into containers, so that the order shows."""
    runner = ScriptedRunner()
    runner.on("db1")
    runner.on(*ENTER, "stat", stdout="\n".join(PATHS))
    runner.on(*ENTER, "restic", "backup", stdout=SUMMARY)
    runner.on(*ENTER, "restic", "restore")
    runner.on(*ENTER, "restic", "ls")
    return runner.on(*ENTER, "find")


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
    reach = NamespaceReach(NODE, order)
    repository = Repository(reach, location="/run/restic", redact=Redactor())
    return Backups(engine, reach, repository, stack=stack, plan=backup_plan(stack), clock=ManualClock())


def test_paths_are_those_of_the_operators_archive(stack: Stack) -> None:
    assert planned_paths(backup_plan(stack)) == PATHS


def test_hooks_know_their_file_and_key(stack: Stack) -> None:
    (hook,) = planned_hooks(backup_plan(stack), "backup.pre-hook", stack=stack)
    assert (hook.service, hook.command) == ("db", "/pg_backup.sh backup")
    assert hook.where == "compose.yml:19: services.db.deploy.labels: backupbot.backup.pre-hook"


def test_markers_go_into_volumes_that_are_covered_whole(stack: Stack) -> None:
    places = marker_places(backup_plan(stack))
    assert places == (Place(volume="web_ci_test_content"),)
    with pytest.raises(Unverified, match="no volume is backed up whole"):
        VolumeMarkers(NamespaceReach(NODE, ScriptedRunner()), ())


def test_a_backup_runs_hooks_around_the_snapshot(backups: Backups, order: ScriptedRunner) -> None:
    done = backups.backup()
    assert (done.snapshot.id, done.snapshot.paths) == ("e5", PATHS)
    assert [ran.hook.when for ran in done.hooks] == ["backup.pre-hook", "backup.post-hook"]
    assert [call[:6][-2:] for call in order.calls[1:3]] == [("stat", "-c"), ("restic", "backup")]
    assert order.calls[0] == ("db1", *hook_argv("/pg_backup.sh backup"))
    assert order.calls[3] == ("db1", *hook_argv("rm -f backup.sql"))


def test_a_path_that_no_hook_made_is_the_recipes_fault(backups: Backups, order: ScriptedRunner) -> None:
    order.on(*ENTER, "stat", "-c", stdout=PATHS[0], returncode=1)
    with pytest.raises(StageFailed, match=r"_data/backup\.sql is not there") as caught:
        backups.backup()
    label = "backupbot.backup.volumes.data.path"
    assert f"compose.yml:21: services.db.deploy.labels: {label}" in str(caught.value)
    assert not [call for call in order.calls if "restic" in call]


def test_a_restore_runs_hooks_around_it(backups: Backups, order: ScriptedRunner) -> None:
    done = backups.restore(backups.backup().snapshot)
    assert [ran.hook.when for ran in done.hooks] == ["restore.pre-hook", "restore.post-hook"]
    words = [
        next((word for word in call if word in ("restore", "ls", "find")), call[0]) for call in order.calls
    ]
    assert words[4:] == ["db1", "restore", "ls", "find", "db1"]
