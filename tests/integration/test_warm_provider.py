"""A real Keycloak that outlives runs: what a run gets of it, and what it can't get at."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import filelock
import msgspec
import pytest

from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.labels import RunLabels
from cc_ci.engine.node import Node
from cc_ci.isolation.census import take
from cc_ci.isolation.leases import Keeper as LeaseKeeper
from cc_ci.isolation.leases import liveness
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.images import read_images, select
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.lab.workshop import workshop
from cc_ci.probes.answers import Answer
from cc_ci.probes.http import Probe
from cc_ci.providers import warm_argv
from cc_ci.providers.api import SignOn
from cc_ci.providers.borrowed import BorrowedRealm
from cc_ci.providers.conversation import Conversation
from cc_ci.providers.known import planned
from cc_ci.providers.warm import PSQL, URL, WarmKeycloak
from cc_ci.providers.warm_master import run_bearer
from cc_ci.providers.warm_record import Images, path_of
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.units import EpochSeconds
from cc_ci.testkit.leases import leased

pytestmark = [pytest.mark.integration, pytest.mark.heavy, pytest.mark.timeout(1800)]

RUN = LocalRunner()
IMAGES = Images(app="keycloak/keycloak:26.7.3", database="postgres:15")
VERSION = "1.1.0+26.7.3"
FOREIGN = "update realm set login_theme = 'another' where name = 'master'"


@pytest.fixture(scope="module")
def engine(node: Node) -> DockerEngine:
    if due := outdated(select(read_images(), ["keycloak:26.7.3", "postgres"])):
        with workshop(runner=RUN, clock=SystemClock(), say=print) as builder:
            build(due, builder=builder)
    found = connect(node, RUN)
    for reference in (IMAGES.app, IMAGES.database):
        found.pull(reference)
    return found


@pytest.fixture(scope="module")
def warm(node: Node, engine: DockerEngine) -> Iterator[WarmKeycloak]:
    made = WarmKeycloak(node, engine, RUN, SystemClock(), say=print)
    made.up(version=VERSION, images=IMAGES)
    yield made
    made.take_down()


class Visitor:
    """A run that has a realm of the warm provider, its proxy and its lease."""

    def __init__(self, node: Node, engine: DockerEngine, warm: WarmKeycloak) -> None:
        self.run = f"visitor-{secrets.token_hex(3)}"
        labels = RunLabels(run=self.run, recipe="visitor", deployment="keycloak", expires=EpochSeconds(2e9))
        self.proxy = RunProxy(node, engine, RUN, labels=labels.all(), clock=SystemClock())
        self.node = self.proxy.start()
        self.probe = Probe(self.node)
        domain = f"keyc-{secrets.token_hex(3)}.{node.ci_domain}"
        self.sign_on = planned("keycloak", domain=domain, run=self.run)
        self.warnings: list[str] = []
        self.borrowed = BorrowedRealm(
            warm,
            self.node,
            engine,
            run=self.run,
            domain=domain,
            labels=labels.all(),
            requester=self.probe,
            clock=SystemClock(),
            warn=self.warnings.append,
        )

    def enter(self) -> SignOn:
        self.borrowed.set_up(self.sign_on, redirects=["https://app.example/*"])
        return self.sign_on

    def asks(self, path: str) -> Answer:
        return self.probe.request("GET", f"{self.sign_on.provider_url}{path}")

    def leave(self) -> None:
        self.borrowed.take_down(self.sign_on)
        self.probe.close()
        self.proxy.remove()


def test_two_runs_at_once_have_a_realm_each_and_leave_nothing(
    node: Node, engine: DockerEngine, warm: WarmKeycloak
) -> None:
    before = take(engine).names()
    one, other = Visitor(node, engine, warm), Visitor(node, engine, warm)
    with leased(LeaseKeeper(engine, run=one.run)), leased(LeaseKeeper(engine, run=other.run)):
        for visitor in (one, other):
            assert [fact.reason for fact in visitor.borrowed.check(visitor.enter())] == [None, None]
        assert {realm.run for realm in warm.keeper().realms()} == {one.run, other.run}
        assert warm.record is not None
        assert warm.digest() == warm.record.digest
        assert set(warm.users(liveness(engine))) == {one.run, other.run}
        one.leave()
        assert warm.standing().state == "running"
        assert [fact.reason for fact in other.borrowed.check(other.sign_on)] == [None, None]
        other.leave()
    assert warm.standing().state == "paused"
    assert warm.fault(version=VERSION, images=IMAGES) is None
    assert warm.keeper().realms() == ()
    assert (one.warnings, other.warnings) == ([], [])
    assert take(engine).names() == before


@pytest.mark.attack(
    what="A run's account at the shared provider reads, changes or deletes another run's realm, or `master`.",
    before="There was no shared provider.",
    now="The account belongs only to its own realm, and every other realm refuses it.",
    layer="sandbox",
)
@pytest.mark.attack(
    what="An app asks the shared provider by its own domain for `master`, or for another run's realm.",
    before="There was no shared provider.",
    now="The run's proxy leads only to the run's own realm.",
    layer="sandbox",
)
def test_a_run_gets_at_no_realm_but_its_own(node: Node, engine: DockerEngine, warm: WarmKeycloak) -> None:
    one, other = Visitor(node, engine, warm), Visitor(node, engine, warm)
    with leased(LeaseKeeper(engine, run=one.run)), leased(LeaseKeeper(engine, run=other.run)):
        mine, theirs = one.enter(), other.enter()
        talk = Conversation(warm.requester, name="keycloak", url=URL)
        bearer = run_bearer(talk, mine, secret=one.borrowed.secret)

        def status(method: str, path: str, content: str | None = None) -> int | None:
            headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
            return warm.requester.request(method, f"{URL}{path}", content=content, headers=headers).status

        assert status("GET", f"/admin/realms/{mine.realm}/clients") == 200
        for realm in (theirs.realm, "master"):
            for part in ("", "/clients", "/users", "/roles"):
                assert status("GET", f"/admin/realms/{realm}{part}") == 403
            assert status("DELETE", f"/admin/realms/{realm}") == 403
            assert status("PUT", f"/admin/realms/{realm}", '{"enabled":false}') == 403
        assert status("POST", "/admin/realms", '{"realm":"run-00000000","enabled":true}') == 403
        assert one.asks(f"/realms/{mine.realm}/.well-known/openid-configuration").status == 200
        for realm in ("master", theirs.realm):
            for path in (
                f"/realms/{realm}/.well-known/openid-configuration",
                f"/admin/realms/{realm}",
                f"/realms/{mine.realm}/../{realm}/.well-known/openid-configuration",
                f"/realms/{mine.realm}/%2e%2e/{realm}/.well-known/openid-configuration",
                f"/resources/..%2frealms/{realm}/.well-known/openid-configuration",
                f"/realms/{mine.realm};/../{realm}/.well-known/openid-configuration",
            ):
                assert one.asks(path).status in {400, 403, 404}, path
        one.leave()
        other.leave()


@pytest.mark.attack(
    what="Somebody reads how the provider's container was started, and logs in with its password.",
    before="There was no shared provider.",
    now="That first user was locked out as soon as it had made the one account that is kept.",
    layer="engine",
)
def test_nobody_can_be_the_first_user_and_no_secret_is_told(
    node: Node, engine: DockerEngine, warm: WarmKeycloak
) -> None:
    warm.wake()
    line = ["docker", "inspect", "--format", "{{json .Config.Env}}", warm_argv.NAME]
    given = dict(
        one.split("=", 1)
        for one in msgspec.json.decode(RUN(line, env=engine.environment).stdout, type=list[str])
    )
    form = f"grant_type=password&client_id=admin-cli&username={given['KC_BOOTSTRAP_ADMIN_USERNAME']}"
    answer = warm.requester.request(
        "POST",
        f"{URL}/realms/master/protocol/openid-connect/token",
        content=f"{form}&password={given['KC_BOOTSTRAP_ADMIN_PASSWORD']}",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status in {400, 401}
    assert warm.record is not None
    secret = warm.record.secret
    assert path_of(node, "keycloak").stat().st_mode & 0o777 == 0o600
    assert secret not in engine.container_logs(warm_argv.NAME) + str(given)
    told = b" ".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    assert secret.encode() not in told
    warm.pause()


def test_a_dead_run_s_realm_is_reaped_and_a_live_one_s_is_left(
    engine: DockerEngine, warm: WarmKeycloak
) -> None:
    warm.wake()
    live, dead = (planned("keycloak", domain="keyc.example", run=run) for run in ("live", "dead"))
    for sign_on, run in ((live, "live"), (dead, "dead")):
        warm.keeper().make(sign_on, run=run, redirects=[], run_secret=secrets.token_urlsafe(8))
    with leased(LeaseKeeper(engine, run="live")), filelock.FileLock(warm.lock):
        assert [realm.name for realm in warm.reap(liveness(engine))] == [dead.realm]
        assert warm.standing().state == "running"
    assert [realm.name for realm in warm.reap(liveness(engine))] == [live.realm]
    assert warm.standing().state == "paused"
    assert warm.fault(version=VERSION, images=IMAGES) is None


@pytest.mark.attack(
    what="The shared provider is changed for good, so that later runs sign on through something else.",
    before="There was no shared provider.",
    now="Before each use a digest of all that no run owns is compared; the provider is then recreated.",
    layer="census",
)
def test_a_provider_that_was_changed_is_made_anew(engine: DockerEngine, warm: WarmKeycloak) -> None:
    warm.wake()
    changed = engine.exec(warm_argv.DATABASE, PSQL, stdin=FOREIGN)
    assert changed.ok, changed.stderr
    fault = warm.fault(version=VERSION, images=IMAGES)
    assert fault is not None
    assert "what no run owns has changed" in fault
    assert "is needed" in (warm.fault(version="9.9.9", images=Images(app="a:1", database="b:1")) or "")
    warm.up(version=VERSION, images=IMAGES)
    assert warm.fault(version=VERSION, images=IMAGES) is None
