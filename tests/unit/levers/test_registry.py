"""Each lever is obeyed: another value changes something that can be seen from outside."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from small_bench import small_bench, small_deployed
from small_recipe import app as read_app
from small_recipe import node, recipe

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK, RunLabels
from cc_ci.engine.overlay import overlay
from cc_ci.engine.overlay_check import check_overlay
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.state import Container, PullReport, ServiceState, StackSnapshot
from cc_ci.engine.watching import Watch
from cc_ci.errors import Unverified, UsageError
from cc_ci.lab.proxy import pace
from cc_ci.levers.arms import Chosen, arm_argv, choose, digest, is_limit, profile_values, read_arm
from cc_ci.levers.lever import Lever
from cc_ci.levers.registry import BY_NAME, LEVERS, PROFILES, overlay_fields
from cc_ci.levers.values import SecondsRange, Shares, Words, told
from cc_ci.pipeline.instruments import driver as chosen_driver
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.needs import Need
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.waiting import waits
from cc_ci.pipeline.warmth import Warmth, warmth
from cc_ci.probes.ready import Readying, Sight
from cc_ci.providers.known import planned
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.holding import wait_out
from cc_ci.stages.readying import predicates, wait_ready
from cc_ci.suite.facts import read_suite
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.units import EpochSeconds
from cc_ci.testkit.runs import Lab
from cc_ci.timing.trace import Trace

DATABASE = """
[[readiness]]
name = "database"
service = "db"
run = ["pg_isready"]
"""
FULL = Known(previous_version="1", has_suite=True, backed_up=True)


class LateSign:
    """A sign that holds from 1.75 s on; remembers when it was looked at."""

    name = "app"
    waits_for = "the app"

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.looked: list[float] = []

    def look(self) -> Sight:
        self.looked.append(self._clock.monotonic())
        return Sight(unmet=None if self._clock.monotonic() >= 1.75 else "not yet")


def running(name: str, labels: dict[str, str]) -> Container:
    now = EpochSeconds(0.0)
    return Container(id=name, name=name, labels=labels, created=now, state="running", image="i", image_id="i")


class Crowd:
    """Pulls that stay a moment, to see how many are under way at once."""

    def __init__(self, lab: Lab, arm: Chosen) -> None:
        self._pull = lab.swarm.pull
        self.run = lab.prepared(arm=arm, stage="install")
        self.most = 0
        vars(lab.swarm)["pull"] = self

    def __call__(self, reference: str) -> PullReport:
        for _ in range(30):
            under_way = sum(span.name.startswith("pull ") for span in self.run.trace.open())
            self.most = max(self.most, under_way)
            threading.Event().wait(0.005)
        return self._pull(reference)


class Seen:
    """What can be seen of an arm from outside."""

    def __init__(self, folder: Path) -> None:
        self._app, self._stack = read_app(recipe(folder / "small"))
        self._folder = folder
        self._numbers = itertools.count(1)

    def _deployed(self, arm: Chosen) -> tuple[Bench, Deployed, FakeEngine]:
        engine = FakeEngine()
        runner = ScriptedRunner().on()
        bench = small_bench(self._folder, engine=engine, runner=runner, waits=waits(arm))
        return bench, small_deployed(bench, self._folder), engine

    def driver(self, arm: Chosen) -> object:
        engine, runner, clock = FakeEngine(), ScriptedRunner(), ManualClock()
        stacks = StackDriver(engine, runner, node(), clock)
        own = msgspec.structs.replace(node(), certificates=self._folder, proxy_container="proxy")
        home = self._folder / "abra"
        return type(chosen_driver(arm, stacks, engine, runner, node=own, trace=Trace(clock), home=home))

    def plan(self, arm: Chosen) -> object:
        return make_plan(FULL, arm)

    def overlay(self, arm: Chosen) -> object:
        run = RunLabels(run="r", recipe="small", deployment="install", expires=EpochSeconds(0.0))
        tuning = waits(arm).tuning
        laid = overlay(self._stack, self._app, run=run, node=node(), proxy_network="p1", tuning=tuning)
        check_overlay(laid, self._stack)
        return laid.content

    def argv(self, arm: Chosen) -> object:
        runner = ScriptedRunner().on()
        stacks = StackDriver(FakeEngine(), runner, node(), ManualClock())
        run = RunLabels(run="r", recipe="small", deployment="install", expires=EpochSeconds(0.0))
        laid = overlay(self._stack, self._app, run=run, node=node(), proxy_network="p1")
        stacks.write(self._app, self._stack, laid, self._folder / "run")
        stacks.deploy(self._app, self._folder / "run", resolve_image=waits(arm).resolve_image)
        line = runner.calls[-1]
        return line[line.index("--resolve-image") + 1]

    def _warmth(
        self,
        arm: Chosen,
        *,
        kind: Literal["private", "foreign"],
        make: Callable[..., WarmKeycloak] = WarmKeycloak,
    ) -> Warmth:
        candidate = Candidate(label="1", recipe=self._app.recipe)
        sign_on = planned("keycloak", domain="k.test", run="r")
        need = Need(
            name="keycloak",
            domain="k.test",
            candidate=candidate,
            app=self._app,
            stack=self._stack,
            sign_on=sign_on,
        )
        return warmth(
            need,
            arm,
            run="r",
            node=msgspec.structs.replace(node(), kind=kind),
            engine=FakeEngine(),
            runner=ScriptedRunner(),
            clock=ManualClock(),
            say=str,
            make=make,
        )

    def provider(self, arm: Chosen) -> object:
        """Why a run deploys a provider for itself, though a warm one was asked for."""
        return self._warmth(arm, kind="foreign").because

    def paused(self, arm: Chosen) -> object:
        """Whether a warm provider is to be paused when nobody uses it."""
        asked: list[bool] = []

        def make(*_: object, pauses: bool, **__: object) -> WarmKeycloak:
            asked.append(pauses)
            raise Unverified("none is made here")

        with pytest.raises(Unverified):
            self._warmth(read_arm(f"{arm.arm} provider.warm=yes"), kind="private", make=make)
        return asked

    def begun(self, arm: Chosen) -> object:
        """What a whole run begins before it is needed."""
        folder = self._folder / str(next(self._numbers))
        lab = Lab(folder)
        (folder / "suites/small/test_page.py").write_text("def test_page(browser):\n    assert browser\n")
        ran = lab.run(arm=arm, stage="backup")
        assert (ran.result.verdict, lab.suites.ended) == ("green", True)
        repository = {span.name for span in ran.result.spans if "restic" in span.name}
        return lab.suites.begun, repository

    def pulls(self, arm: Chosen) -> object:
        """How many images are pulled at the same time, of five."""
        folder = self._folder / str(next(self._numbers))
        lab = Lab(folder)
        compose = lab.recipe / "compose.yml"
        told = yaml.safe_load(compose.read_text())
        for number in range(4):
            lab.swarm.has_image(f"extra:{number}")
            told["services"][f"extra{number}"] = {"image": f"extra:{number}"}
        compose.write_text(yaml.safe_dump(told))
        pulls = Crowd(lab, arm)
        pulls.run()
        return pulls.most

    def convergence(self, arm: Chosen) -> object:
        """How long a stack that has converged is waited for."""
        clock = ManualClock()
        app = ServiceState(id="a", name="app", image="i:1", desired=1, running=1)
        engine = FakeEngine(clock).script(StackSnapshot(stack="one", services=(app,)))
        watch = Watch(engine, clock, stack="one", expected=["app"], since=engine.now())
        watch.wait(timeout=900.0, stable_for=waits(arm).stability)
        return clock.monotonic()

    def events(self, arm: Chosen) -> object:
        """How long an app that is up is waited for before work on it begins, and before it is removed."""
        bench, deployed, engine = self._deployed(arm)
        app = ServiceState(id="a", name="app", image="i:1", desired=1, running=1)
        both = (app, msgspec.structs.replace(app, id="d", name="db"))
        engine.script(StackSnapshot(stack=deployed.stack.name, services=both))
        roll_out(bench, deployed, phase=None)
        begun = engine.clock.monotonic()
        wait_out(bench, deployed, during="a test")
        return begun, engine.clock.monotonic()

    def signs(self, arm: Chosen) -> object:
        """What an app with a sign of its own is looked for by."""
        bench, deployed, _ = self._deployed(arm)
        folder = self._folder / "suites" / "small"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "suite.toml").write_text(f'recipe = "small"\n{DATABASE}')
        deployed.candidate = msgspec.structs.replace(deployed.candidate, suite=read_suite(folder))
        return [sign.name for sign in predicates(bench, deployed)]

    def in_turn(self, arm: Chosen) -> object:
        """Which of two signs are looked at, while the first does not hold."""
        bench, deployed, engine = self._deployed(arm)
        first, second = LateSign(engine.clock), LateSign(engine.clock)
        wait_ready(bench, deployed, [first, second], phase="ready")
        return second.looked[0]

    def proxy(self, arm: Chosen) -> object:
        return pace(arm.seconds("traefik.refresh"), refresh=15.0, throttle=2.0)

    def removal(self, arm: Chosen) -> object:
        """What is asked of the engine to take a stack down."""
        engine, runner = FakeEngine(), ScriptedRunner().on()
        labels = {STACK: "one", SERVICE: "one_app"}
        engine.has("container", running("c1", labels))
        stacks = StackDriver(engine, runner, node(), ManualClock())
        stacks.remove("one", wait=False, prompt=waits(arm).prompt_removal)
        return [call for call in engine.calls if "container" in call[0]]

    def readiness(self, arm: Chosen) -> object:
        """When the app's sign is looked at until the wait for it is over."""
        clock = ManualClock()
        sign, wait = LateSign(clock), waits(arm)
        Readying(
            sign,
            clock=clock,
            interval=wait.probe_interval,
            slackening=wait.slackening,
            hold=wait.hold,
        ).wait(timeout=600.0)
        return sign.looked


