"""Back an app up and restore it: only a marker that comes back proves a backup.

Both are done twice, on the deployments that are there anyway: a hook may leave something behind that only
the next one stumbles over. What came in between tells the two backups apart. In place the first backup is
restored last, on the fresh deployment the second.
"""

import contextlib
from collections.abc import Iterator

import msgspec

from cc_ci.backups.backup import Backups
from cc_ci.backups.contents import told
from cc_ci.backups.restic import Repository, Snapshot
from cc_ci.errors import StageFailed
from cc_ci.probes.ready import NotReady, Readying
from cc_ci.recipes.backup_coverage import absent
from cc_ci.recipes.backup_labels import BackupPlan, backup_plan
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.evidence import keep_answers
from cc_ci.stages.readying import predicates
from cc_ci.stages.seeds import Planted, places_for, put_in, require, require_all_marked, seeds_of
from cc_ci.stages.volumes import tell_left_out, volume_reach
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import DATA, MAKE_REPOSITORY

THINGS_TO_UNDO = "the marker changes and goes, later data comes"
"""The test that says that a restore has something to undo, whatever it is done on."""
SETTLING: Seconds = 60.0
"""How long an app may take to serve again after hooks have worked in it."""


class Backed(msgspec.Struct, frozen=True, kw_only=True):
    """Two backups of one deployment, and markers: in both, in the second only, in none.

    `older` is in both, too, if the old version wrote it.
    """

    deployment: str
    data_of: str
    plan: BackupPlan
    """Of the deployment that was backed up: its volumes have its names."""
    first: Snapshot
    second: Snapshot
    kept: Planted
    between: Planted
    later: Planted
    older: Planted | None = None


def repository(bench: Bench, *, lists_ahead: bool = False) -> Repository:
    """A restic repository of the run's own, empty."""
    made = Repository(volume_reach(bench), redact=bench.redact, lists_ahead=lists_ahead)
    made.create()
    return made


def open_repository(bench: Bench) -> Repository:
    with bench.span("restic init", "backup", action=MAKE_REPOSITORY):
        return repository(bench)


def back_up(
    bench: Bench, deployed: Deployed, repository: Repository, *, kept: Planted, older: Planted | None = None
) -> Backed:
    """Back up twice. After each the app has to serve, and to take what the next one has to hold."""
    tell_left_out(bench, deployed)
    first = _snapshot(bench, deployed, repository, name="backup")
    between = _still_works(bench, deployed, kept, name="between", after="the first backup")
    second = _snapshot(bench, deployed, repository, name="second backup")
    later = _still_works(bench, deployed, kept, name="later", after="the second backup")
    return Backed(
        deployment=deployed.name,
        data_of=deployed.data_of,
        plan=backup_plan(deployed.stack),
        first=first,
        second=second,
        kept=kept,
        between=between,
        later=later,
        older=_in_backup(deployed, older),
    )


def _in_backup(deployed: Deployed, older: Planted | None) -> Planted | None:
    """What of an older marker a backup has to bring back; None if it is in no volume of the backup."""
    if older is None or not older.places:
        return older
    places = tuple(place for place in older.places if place in places_for(deployed, stage="backup"))
    return msgspec.structs.replace(older, places=places) if places else None


def fill(bench: Bench, deployed: Deployed) -> Planted:
    """Give data of its own to an app that another's backup is restored over: what it has has to go."""
    changed, places = "changed before the restore", places_for(deployed, stage="restore")
    with (
        bench.span("add, change and delete data", "seed"),
        proof(bench, THINGS_TO_UNDO, deployed=deployed, stage="restore"),
    ):
        gone = put_in(bench, deployed, places, name="own")
        seeds = seeds_of(bench, deployed, gone.places)
        seeds.write(gone.key, changed)
        require(bench, deployed, gone, changed, after="it was changed")
        seeds.delete(gone.key)
        require(bench, deployed, gone, None, after="it was deleted")
        return put_in(bench, deployed, places, name="stays")


