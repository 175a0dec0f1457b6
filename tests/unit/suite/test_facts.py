from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.providers.api import SignOn
from cc_ci.suite.facts import read_suite
from cc_ci.suite.files import suite_hash
from cc_ci.suite.finding import find_suite

WHOLE = """
recipe = "notes"
seeds = "seed.py"
secrets = ["password"]
needs = ["keycloak"]
env = { A = "1", B = "2" }

[probe]
path = "/health"
status = 204
contains = "ok"

[timeouts]
ready = 90
tests = 12.5

[weight]
memory_mib = 64
cpus = 0.5

[wiring]
redirects = ["/callback"]
env = { OIDC_ISSUER = "{issuer}", C = "{realm}" }
secrets = { oidc_client_secret = "{client_secret}" }

[variants.postgres]
compose_files = ["compose.yml", "compose.postgres.yml"]
env = { B = "3", C = "4" }
"""


def suite_folder(root: Path, text: str, *, name: str = "notes") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(text)
    (folder / "seed.py").write_text("def write(app, http, key, value): ...\n")
    return folder


def test_everything_that_may_be_said_is_read(tmp_path: Path) -> None:
    suite = read_suite(suite_folder(tmp_path, WHOLE))
    assert (suite.probe.path, suite.probe.status, suite.probe.contains) == ("/health", 204, "ok")
    assert (suite.timeouts.ready, suite.timeouts.tests, suite.timeouts.seed) == (90, 12.5, 30)
    assert (suite.weight.memory_mib, suite.weight.cpus) == (64, 0.5)
    assert suite.variant("postgres").compose_files == ("compose.yml", "compose.postgres.yml")
    assert (suite.secrets, suite.needs) == (("password",), ("keycloak",))


def test_a_variant_sets_values_on_top_of_the_suites_own(tmp_path: Path) -> None:
    suite = read_suite(suite_folder(tmp_path, WHOLE))
    assert suite.env_for(None, values={}) == {"A": "1", "B": "2"}
    assert suite.env_for("postgres", values={}) == {"A": "1", "B": "3", "C": "4"}
    assert suite.env_names == ("A", "B", "OIDC_ISSUER", "C")
    with pytest.raises(UsageError, match=r"suite.toml: variant mysql: not known; there is postgres"):
        suite.variant("mysql")


SIGN_ON = SignOn(
    provider="keycloak",
    provider_url="https://keyc-1.example",
    issuer="https://keyc-1.example/realms/run-1",
    realm="run-1",
    client_id="app",
    client_secret="c-secret",
    username="member",
    password="m-secret",
    email="member@example",
)


def test_the_wiring_is_filled_in_from_the_provider(tmp_path: Path) -> None:
    suite = read_suite(suite_folder(tmp_path, WHOLE))
    wired = suite.env_for("postgres", values={}, sign_on=SIGN_ON)
    assert wired == {"A": "1", "B": "3", "OIDC_ISSUER": SIGN_ON.issuer, "C": "run-1"}
    assert suite.secrets_for(SIGN_ON) == {"oidc_client_secret": "c-secret"}
    assert suite.secrets_for(None) == {}


def test_tests_for_sign_on_are_a_part_of_their_own(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, WHOLE)
    (folder / "test_sso.py").write_text("")
    suite = read_suite(folder)
    assert (suite.has_tests, suite.has_sso_tests) == (False, True)
    (folder / "test_notes.py").write_text("")
    assert read_suite(folder).has_tests


def test_a_recipe_name_is_enough(tmp_path: Path) -> None:
    suite = read_suite(suite_folder(tmp_path, 'recipe = "notes"'))
    assert (suite.probe.path, suite.probe.status, suite.stateless, suite.seeds) == (None, 200, False, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "top level: object missing required field `recipe`"),
        ('recipe = "notes"\nprobe = { status = "200" }', "probe.status: invalid enum value '200'"),
        ('recipe = "notes"\nprobe = { path = "health" }', "probe.path: has to be a path: it begins with /"),
        ('recipe = "notes"\ntimeouts = { tests = 0 }', "timeouts.tests: expected `float` > 0.0"),
        ('recipe = "notes"\nseeds = "other.py"', "seeds: 'other.py' is not in the suite's folder"),
        (
            'recipe = "notes"\nseeds = "../x.py"',
            "seeds: has to be the name of a Python file",
        ),
        ('recipe = "notes"\n[[readiness]]\nname = "db"\nrun = ["x"]', "readiness[0]: 'db' has run; it takes"),
        (
            'recipe = "notes"\n[[readiness]]\nname = "db"\nservice = "db"\npath = "/"',
            "readiness[0]: 'db' has path, service; it takes service and run, or service, port and",
        ),
        (
            'recipe = "notes"\n[[readiness]]\nname = "db"\nservice = "db"\nrun = ["x"]\nstatus = 200',
            "readiness[0]: 'db' has run, service, status; it takes",
        ),
        (
            'recipe = "notes"\n[[readiness]]\nname = "app"\npath = "/health"',
            "top level: readiness: the name 'app' is there twice",
        ),
        ('recipe = "notes', "can't be read: "),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    folder = suite_folder(tmp_path, text)
    with pytest.raises(InfrastructureError) as raised:
        read_suite(folder)
    assert str(raised.value).startswith(f"{folder / 'suite.toml'}: {said}")
    assert "\n" not in str(raised.value)


def test_a_folder_without_facts_is_named(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"suite\.toml: can't be read: no such file"):
        read_suite(tmp_path)


