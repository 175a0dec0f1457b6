"""Set a run up: reach its node, take its lease, and lay its tools out.

Whatever is made here is given to the run's stack of closers as soon as it is there.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import RunLabels
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.isolation import kept_images
from cc_ci.isolation.census import NodeCensus, take
from cc_ci.isolation.holdings import Holdings
from cc_ci.isolation.kept_images import Pruned
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.locks import locked
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.pipeline import instruments, proxies
from cc_ci.pipeline.exhausted import Watches
from cc_ci.pipeline.instruments import Tools
from cc_ci.pipeline.reading import Read, node_for
from cc_ci.pipeline.request import Request
from cc_ci.pipeline.waiting import looks_early, waits
from cc_ci.pipeline.warmth import Warmth, warmth
from cc_ci.stages.bench import Bench, Findings
from cc_ci.system.stopping import current
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.sampler import ResourceSampler

TURN_TIMEOUT: Seconds = 3600.0
ROOT_IS_ROOT = "node: root in its containers is root on this machine; `cc-ci node up` says why"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a run has on its node."""

    engine: Engine
    engine_ahead: Seconds
    """How far the engine's clock leads the runner's."""
    keeper: Keeper
    proxy: RunProxy | None
    """The run's own; None on a foreign node."""
    own_proxies: Mapping[str, RunProxy]
    """By deployment, of those that have one."""
    before: NodeCensus
    sampler: ResourceSampler
    watch: Watches
    bench: Bench
    warmth: Warmth


def reach_node(
    request: Request,
    about: Read,
    tools: Tools,
    findings: Findings,
    closers: contextlib.ExitStack,
    *,
    own_proxies: Sequence[str] = (),
) -> Site:
    """Take the run's lease and its turn on the node, and lay its tools out.

    `own_proxies` are the deployments that are each behind a proxy of their own.
    """
    trace, others = tools.trace, tools.cost.left_out(tools.runner)
    with trace.span("reach the node", phase="runner_setup"):
        engine = tools.instruments.connect(request.node, tools.runner)
        ahead = engine.now() - tools.clock.now()
        keeper = Keeper(engine, run=about.run, command=f"cc-ci run {request.recipe}", tell=tools.tell)
        closers.callback(keeper.give_back)
        keeper.take()
    brought = None
    if request.node.private:
        if not request.node.remapped:
            findings.warn("userns", ROOT_IS_ROOT)
        # from here on the node is as this run sees it
        brought = _bring_proxies(request, about, tools, engine, closers, own=own_proxies)
        request = msgspec.structs.replace(request, node=brought.node)
    else:
        shared = "node: its proxy network is shared, so one run at a time uses it"
        findings.warn("shared-proxy", shared)
        closers.enter_context(_turn(about, tools, engine))
    with trace.span("look at the warm provider", phase="provider_setup"):
        warm = warmth(
            about.subject.need,
            request.arm,
            run=about.run,
            node=request.node,
            engine=engine,
            runner=tools.runner,
            clock=tools.clock,
            say=tools.tell,
            make=tools.instruments.warm,
        )
    if warm.because and about.subject.need:
        name = about.subject.need.name
        findings.warn("provider", f"{name}: deployed for this run, since {warm.because}")
    with trace.span("census and sampler", phase="runner_setup"):
        before = take(engine)
        sampler = tools.instruments.sampler(request.node, elapsed=trace.elapsed)
        closers.enter_context(sampler)
        watch = tools.instruments.watch(
            request.node, engine, tools.runner, run=about.run, stop=current().stop, closers=closers
        )
        asking = tools.instruments.requester(request.node, tools.runner, findings=findings)
        requester = closers.enter_context(asking)
        if lacking := instruments.without_abra(request.arm):
            findings.warn("abra", lacking)
        ask = functools.partial(tools.instruments.requester, runner=tools.runner, findings=findings)
        doors = proxies.doors(brought.nodes, ask, closers) if brought else {}
        stacks = StackDriver(engine, tools.runner, request.node, tools.clock, standings=tools.standings)
        bench = Bench(
            run=about.run,
            recipe=about.subject.name,
            expires=EpochSeconds(engine.now() + request.deadline),
            node=request.node,
            engine=engine,
            driver=instruments.driver(
                request.arm,
                stacks,
                engine,
                tools.runner,
                node=request.node,
                trace=trace,
                home=about.scratch / "abra",
            ),
            runner=tools.runner,
            clock=tools.clock,
            trace=trace,
            redact=tools.redact,
            requester=requester,
            suites=tools.instruments.suites(request.node, engine, others, tools.clock, tools.redact),
            waits=waits(
                request.arm, early=looks_early(request.arm, engine, tools.runner, warn=findings.warn)
            ),
            engine_ahead=ahead,
            tell=tools.tell,
            scratch=about.scratch,
            evidence=tools.store.folder(about.run).evidence,
            findings=findings,
            begin=lambda _deployed: None,
            others=others,
            make_room=_room(engine, request, now=tools.clock.now()),
            note_images=functools.partial(
                kept_images.note,
                kept_images.ledger(request.node.name),
                recipe=about.subject.name,
                at=tools.clock.now(),
            ),
            holdings=Holdings(engine, run=about.run, clock=tools.clock, neighbours=keeper.neighbours),
            doors=doors,
        )
    return Site(
        engine=engine,
        engine_ahead=ahead,
        keeper=keeper,
        proxy=brought.proxy if brought else None,
        own_proxies=brought.own if brought else {},
        before=before,
        sampler=sampler,
        watch=watch,
        bench=bench,
        warmth=warm,
    )


def _bring_proxies(
    request: Request,
    about: Read,
    tools: Tools,
    engine: Engine,
    closers: contextlib.ExitStack,
    *,
    own: Sequence[str],
) -> proxies.Brought:
    labels = RunLabels(
        run=about.run,
        recipe=about.subject.name,
        deployment="proxy",
        expires=EpochSeconds(engine.now() + request.deadline),
    )
    node = node_for(about.subject, request.node)
    with tools.trace.span("start the run's proxy", phase="runner_setup", waits_for="the proxy to answer"):
        return proxies.bring(
            node,
            engine,
            tools.runner,
            labels=labels,
            own=own,
            instruments=tools.instruments,
            clock=tools.clock,
            closers=closers,
            refresh=request.arm.seconds("traefik.refresh"),
        )


def _room(engine: Engine, request: Request, *, now: EpochSeconds) -> Callable[[], Sequence[Pruned]] | None:
    """How the arm keeps the node's disk from being full of images."""
    if request.arm.word("images.keep") != "active":
        return None
    return functools.partial(kept_images.make_room, engine, request.node, now=now)


@contextlib.contextmanager
def _turn(about: Read, tools: Tools, engine: Engine) -> Iterator[None]:
    """Where runs share a proxy network, their names would answer for each other: one at a time."""
    with contextlib.ExitStack() as held:
        with tools.trace.span("turn on the shared proxy", phase="queue", waits_for="other runs on the node"):
            turn = locked(engine, what="proxy", run=about.run, clock=tools.clock, timeout=TURN_TIMEOUT)
            held.enter_context(turn)
        yield