def overwrite(bench: Bench, deployed: Deployed, backed: Backed) -> None:
    """Change the marker, then take it away: with the later data, the restore has something to undo."""
    changed, kept = "changed after the backup", backed.kept
    with (
        bench.span("change, delete and add data", "seed"),
        proof(bench, THINGS_TO_UNDO, deployed=deployed, stage="restore"),
    ):
        seeds = seeds_of(bench, deployed, kept.places)
        seeds.write(kept.key, changed)
        require(bench, deployed, kept, changed, after="it was changed")
        seeds.delete(kept.key)
        require(bench, deployed, kept, None, after="it was deleted")
        require(bench, deployed, backed.later, backed.later.value, after="the second backup")


def restore(bench: Bench, deployed: Deployed, repository: Repository, backed: Backed) -> None:
    """Restore both backups, one after the other: the one that the deployment is left with comes last."""
    plan = backup_plan(deployed.stack)
    if real := _standing_for(deployed, backed):
        repository = repository.through(volume_reach(bench, real=real))
    backed = _here(deployed, backed)
    deployed.data_of = backed.data_of
    one, other = (
        (backed.second, backed.first) if _in_place(deployed, backed) else (backed.first, backed.second)
    )
    _restored(bench, deployed, repository, one, name="restore")
    _restored(bench, deployed, repository, other, name="second restore")
    if backed.kept.places:
        _require_exact(bench, deployed, backed)
    _require_hooks_left_it_serving(bench, deployed, plan)


def verify(
    bench: Bench, deployed: Deployed, repository: Repository, backed: Backed, *, own: Planted | None = None
) -> None:
    """What the backup that was restored last has is there, and nothing else; and the app takes new data.

    `own` is what the app had before, if it is not the one that was backed up.
    """
    after = _after(deployed, backed, own)
    backed = _here(deployed, backed)
    last = backed.first if _in_place(deployed, backed) else backed.second

    def tell_more() -> str:
        return f" ({told(repository.files(last), last, backed.plan)})"

    with bench.span("restored data", "verify"), _naming_what_is_left_out(deployed, backed, after=after):
        with proof(bench, "the marker is back", deployed=deployed, stage="restore"):
            require(bench, deployed, backed.kept, backed.kept.value, after=after, tell_more=tell_more)
        if older := backed.older:
            with proof(bench, "what the old version wrote is back", deployed=deployed, stage="restore"):
                require(bench, deployed, older, older.value, after=after, tell_more=tell_more)
        with proof(
            bench, "what came between the backups is as in the last", deployed=deployed, stage="restore"
        ):
            between = None if last == backed.first else backed.between.value
            require(bench, deployed, backed.between, between, after=after, tell_more=tell_more)
        with proof(bench, "later data is gone", deployed=deployed, stage="restore"):
            require(bench, deployed, own or backed.later, None, after=after)
        with proof(bench, "the app takes data again", deployed=deployed, stage="restore"):
            put_in(bench, deployed, backed.kept.places, name="again", after=after)
    require_all_marked(deployed, backed.kept)


@contextlib.contextmanager
def _naming_what_is_left_out(deployed: Deployed, backed: Backed, *, after: str) -> Iterator[None]:
    """Where data of the app is lost and something is in no backup, that comes first.

    Markers in volumes are in those alone that are backed up.
    """
    try:
        yield
    except StageFailed as error:
        suite, stack = deployed.candidate.suite, deployed.stack
        lines = absent(stack, backup_plan(stack), unkept=suite.unkept if suite else {})
        if backed.kept.places or not lines:
            raise
        raise StageFailed(f"data was lost, and {'; '.join(lines)}; {after} showed it: {error}") from error


def _standing_for(deployed: Deployed, backed: Backed) -> dict[str, str]:
    """The deployment's own volumes, by the names that the backup has for them."""
    own = {one.volume: one.name for one in backup_plan(deployed.stack).volumes}
    saved = {one.volume: one.name for one in backed.plan.volumes}
    return {name: own[key] for key, name in saved.items() if key in own and own[key] != name}