WHERE: dict[str, Callable[[Seen, Chosen], object]] = {
    "deploy.driver": Seen.driver,
    "plan.shape": Seen.plan,
    "plan.parallel": Seen.plan,
    "restore.before_boot": Seen.plan,
    "deploy.resolve_image": Seen.argv,
    "images.prepull": Seen.plan,
    "images.keep": Seen.plan,
    "provider.warm": Seen.provider,
    "readiness.stability": Seen.convergence,
    "readiness.probe_interval": Seen.readiness,
    "readiness.slackening": Seen.readiness,
    "readiness.hold": Seen.readiness,
    "readiness.events": Seen.events,
    "readiness.probe": Seen.signs,
    "readiness.parallel": Seen.in_turn,
    "traefik.refresh": Seen.proxy,
    "removal": Seen.removal,
    "app.soak": Seen.plan,
    "health.start_interval": Seen.overlay,
    "health.interval": Seen.overlay,
    "upgrade.monitor": Seen.overlay,
    "restart.delay": Seen.overlay,
    "images.pulls": Seen.pulls,
    "provider.pause": Seen.paused,
    "suite.ahead": Seen.begun,
    "browser.ahead": Seen.begun,
    "backup.minimal": Seen.begun,
}
"""Where each lever shows; a new one needs a place here."""


