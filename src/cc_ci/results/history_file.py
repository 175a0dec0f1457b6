"""The file of the history's index: its tables, and what becomes of one that an older cc-ci made."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from cc_ci.errors import UsageError
from cc_ci.levers.arms import arm_text, digest
from cc_ci.levers.values import Value
from cc_ci.system.files import free_name

VERSION = 5
"""Of the tables; an index of another one that can't be brought to it is put aside."""

TABLES = f"""
begin immediate;
create table if not exists runs (
    run text primary key, changed integer, cc_ci text, recipe text, version text, commit_ text, suite text,
    arm text, digest text, cache text, only text, variant text, node text, images text, engine text,
    dirty integer, started real, verdict text, exit_code integer,
    seconds real, cpu_pressure real, io_pressure real, others_cpus real
);
create table if not exists phases (run text, stage text, phase text, seconds real);
create table if not exists tests (run text, stage text, name text, outcome text);
create index if not exists phases_run on phases (run);
create index if not exists tests_run on tests (run);
pragma user_version = {VERSION};
commit;
"""
"""In one step: two runs that end at once may both find no index."""

VALUES_3: Mapping[str, Mapping[str, Value]] = {
    "stock": {},
    "bare": {
        "deploy.driver": "bare",
        "deploy.share": "chains",
        "readiness.stability": 0.0,
        "readiness.probe_interval": 0.05,
        "readiness.hold": 0.0,
    },
}
"""The lever values of the profiles when the tables were of version 3, but for neutral ones."""
ARMS: Mapping[int, str] = {3: "arm_3(profile, driver), digest_3(profile, driver)", 4: "arm, digest"}
"""By a version that can be brought to this one, what its rows have of an arm. None of them has an engine."""


def _from(version: int) -> str:
    """What brings the tables up; as not looked at, so that runs that are there yet tell the rest."""
    return f"""
begin immediate;
alter table runs rename to runs_before;
{TABLES.partition("begin immediate;")[2].rpartition("pragma")[0]}
insert into runs select run, 0, cc_ci, recipe, version, commit_, suite,
    {ARMS[version]}, cache, only, variant, node, images, null,
    dirty, started, verdict, exit_code, seconds, cpu_pressure, io_pressure, others_cpus from runs_before;
drop table runs_before;
pragma user_version = {VERSION};
commit;
"""  # noqa: S608 - words of our own


def _overrides_3(driver: str | None) -> dict[str, Value]:
    return {"deploy.driver": driver} if driver and driver != "bare" else {}


def _arm_3(profile: str, driver: str | None) -> str:
    return arm_text(profile, _overrides_3(driver))


def _digest_3(profile: str, driver: str | None) -> str:
    return digest({**VALUES_3.get(profile, {}), **_overrides_3(driver)})


def open_index(path: Path, *, say: Callable[[str], None]) -> sqlite3.Connection:
    """The database. One that is broken, or of other tables, is put aside: pruned runs are nowhere else."""
    try:
        db = sqlite3.connect(path)
        if trouble := _trouble(db):
            db.close()
            aside = path.replace(free_name(path.parent, f"{path.name}.old"))
            say(f"{path}: {trouble}; made anew from the runs that are there, the one before is {aside.name}")
            db = sqlite3.connect(path)
        if (found := _version(db)) in ARMS:
            db.create_function("arm_3", 2, _arm_3)
            db.create_function("digest_3", 2, _digest_3)
            db.executescript(_from(found))
        if _version(db) != VERSION:
            db.executescript(TABLES)
    except sqlite3.OperationalError as error:
        raise UsageError(f"{path}: {error}; try again, or remove it") from error
    return db


def _version(db: sqlite3.Connection) -> int:
    """0 of an empty file."""
    found: int = db.execute("pragma user_version").fetchone()[0]
    return found


def _trouble(db: sqlite3.Connection) -> str | None:
    """Why it can't be used; None also of an empty file, and of one that another process is making."""
    try:
        found = _version(db)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found in (0, *ARMS, VERSION) else f"of version {found}, not {VERSION}"