def _here(deployed: Deployed, backed: Backed) -> Backed:
    """The same backups, with markers where the deployment that they are restored into has its volumes."""
    real = _standing_for(deployed, backed)

    def moved(planted: Planted) -> Planted:
        at = {place: real.get(place.volume, place.volume) for place in planted.places}
        places = tuple(msgspec.structs.replace(place, volume=name) for place, name in at.items())
        return msgspec.structs.replace(planted, places=places)

    return msgspec.structs.replace(
        backed,
        kept=moved(backed.kept),
        between=moved(backed.between),
        later=moved(backed.later),
        older=moved(backed.older) if backed.older else None,
    )


def _after(deployed: Deployed, backed: Backed, own: Planted | None) -> str:
    if _in_place(deployed, backed):
        return "the restore in place"
    return "the restore over another app" if own else "the restore on a fresh deployment"


def _in_place(deployed: Deployed, backed: Backed) -> bool:
    return deployed.name == backed.deployment


def _snapshot(bench: Bench, deployed: Deployed, repository: Repository, *, name: str) -> Snapshot:
    with bench.span(name, "backup", action=DATA, waits_for="hooks and restic") as span:
        done = _backups(bench, deployed, repository).backup()
        span.note(snapshot=done.snapshot.id, files=done.snapshot.files, bytes=done.snapshot.bytes)
    return done.snapshot


def _restored(
    bench: Bench, deployed: Deployed, repository: Repository, snapshot: Snapshot, *, name: str
) -> None:
    with bench.span(name, "restore", action=DATA, waits_for="hooks and restic") as span:
        done = _backups(bench, deployed, repository).restore(snapshot)
        span.note(snapshot=snapshot.id, removed=len(done.restored.removed))


def _still_works(bench: Bench, deployed: Deployed, kept: Planted, *, name: str, after: str) -> Planted:
    with proof(bench, f"after {after} the app serves and takes data", deployed=deployed, stage="backup"):
        _require_serving(bench, deployed, after=after)
        with bench.span(f"seed after {after}", "seed"):
            return put_in(bench, deployed, kept.places, name=name, after=after)


def _require_serving(bench: Bench, deployed: Deployed, *, after: str) -> None:
    """Look for the app's own signs until all are there once more; they were before."""
    readying = Readying(
        *predicates(bench, deployed), clock=bench.clock, interval=bench.waits.probe_interval, hold=0.0
    )
    with bench.span(f"serves after {after}", "verify", waits_for="the app's own signs that it serves"):
        try:
            readying.wait(timeout=SETTLING)
        except NotReady as error:
            keep_answers(bench, deployed, error.answers)
            raise StageFailed(f"{deployed.name}: after {after} the app does not serve: {error}") from error


def _require_hooks_left_it_serving(bench: Bench, deployed: Deployed, plan: BackupPlan) -> None:
    """The recipe's own hooks worked in the running app, so they must leave it running.

    Where only files were put back, a running app may not know of them: it is deployed again, and then judged.
    """
    if not plan.hooked_restore:
        return
    with proof(bench, "the restore's hooks leave the app serving", deployed=deployed, stage="restore"):
        _require_serving(bench, deployed, after="the restore")


def _require_exact(bench: Bench, deployed: Deployed, backed: Backed) -> None:
    """Owners, modes and times, before the app starts again and may set some by itself."""
    kept = backed.kept
    with (
        bench.span("restored files", "verify"),
        proof(bench, "files are back with owner, mode and time", deployed=deployed, stage="restore"),
    ):
        require(bench, deployed, kept, kept.value, after="the restore", exactness="exact")


def _backups(bench: Bench, deployed: Deployed, repository: Repository) -> Backups:
    return Backups(
        bench.engine,
        volume_reach(bench),
        repository,
        stack=deployed.stack,
        plan=backup_plan(deployed.stack),
        clock=bench.clock,
        patience=deployed.app.timeout,
    )
