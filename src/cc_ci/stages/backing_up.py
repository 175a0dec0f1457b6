"""Back an app up and restore it: only a marker that comes back proves a backup."""

from cc_ci.backups.backup import Backups
from cc_ci.backups.restic import Repository, Snapshot
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.seeds import KEPT, LATER, require, seeds_of
from cc_ci.stages.volumes import volume_reach


def open_repository(bench: Bench, *, location: str) -> Repository:
    """A restic repository of the run's own, empty."""
    repository = Repository(volume_reach(bench), location=location, redact=bench.redact)
    with bench.span("restic init", "backup"):
        repository.create()
    return repository


def back_up(bench: Bench, deployed: Deployed, repository: Repository) -> Snapshot:
    with bench.span("backup", "backup", waits_for="hooks and restic") as span:
        done = _backups(bench, deployed, repository).backup()
        span.note(snapshot=done.snapshot.id, files=done.snapshot.files, bytes=done.snapshot.bytes)
    return done.snapshot


def overwrite(bench: Bench, deployed: Deployed) -> None:
    """Change the marker, then take it away, and add later data: the restore has something to undo."""
    with (
        bench.span("change, delete and add data", "seed"),
        proof(bench, f"{deployed.name}: the marker changes and goes, later data comes", stage="restore"),
    ):
        seeds = seeds_of(bench, deployed)
        seeds.write(KEPT, "changed after the backup")
        require(seeds, KEPT, "changed after the backup", after="it was changed")
        seeds.delete(KEPT)
        require(seeds, KEPT, None, after="it was deleted")
        seeds.write(LATER, "added after the backup")
        require(seeds, LATER, "added after the backup", after="it was written")


def restore(bench: Bench, deployed: Deployed, repository: Repository, snapshot: Snapshot) -> None:
    with bench.span("restore", "restore", waits_for="hooks and restic") as span:
        done = _backups(bench, deployed, repository).restore(snapshot)
        span.note(snapshot=snapshot.id, removed=len(done.restored.removed))


def verify(bench: Bench, deployed: Deployed, *, value: str) -> None:
    """The marker is back, and what came later is gone."""
    with bench.span("restored data", "verify"):
        seeds = seeds_of(bench, deployed)
        with proof(bench, f"{deployed.name}: the marker is back", stage="restore"):
            require(seeds, KEPT, value, after="the restore")
        with proof(bench, f"{deployed.name}: later data is gone", stage="restore"):
            require(seeds, LATER, None, after="the restore")


def _backups(bench: Bench, deployed: Deployed, repository: Repository) -> Backups:
    return Backups(
        bench.engine,
        volume_reach(bench),
        repository,
        stack=deployed.stack,
        plan=backup_plan(deployed.stack),
        clock=bench.clock,
    )
