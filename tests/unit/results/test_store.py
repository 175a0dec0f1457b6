import json
import os
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.levers.arms import choose, digest
from cc_ci.report.files import write_files
from cc_ci.results import migrations
from cc_ci.results.published import json_schema
from cc_ci.results.store import Store, load
from cc_ci.results.unredacted import unredacted
from cc_ci.system.files import STATE_VARIABLE, append_private

PUBLISHED = Path(__file__).parents[3] / "docs/reference/results.schema.json"
OLD = Path(__file__).parent / "old"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def write(store: Store, run: str, *, at: int) -> None:
    folder = store.write(example(run))
    os.utime(folder.results, (at, at))


def test_what_was_written_is_read_back(store: Store) -> None:
    folder = store.write(example())
    assert store.load() == example()
    assert folder.evidence.is_dir()
    assert folder.run == "cust-0a1b2c"


@pytest.mark.attack(
    what="Another user of the machine reads the results, logs and screenshots of runs.",
    before="Folders were 0755 and files 0644.",
    now="Folders are 0700 and files 0600, whatever the umask.",
    layer="input",
)
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_results_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = Store(tmp_path / "made/runs").write(example())
        write_files(example(), folder)
        append_private(folder.evidence / "traceback.txt", "x")
    finally:
        os.umask(before)
    found = {path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert {mode for path, mode in found.items() if (tmp_path / path).is_dir()} == {0o700}
    assert {mode for path, mode in found.items() if (tmp_path / path).is_file()} == {0o600}
    assert len(found) == 8


def test_a_folder_of_an_older_run_is_closed_when_it_is_used_again(store: Store) -> None:
    folder = store.write(example())
    folder.path.chmod(0o755)
    store.write(example())
    assert folder.path.stat().st_mode & 0o777 == 0o700


def test_pictures_and_archives_are_told_apart(tmp_path: Path) -> None:
    for name in ("evidence/Y/suite/a.png", "evidence/Y/b.log", "evidence/Z/c.tar.gz", "evidence/W/d.zip"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = unredacted(tmp_path, ("evidence/Y", "evidence/Z", "evidence/none"))
    assert found == ("evidence/Y/suite/a.png", "evidence/Z/c.tar.gz")


def test_writing_again_replaces_and_leaves_nothing_else(store: Store) -> None:
    store.write(example())
    folder = store.write(example())
    assert {path.name for path in folder.path.iterdir()} == {"results.json", "evidence"}


def test_runs_are_found_by_id_prefix_and_latest(store: Store) -> None:
    for at, run in enumerate(["aaa-1", "aaa-10", "bbb-1"]):
        write(store, run, at=at)
    assert store.runs() == ("bbb-1", "aaa-10", "aaa-1")
    assert store.find().run == "bbb-1"
    assert store.find("b").run == "bbb-1"
    assert store.find("aaa-1").run == "aaa-1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aaa", "run aaa: matches several runs: aaa-2, aaa-1; give more of the name"),
        ("zzz", "run zzz: not known; there is bbb-1, aaa-2, aaa-1; `cc-ci runs` lists all"),
    ],
)
def test_a_name_that_fits_no_single_run_lists_what_exists(store: Store, name: str, message: str) -> None:
    for at, run in enumerate(["aaa-1", "aaa-2", "bbb-1"]):
        write(store, run, at=at)
    with pytest.raises(UsageError, match=message):
        store.find(name)


def test_many_runs_are_not_all_listed(store: Store) -> None:
    for at in range(15):
        write(store, f"run-{at}", at=at)
    with pytest.raises(UsageError, match=r"there is run-14, run-13, .*, run-3 and 3 more; "):
        store.find("zzz")


def test_an_empty_store_says_so(store: Store) -> None:
    with pytest.raises(UsageError, match=r"no results in .*; `cc-ci run` makes some"):
        store.load("latest")


