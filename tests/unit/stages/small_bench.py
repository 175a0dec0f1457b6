"""A bench for stages without Docker: a fake engine, a manual clock, an app that answers as told."""

from pathlib import Path

from small_recipe import app as read_app
from small_recipe import node, recipe

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.overlay import Tuning
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.isolation.holdings import Holdings
from cc_ci.probes.answers import Answer
from cc_ci.stages.bench import Bench, Candidate, Deployed, Findings, Waits
from cc_ci.stages.preparing import claim
from cc_ci.suite.runner import SuiteRunner
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.trace import Trace

WAITS = Waits(
    resolve_image="always",
    stability=5.0,
    stability_because="abra's waiter",
    probe_interval=1.0,
    slackening=0.0,
    hold=1.0,
    tuning=Tuning(),
)


class ScriptedApp:
    """An app that gives every request the same answer."""

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        return Answer(url=url, status=200, headers={"server": "app"}, body="hello")


def small_bench(root: Path, *, engine: FakeEngine, runner: ScriptedRunner, waits: Waits = WAITS) -> Bench:
    where, clock = node(), engine.clock
    return Bench(
        run="small-1",
        recipe="small",
        expires=EpochSeconds(clock.now() + 600),
        node=where,
        engine=engine,
        driver=StackDriver(engine, runner, where, clock),
        runner=runner,
        clock=clock,
        trace=Trace(clock),
        redact=Redactor(),
        requester=ScriptedApp(),
        suites=SuiteRunner(node=where, runner=runner, clock=clock, logs=engine.logs, scratch_root=root),
        waits=waits,
        engine_ahead=0.0,
        tell=lambda _line: None,
        scratch=root / "scratch",
        evidence=root / "evidence",
        findings=Findings(),
        begin=lambda _deployed: None,
        holdings=Holdings(engine, run="small-1", clock=clock),
    )


def small_deployed(bench: Bench, root: Path) -> Deployed:
    app, stack = read_app(recipe(root / "small"))
    claim(bench, "install", app, stack)
    return Deployed(
        data_of="install",
        name="install",
        app=app,
        stack=stack,
        candidate=Candidate(label="1.0.0+1.26.3", recipe=app.recipe),
        proxy_network="p1",
        folder=root / "scratch" / "install",
        secrets={"password": "a secret of the app"},
        since=bench.engine.now(),
    )
