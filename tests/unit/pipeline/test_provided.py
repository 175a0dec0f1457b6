"""A run whose suite needs a provider: it comes first, is told of every app, and goes after all of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from cc_ci.errors import InfrastructureError, StageFailed, Unverified
from cc_ci.isolation.census import take
from cc_ci.probes.answers import Requester
from cc_ci.providers.api import Shown, SignOn
from cc_ci.providers.known import KINDS, Administrator, planned
from cc_ci.results.schema import RunResult, StageResult
from cc_ci.system.process import LocalRunner, check
from cc_ci.testkit.recipes import SUITE, small_recipe
from cc_ci.testkit.runs import Lab

WIRED = """\
needs = ["keycloak"]
[wiring]
redirects = ["/callback", "/done"]
"""
SECRET = """\
secrets:
  admin_password:
    external: true
    name: ${STACK_NAME}_admin_password_${SECRET_ADMIN_PASSWORD_VERSION}
"""


class Recorded:
    """A provider that does what it is asked, and keeps it; `broken` names what it does not do."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.redirects: tuple[str, ...] = ()
        self.administrator: Administrator | None = None
        self.broken: dict[str, Exception | str] = {}

    def reached(self, _requester: Requester, url: str, administrator: Administrator) -> "Recorded":
        self.done.append(f"reach {url.partition('-')[0]}")
        self.administrator = administrator
        return self

    def set_up(self, _sign_on: SignOn, *, redirects: Sequence[str]) -> None:
        self._do("set up")
        self.redirects = tuple(redirects)

    def check(self, _sign_on: SignOn) -> tuple[Shown, ...]:
        self._do("check")
        reason = self.broken.get("discovery")
        return (Shown(what="discovery", reason=str(reason) if reason else None), Shown(what="token"))

    def take_down(self, _sign_on: SignOn) -> None:
        self._do("take down")

    def _do(self, what: str) -> None:
        self.done.append(what)
        fault = self.broken.get(what)
        if isinstance(fault, Exception):
            raise fault


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    made = Recorded()
    known = msgspec.structs.replace(KINDS["keycloak"], reach=made.reached)
    monkeypatch.setitem(KINDS, "keycloak", known)  # type: ignore[misc]
    return made


@pytest.fixture
def lab(lab: Lab, tmp_path: Path, provider: Recorded) -> Lab:
    """The small recipe's suite needs a provider, which is a small recipe by another name."""
    suites = tmp_path / "suites"
    (suites / "small" / "suite.toml").write_text(SUITE + WIRED)
    (suites / "small" / "test_sso.py").write_text("def test_it():\n    assert True\n")
    (suites / "keycloak").mkdir()
    (suites / "keycloak" / "suite.toml").write_text('recipe = "keycloak"\n')
    folder = small_recipe(tmp_path / "providers").rename(tmp_path / "providers" / "keycloak")
    compose, env = folder / "compose.yml", folder / ".env.sample"
    text = compose.read_text().replace("image: small:2", "image: kept:9\n    secrets: [admin_password]")
    compose.write_text(text + SECRET)
    env.write_text(env.read_text() + "SECRET_ADMIN_PASSWORD_VERSION=v1\n")
    git = ("git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org")
    for words in (("commit", "-qam", "its own image"), ("tag", "-a", "-m", "9", "9.0.0+9")):
        check(LocalRunner()([*git, *words]))
    lab.swarm.has_image("kept:9")
    return lab


@pytest.fixture
def run(lab: Lab, tmp_path: Path) -> Callable[..., RunResult]:
    def call(**asked: object) -> RunResult:
        return lab.run(recipe_roots=(tmp_path / "providers",), **asked).result

    return call


Run = Callable[..., RunResult]


def stages(result: RunResult) -> dict[str, StageResult]:
    return {stage.name: stage for stage in result.stages}


def steps(result: RunResult) -> list[str]:
    return [span.name for span in result.spans if span.kind == "step"]


def test_a_provider_is_there_before_the_apps_that_need_it_and_goes_after_all_of_them(
    run: Run, lab: Lab, provider: Recorded
) -> None:
    result = run()
    assert (result.verdict, result.because) == ("green", ())
    done = steps(result)
    assert done[:3] == ["install: pull", "sso: provide (keycloak)", "install: prepare (install)"]
    assert done[-3:] == ["teardown: conclude stops", "teardown: withdraw (keycloak)", "teardown: leak check"]
    assert provider.done == ["reach https://keyc", "set up", "check", "take down"]
    assert [(item.kind, item.name) for item in take(lab.swarm).items] == []


def test_its_administrator_is_the_recipe_s_with_the_secret_that_was_made(
    run: Run, provider: Recorded
) -> None:
    run(stage="functional")
    assert provider.administrator is not None
    assert provider.administrator.username == "admin"
    assert len(provider.administrator.password) > 10