def test_the_first_root_that_has_a_suite_wins(tmp_path: Path) -> None:
    suite_folder(tmp_path / "two", 'recipe = "notes"')
    assert find_suite("notes", [tmp_path / "one", tmp_path / "two"]) == read_suite(tmp_path / "two" / "notes")
    assert find_suite("other", [tmp_path / "one", tmp_path / "two"]) is None


def test_a_suite_under_another_recipes_name_is_refused(tmp_path: Path) -> None:
    suite_folder(tmp_path, 'recipe = "notes"', name="pads")
    with pytest.raises(InfrastructureError, match="'notes' is not 'pads'"):
        find_suite("pads", [tmp_path])


def test_the_hash_follows_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, WHOLE)
    before = suite_hash(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "seed.pyc").write_bytes(b"x")
    assert suite_hash(folder) == before
    (folder / "seed.py").rename(folder / "sead.py")
    renamed = suite_hash(folder)
    (folder / "sead.py").write_text("")
    assert len({before, renamed, suite_hash(folder)}) == 3


def test_a_link_in_a_suite_is_refused(tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, WHOLE)
    (folder / "test_x.py").symlink_to("/etc/hostname")
    with pytest.raises(InfrastructureError, match=r"test_x\.py: a link"):
        read_suite(folder)


def test_signs_of_readiness_are_of_three_kinds(tmp_path: Path) -> None:
    text = """
recipe = "notes"
[[readiness]]
name = "database"
service = "db"
run = ["pg_isready", "-h", "127.0.0.1"]
[[readiness]]
name = "management"
service = "app"
port = 9000
path = "/health/ready"
contains = "UP"
[[readiness]]
name = "api"
path = "/healthz/readiness"
status = 204
"""
    database, management, api = read_suite(suite_folder(tmp_path, text)).readiness
    assert (database.service, database.run) == ("db", ("pg_isready", "-h", "127.0.0.1"))
    assert (management.service, management.port, management.status) == ("app", 9000, None)
    assert (api.service, api.path, api.status) == (None, "/healthz/readiness", 204)


def test_a_volume_that_needs_no_backup_has_a_reason(tmp_path: Path) -> None:
    text = 'recipe = "notes"\n[unkept]\ncache = "rebuilt at start"\n'
    assert read_suite(suite_folder(tmp_path, text)).unkept == {"cache": "rebuilt at start"}


def test_who_may_see_a_secret_is_said_with_a_reason(tmp_path: Path) -> None:
    text = 'recipe = "notes"\n[shown.token]\nto = "users"\nbecause = "they copy it"\n'
    assert read_suite(suite_folder(tmp_path, text)).shown["token"].to == "users"


@pytest.mark.parametrize(
    "token", ['"users"', '{ to = "users" }', '{ to = "all", because = "why not" }', '{ because = "it is" }']
)
def test_a_secret_that_shows_without_whom_or_why_is_refused(token: str, tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, f'recipe = "notes"\n[shown]\ntoken = {token}\n')
    with pytest.raises(InfrastructureError, match=r"suite\.toml: shown"):
        read_suite(folder)


@pytest.mark.parametrize("unkept", ['["cache"]', '{ cache = "" }', '{ cache = " " }', "{ cache = true }"])
def test_a_volume_without_a_reason_is_refused(unkept: str, tmp_path: Path) -> None:
    folder = suite_folder(tmp_path, f'recipe = "notes"\nunkept = {unkept}\n')
    with pytest.raises(InfrastructureError, match=r"suite\.toml: unkept.* each volume has its reason"):
        read_suite(folder)


def test_a_suite_that_wants_no_shared_app_says_why(tmp_path: Path) -> None:
    text = 'recipe = "notes"\nshare = false\nunshared = "an install makes what a backup lacks"\n'
    assert read_suite(suite_folder(tmp_path, text)).unshared == "an install makes what a backup lacks"


@pytest.mark.parametrize("text", ["share = false", 'unshared = "why not"', 'share = true\nunshared = "so"'])
def test_share_and_its_reason_go_together(tmp_path: Path, text: str) -> None:
    with pytest.raises(InfrastructureError, match='share = false and unshared = "its reason" go together'):
        read_suite(suite_folder(tmp_path, f'recipe = "notes"\n{text}\n'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prob]\npath = '/'", ":3: key prob: not known; did you mean probe? there is recipe, probe, "),
        ("timeout = 3", ":2: key timeout: not known; did you mean timeouts? "),
        (
            "stateless = false\n[probe]\npaht = '/'",
            ":4: key paht: not known; did you mean path? there is path, ",
        ),
        ("probe = { paht = '/' }", ":1: key paht: not known; did you mean path? "),
        (
            "[variants.big]\ncompose_files = ['compose.yml']\nenvs = {}",
            ":4: key envs: not known; did you mean env?",
        ),
        ("[[readiness]]\nname = 'db'\nserivce = 'db'", ":4: key serivce: not known; did you mean service?"),
        ("zzzzzzz = 1", ":2: key zzzzzzz: not known; there is recipe, "),
    ],
)
def test_a_key_that_is_not_known_is_named_with_its_line_and_what_was_meant(
    text: str, said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    gap = "\n" if text.startswith("[prob]") else ""
    (folder / "suite.toml").write_text(f'recipe = "notes"\n{gap}{text}\n')
    with pytest.raises(UsageError) as caught:
        read_suite(folder)
    assert f"{folder / 'suite.toml'}{said}" in str(caught.value)
