"""The warm provider on a fake engine: how it is made, what keeps it from being used, when it rests."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import ContainerState, Image
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.leases import Liveness
from cc_ci.probes.answers import Answer
from cc_ci.providers import warm_argv, warm_record
from cc_ci.providers.borrowed import route
from cc_ci.providers.known import planned
from cc_ci.providers.warm import PSQL, WarmKeycloak
from cc_ci.providers.warm_master import RUN_ACCOUNT, realm_for
from cc_ci.providers.warm_record import Images
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.units import EpochSeconds, Seconds

IMAGES = Images(app="keycloak/keycloak:1", database="postgres:15")
NODE = Node(
    name="n", kind="private", docker_host="unix:///x", address="10.0.0.2", ci_domain="ci.test", ipvs=True
)
ROW = 'realm|{"id":"m","name":"master"}\n'


class SmallKeycloak:
    """Answers just what the warm provider asks; keeps realms and who was shut out."""

    def __init__(self) -> None:
        self.realms: dict[str, str] = {}
        self.shut_out = False
        self.secrets: list[str] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        del headers, timeout
        path = url.partition("//")[2].partition("/")[2].partition("?")[0]
        status, body, location = self.answer(method, path, content or "")
        text = msgspec.json.encode(body).decode()
        return Answer(url=url, status=status, body=text, headers={"location": location})

    def answer(self, method: str, path: str, content: str) -> tuple[int, object, str]:
        realm = path.removeprefix("admin/realms/")
        listed = [{"realm": name} for name in self.realms]
        known = {
            ("POST", "realms/master/protocol/openid-connect/token"): (self._token(content), TOKEN, ""),
            ("POST", "admin/realms/master/clients"): (201, {}, "x/1"),
            ("GET", "admin/realms/master/users"): (200, [{"id": "u", "username": "first"}], ""),
            ("GET", "admin/realms"): (200 if listed else 403, listed, ""),
        }
        if (method, path) == ("POST", "admin/realms/master/clients"):
            self.secrets.append(msgspec.json.decode(content)["secret"])
        if (method, path) == ("PUT", "admin/realms/master/users/u"):
            self.shut_out = not msgspec.json.decode(content)["enabled"]
        if method == "DELETE":
            self.realms.pop(realm)
        usual = (200, {"id": "s", **self._told(realm)}, "") if method == "GET" else (204, {}, "")
        return known.get((method, path), usual)

    def _token(self, content: str) -> int:
        return 401 if self.shut_out and "grant_type=password" in content else 200

    def _told(self, realm: str) -> dict[str, object]:
        return {"attributes": {"cc-ci.run": self.realms[realm]}} if realm in self.realms else {}


TOKEN = {"access_token": "t"}


def state(name: str, how: str = "running") -> ContainerState:
    return ContainerState(
        id=name, state=how, pid=1, exit_code=None, oom_killed=False, health=None, health_output=(),
        created=EpochSeconds(0.0), started=None, finished=None, addresses={},
    )  # fmt: skip


class Lab:
    def __init__(self) -> None:
        self.engine = FakeEngine()
        for name in (IMAGES.app, IMAGES.database):
            self.engine.on_node[name] = Image(
                id=f"sha256:{name}", tags=(name,), digests=(), diff_ids=(), size_bytes=1
            )
        self.engine.execs.on(warm_argv.DATABASE, "pg_isready").on(warm_argv.DATABASE, *PSQL, stdout=ROW)
        self.runner = ScriptedRunner().on("docker")
        self.keycloak = SmallKeycloak()
        self.warm = WarmKeycloak(NODE, self.engine, self.runner, self.engine.clock, requester=self.keycloak)

    def up(self) -> None:
        self.warm.up(version="1", images=IMAGES)
        self.stands("running")

    def stands(self, how: str) -> None:
        self.engine.states |= {name: state(name, how) for name in (warm_argv.NAME, warm_argv.DATABASE)}

    def said(self, word: str) -> list[str]:
        return [call[-1] for call in self.runner.calls if call[1] == word]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "run"))
    return Lab()


def test_it_is_built_once_and_no_secret_is_in_argv_or_told(lab: Lab, tmp_path: Path) -> None:
    lab.up()
    words = " ".join(word for call in lab.runner.calls for word in call)
    (secret,) = lab.keycloak.secrets
    given = "".join(text or "" for text in lab.runner.stdins)
    passwords = [line.partition("=")[2] for line in given.splitlines() if "PASSWORD" in line]
    assert len(passwords) == 3
    assert not any(value in words for value in (*passwords, secret))
    assert secret not in given
    record = warm_record.path_of(NODE, "keycloak")
    assert record.is_relative_to(tmp_path)
    assert record.stat().st_mode & 0o777 == 0o600
    assert not any(password.encode() in record.read_bytes() for password in passwords)
    built = warm_argv.tag(warm_argv.IMAGE, f"sha256:{IMAGES.app}")
    lab.engine.on_node[built] = lab.engine.on_node[IMAGES.app]
    builds = words.count(" build ")
    lab.keycloak.shut_out = False
    lab.up()
    assert " ".join(word for call in lab.runner.calls for word in call).count(" build ") == builds


def test_the_first_user_is_shut_out_before_it_is_kept(lab: Lab) -> None:
    lab.up()
    assert lab.keycloak.shut_out


def test_what_was_made_is_used_as_long_as_it_is_so(lab: Lab) -> None:
    lab.up()
    assert lab.warm.fault(version="1", images=IMAGES) is None
    other = Images(app="keycloak/keycloak:2", database="postgres:15")
    assert lab.warm.fault(version="2", images=other) == "it is of version 1, and 2 is needed"
    lab.engine.on_node[IMAGES.app] = msgspec.structs.replace(lab.engine.on_node[IMAGES.app], id="sha256:new")
    assert lab.warm.fault(version="1", images=IMAGES) == "its images are no longer those of their tags"


def test_one_that_was_changed_or_is_gone_is_not_used(lab: Lab) -> None:
    assert lab.warm.fault(version="1", images=IMAGES) == "there is none"
    lab.up()
    lab.engine.execs = ScriptedRunner().on(warm_argv.DATABASE, *PSQL, stdout=f'{ROW}client|{{"id":"evil"}}\n')
    assert "what no run owns has changed" in (lab.warm.fault(version="1", images=IMAGES) or "")
    del lab.engine.states[warm_argv.NAME]
    assert "is gone" in (lab.warm.fault(version="1", images=IMAGES) or "")


def test_a_record_that_can_t_be_read_says_how_to_mend_it(lab: Lab) -> None:
    lab.up()
    warm_record.path_of(NODE, "keycloak").write_text("{")
    with pytest.raises(InfrastructureError, match="`cc-ci provider up keycloak` recreates it"):
        _ = lab.warm.record


@pytest.mark.parametrize(("how", "done"), [("paused", "unpause"), ("exited", "start"), ("running", None)])
def test_it_is_woken_however_it_rests_its_database_first(lab: Lab, how: str, done: str | None) -> None:
    lab.up()
    lab.stands(how)
    lab.warm.wake()
    woken = lab.said("unpause") + lab.said("start")
    assert woken == ([warm_argv.DATABASE, warm_argv.NAME] if done else [])


def test_realms_of_dead_runs_go_and_it_rests_when_no_live_run_has_one(lab: Lab) -> None:
    lab.up()
    lab.keycloak.realms = {"run-0000000a": "live", "run-0000000b": "dead", "run-0000000c": ""}
    known = {"live": Liveness(run="live", live=True, reason="")}
    assert {realm.name for realm in lab.warm.reap(known)} == {"run-0000000b", "run-0000000c"}
    assert lab.said("pause") == []
    assert lab.warm.users(known) == ("live",)
    assert [realm.name for realm in lab.warm.reap({})] == ["run-0000000a"]
    assert lab.said("pause") == [warm_argv.NAME, warm_argv.DATABASE]


def test_a_run_that_ends_is_no_reason_to_stay_awake(lab: Lab) -> None:
    lab.up()
    lab.keycloak.realms = {"run-0000000a": "ending"}
    known = {"ending": Liveness(run="ending", live=True, reason="")}
    lab.warm.rest(known)
    assert lab.said("pause") == []
    lab.warm.rest(known, but="ending")
    assert lab.said("pause") == [warm_argv.NAME, warm_argv.DATABASE]


def test_one_that_is_to_run_on_is_not_paused(lab: Lab) -> None:
    lab.up()
    awake = WarmKeycloak(NODE, lab.engine, lab.runner, lab.engine.clock, requester=lab.keycloak, pauses=False)
    awake.rest({})
    assert lab.said("pause") == []
    lab.warm.rest({})
    assert lab.said("pause") == [warm_argv.NAME, warm_argv.DATABASE]


def test_a_run_s_realm_has_an_account_that_is_good_for_it_alone() -> None:
    sign_on = planned("keycloak", domain="k.ci.test", run="r")
    realm = realm_for(sign_on, run="r", redirects=["https://a/*"], run_secret="s")
    accounts = [user for user in realm["users"] if user.get("serviceAccountClientId")]
    assert [one["clientRoles"] for one in accounts] == [{"realm-management": ["realm-admin"]}]
    assert [one["clientId"] for one in realm["clients"]] == [sign_on.client_id, RUN_ACCOUNT]
    assert realm["attributes"] == {"cc-ci.run": "r"}


def test_a_run_s_route_leads_to_its_realm_and_to_no_other() -> None:
    made = route("k.ci.test", "run-0000000a", address="10.1.2.3")
    rule = made["http"]["routers"]["cc-ci-provider"]["rule"]  # type: ignore[index]
    host, paths = rule.removesuffix(")").split(" && (")
    assert host == "Host(`k.ci.test`)"
    assert paths.split(" || ") == [
        "PathPrefix(`/realms/run-0000000a/`)",
        "PathPrefix(`/admin/realms/run-0000000a/`)",
        "PathPrefix(`/resources/`)",
        "Path(`/admin/realms/run-0000000a`)",
    ]