def test_it_knows_the_ways_back_to_every_app_of_the_run(run: Run, provider: Recorded) -> None:
    result = run()
    assert all(one.startswith("https://smal-") for one in provider.redirects)
    assert [one.rpartition("/")[2] for one in provider.redirects].count("callback") == 5
    hosts = {one.split("/")[2] for one in provider.redirects}
    # a twin has its origin's
    assert len(hosts) == len(provider.redirects) / 2 == 5
    assert result.provider is not None
    assert (result.provider.name, result.provider.version) == ("keycloak", "9.0.0+9")


def test_its_images_are_pulled_as_it_is_provided(run: Run) -> None:
    result = run(stage="functional")
    (pull,) = [span for span in result.spans if span.name == "pull kept:9"]
    (provide,) = [span for span in result.spans if span.action == "provide"]
    assert pull.parent == provide.id
    assert {one.reference for one in result.cache.images} == {"small:2", "kept:9"}


def test_what_it_shows_is_tested_in_stage_sso(run: Run) -> None:
    tests = [(test.id, test.outcome, test.deployment, test.assertions) for test in stages(run())["sso"].tests]
    assert tests[:2] == [
        ("provider: discovery", "passed", "keycloak", 1),
        ("provider: token", "passed", "keycloak", 1),
    ]
    assert ("test_sso.py::test_it", "passed", "sso", 1) in tests


def test_what_it_does_not_show_is_unverified_and_its_fault(run: Run, provider: Recorded) -> None:
    provider.broken["discovery"] = "the issuer is another one"
    result = run()
    sso = stages(result)["sso"]
    assert (sso.outcome, sso.blame) == ("unverified", "provider")
    assert sso.reason == "provider: discovery: the issuer is another one"
    assert stages(result)["functional"].blame == "provider"
    assert result.exit_code == 5


def test_a_realm_that_can_t_be_made_is_taken_down_with_the_provider(
    run: Run, lab: Lab, provider: Recorded
) -> None:
    provider.broken["set up"] = Unverified("keycloak: POST /admin/realms: status 500")
    result = run(stage="functional")
    found = stages(result)["functional"]
    assert (found.outcome, found.blame) == ("unverified", "provider")
    assert [(item.kind, item.name) for item in take(lab.swarm).items] == []


@pytest.mark.parametrize("broken", [Unverified("keycloak: status 503"), InfrastructureError("no route")])
def test_a_realm_that_does_not_go_is_warned_of_and_the_provider_goes(
    run: Run, lab: Lab, provider: Recorded, broken: Exception
) -> None:
    provider.broken["take down"] = broken
    result = run(stage="functional")
    assert result.verdict == "green"
    assert [one.message for one in result.warnings if one.code == "provider"] == [str(broken)]
    assert [(item.kind, item.name) for item in take(lab.swarm).items] == []


def test_a_provider_that_does_not_come_up_says_its_last_words(run: Run, lab: Lab, provider: Recorded) -> None:
    lab.swarm.log_texts = Words()

    def fail(_number: int) -> None:
        if lab.told[-1:] == ["waiting for all tasks to run and be healthy"]:
            lab.swarm.at_call = lambda _number: None
            raise StageFailed("service app: crash loop")

    lab.swarm.at_call = fail
    found = stages(run(stage="functional"))["functional"]
    assert (found.outcome, found.blame) == ("unverified", "provider")
    assert found.reason == (
        "keycloak: did not come up: service app: crash loop; app: three; app: four; app: five"
    )
    assert provider.done == []


class Words(dict[str, str]):
    """What any service says: five lines with their stamps, one of them twice."""

    def get(self, _service: str, _default: object = None) -> str:  # type: ignore[override]
        lines = ("one", "two", "three", "four", "five")
        return "".join(f"2026-01-31T12:00:00Z {line}\n" for line in lines)


def test_the_run_s_part_is_no_secret_that_a_log_may_show(run: Run, lab: Lab) -> None:
    shown: list[str] = []

    class Telling(dict[str, str]):
        def get(self, _service: str, _default: object = None) -> str:  # type: ignore[override]
            secret, password = wired.client_secret, wired.password
            shown.append(secret)
            return f"x {secret} y {password}\n"

    with pytest.MonkeyPatch.context() as monkeypatch:
        wired = planned("keycloak", domain="keyc-1a2b3c.ci.test", run="small-1")
        monkeypatch.setattr("cc_ci.pipeline.needs.planned", lambda *_args, **_options: wired)
        lab.swarm.log_texts = Telling()
        run(stage="functional")
    folder = lab.store.find().evidence / "keycloak"
    assert shown
    text = (folder / "app.log").read_text()
    assert wired.client_secret not in text
    assert wired.password not in text
    assert "[redacted]" in text