def test_the_default_root_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    assert Store().root == tmp_path / "runs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not the results of a run"),
        ("[]", "schema_version is missing"),
        ('{"schema_version": 0}', "no number from 1 on"),
        ('{"schema_version": 1}', "not the results of a run"),
        ('{"schema_version": 99}', "schema_version 99 is newer than 6; upgrade cc-ci"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


def test_what_lies_among_the_results_and_is_none_is_left_alone(store: Store, tmp_path: Path) -> None:
    store.write(example("real-1"))
    for name, make in (
        ("pipe-1", os.mkfifo),
        ("gone-1", lambda path: path.symlink_to("nowhere")),
        ("folder-1", lambda path: path.mkdir()),
    ):
        (store.root / name).mkdir()
        make(store.root / name / "results.json")
    assert store.runs() == ("real-1",)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for path, said in (
        (store.root / "pipe-1/results.json", "not a plain file"),
        (store.root / "folder-1/results.json", "not a plain file"),
        (tmp_path / "deep.json", "not the results of a run"),
    ):
        with pytest.raises(UsageError, match=said):
            load(path)
    (tmp_path / "link.json").symlink_to(store.root / "real-1/results.json")
    assert load(tmp_path / "link.json").run == "real-1"


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        load(tmp_path / "results.json")


@pytest.mark.parametrize("path", sorted(OLD.glob("*.json")), ids=lambda path: path.stem)
def test_results_of_every_version_stay_readable(path: Path) -> None:
    assert load(path).recipe.name == "custom-html"


OLD_STOCK = digest({})
"""Stock as it was when each of its values was its lever's neutral one."""


def test_what_a_run_of_version_1_tells_of_its_levers_is_its_arm() -> None:
    raw = json.loads((OLD / "version-1.json").read_text())
    found = {name: migrations.current(raw | change)["arm"] for name, change in {
        "stock": {"levers": {"readiness_hold": 1.0, "teardown_wait": "removal"}},
        "bare": {"profile": "bare", "levers": {"deploy_driver": "bare", "deploy_share": "chains"}},
        "abra": {"levers": {"deploy_driver": "abra", "teardown_wait": "removal"}},
    }.items()}  # fmt: skip
    assert found["stock"] == {"profile": "stock", "overrides": {}, "digest": OLD_STOCK}
    assert found["bare"]["profile"] == "bare"
    assert found["abra"]["overrides"] == {"deploy.driver": "abra"}
    assert found["abra"]["digest"] == digest({"deploy.driver": "abra"})
    assert choose().arm.digest != OLD_STOCK


def test_a_test_of_version_2_has_its_deployment_taken_out_of_its_name() -> None:
    names = (
        "backup: the marker is back",
        "test_a.py::test_b[x: y]",
        "keycloak: its realm",
        "generic: service app",
    )
    tests = [{"name": name, "outcome": "passed"} for name in names]
    old = {
        "schema_version": 2,
        "provider": {"name": "keycloak"},
        "stages": [{"name": "restore", "tests": tests}],
    }
    (stage,) = migrations.current(old)["stages"]
    assert [(test["id"], test.get("deployment")) for test in stage["tests"]] == [
        ("the marker is back", "backup"),
        ("test_a.py::test_b[x: y]", None),
        ("provider: its realm", "keycloak"),
        ("generic: service app", None),
    ]
    assert not [test for test in stage["tests"] if "name" in test]


def test_levers_of_version_4_have_the_names_of_now_and_their_arm_the_digest_of_then() -> None:
    arm = {"profile": "stock", "overrides": {"deploy.share": "chains"}, "digest": "0123"}
    levers = {"deploy.share": "chains", "readiness.hold": 0.0}
    read = migrations.current({"schema_version": 4, "arm": arm, "levers": levers})
    assert read["arm"] == {"profile": "stock", "overrides": {"plan.shape": "chains3"}, "digest": "0123"}
    assert read["levers"] == {"plan.shape": "chains3", "readiness.hold": 0.0}


def test_what_older_results_do_not_tell_of_their_engine_is_said() -> None:
    read = load(OLD / "version-3.json")
    assert (read.schema_version, read.environment.engine, read.environment.runc) == (6, "20.10.24", None)
    assert read.missing["environment.runc"] == "not recorded before version 4 of these results"
    assert read.missing["resources.*.suite.cpu_seconds"] == "not recorded before version 6 of these results"
    (whole, *_) = read.resources
    assert (whole.suite.cpu_seconds, whole.stack.mean_resident_bytes) == (None, None)


def test_older_versions_are_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(number: int) -> Callable[[dict[str, object]], dict[str, object]]:
        return lambda raw: {**raw, "steps": [*raw.get("steps", ()), number]}  # type: ignore[misc]

    monkeypatch.setattr(migrations, "SCHEMA_VERSION", 3)
    monkeypatch.setattr(migrations, "STEPS", {1: step(1), 2: step(2)})
    assert migrations.current({"schema_version": 1}) == {"schema_version": 3, "steps": [1, 2]}


def test_the_published_schema_is_that_of_the_code() -> None:
    assert PUBLISHED.read_text() == json_schema(), (
        "run: python -m cc_ci.results.published > docs/reference/..."
    )


def test_what_is_written_keeps_to_the_published_schema(store: Store) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    written = json.loads(store.write(example()).results.read_text())
    validator.validate(written)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**written, "stages": [{"name": "dance", "outcome": "passed"}]})


def test_pruning_keeps_the_newest_runs(store: Store) -> None:
    for number in range(4):
        write(store, f"run-{number}", at=number)
    store.prune(keep=2)
    assert store.runs() == ("run-3", "run-2")