def other_values(lever: Lever) -> list[str]:
    """Values that no profile's default is; abra is not everywhere, so that its driver can't be made."""
    default = choose().values[lever.name]
    if isinstance(lever.values, Words):
        return [one for one in lever.values.choices if one not in {default, "abra", "operators"}]
    if default is None or isinstance(lever.values, Shares):
        return ["0.5"]
    return [told(lever.values.least if default == lever.values.most else float(default) + 1)]


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_another_value_changes_what_can_be_seen(
    lever: Lever, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    seen, look = Seen(tmp_path), WHERE[lever.name]
    usual = look(seen, choose())
    assert look(seen, choose()) == usual
    for value in other_values(lever):
        assert look(seen, choose("stock", [f"{lever.name}={value}"])) != usual, value


def test_every_lever_has_a_value_in_every_profile_and_more_than_one_to_choose_from() -> None:
    for lever in LEVERS:
        assert set(lever.profiles) | {"operator"} == set(PROFILES)
        assert lever.values.holds(lever.neutral)
        assert all(lever.values.holds(lever.in_profile(name)) for name in PROFILES)
        assert other_values(lever)
        assert lever.touches
        assert lever.changes
        assert lever.risk
        assert lever.guard


def test_the_overlay_may_set_what_levers_name_and_that_is_told_once() -> None:
    assert overlay_fields() == (
        *("healthcheck/interval", "healthcheck/retries"),
        *("deploy/update_config/monitor", "deploy/restart_policy/delay"),
        *("healthcheck/start_interval", "healthcheck/start_period"),
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("health.interval", "give it as NAME=VALUE"),
        ("nobody.knows=1", "there is deploy.driver, "),
        ("health.interval=soon", "give recipe, or 0.1 to 60 s"),
        ("health.interval=-1", "give recipe"),
        ("health.interval=nan", "give recipe"),
        ("readiness.hold=recipe", "give 0 to 600 s"),
        ("plan.shape=some", "there is stages, chains3, chains2, upgraded"),
        ("readiness.slackening=2", "give 0 to 1"),
        ("readiness.slackening=nan", "give 0 to 1"),
        ("readiness.slackening=recipe", "give 0 to 1"),
    ],
)
def test_what_is_no_setting_is_a_usage_error_with_what_there_is(setting: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose("stock", [setting])


def test_a_profile_that_is_not_known_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="there is stock, peer, fast, operator, bare"):
        choose("slow")


def test_an_arm_is_its_profile_and_what_was_changed_of_it() -> None:
    arm = choose("stock", ["restart.delay=0.5", "health.interval=1", "readiness.hold=0"]).arm
    assert arm.overrides == {"restart.delay": 0.5, "health.interval": 1.0}
    assert str(arm) == "stock health.interval=1 restart.delay=0.5"
    assert arm.digest != choose().arm.digest


def some_settings() -> list[str]:
    values = {lever.name: getattr(lever.values, "choices", (0.75, 2.125)) for lever in LEVERS}
    values |= {lever.name: (0.25, 0.75) for lever in LEVERS if isinstance(lever.values, Shares)}
    return [f"{name}={told(value)}" for name, choices in values.items() for value in choices]


@given(profile=st.sampled_from(PROFILES), chosen=st.lists(st.sampled_from(some_settings()), max_size=5))
def test_what_is_written_of_an_arm_is_read_as_the_same(profile: str, chosen: list[str]) -> None:
    arm = choose(profile, chosen)
    assert read_arm(str(arm.arm)) == arm
    assert is_limit(str(arm.arm)) == (not arm.deploys)
    _, name, *flags = arm_argv(str(arm.arm))
    assert choose(name, flags[1::2]) == arm


def test_a_lever_that_is_built_later_changes_no_older_arm() -> None:
    values = profile_values("stock")
    assert digest(values) == digest(
        {name: value for name, value in values.items() if name != "health.interval"}
    )
    assert digest({}) == digest({"teardown.wait": "removal"})


def test_an_arm_that_was_written_by_a_levers_former_name_is_the_same_arm() -> None:
    """So that sets and results from before are compared with those of now."""
    for before, now in {"none": "stages", "chains": "chains3", "upgraded": "upgraded"}.items():
        old, new = read_arm(f"stock deploy.share={before}"), read_arm(f"stock plan.shape={now}")
        assert old == new
        written = {**old.values, "deploy.share": before}
        del written["plan.shape"]
        assert digest(written) == new.arm.digest
    assert digest({"deploy.share": "chains"}) == digest({"plan.shape": "chains3"}) != digest({})
    assert digest({"deploy.share": "none"}) == digest({"plan.shape": "stages"}) == digest({})


def test_the_levers_of_profiles_are_what_they_were() -> None:
    """A change here makes other arms: sets and history that have the old ones are not pooled with it."""
    known = {"stock": "fcedcf93", "peer": "3fd85d9f", "bare": "2e061325"}
    assert {name: choose(name).arm.digest for name in known} == known


def test_each_wait_of_stock_and_peer_names_its_source_or_is_not_there() -> None:
    """A wait is a lever's seconds; one that nobody asks for is zero."""
    waits_ = [lever for lever in LEVERS if isinstance(lever.values, SecondsRange)]
    assert {lever.name for lever in waits_} >= {"readiness.stability", "readiness.hold"}
    for lever in waits_:
        for profile in ("stock", "peer"):
            assert lever.source or not lever.profiles[profile], (lever.name, profile)


def test_a_duration_holds_numbers_alone() -> None:
    values = SecondsRange(0.0, 1.0)
    assert not values.holds(value=True)
    assert not values.holds("0")
    assert BY_NAME["health.interval"].values.holds(None)
