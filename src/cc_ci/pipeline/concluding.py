"""The end of a run: judge it, say what it left, and write its result for the last time.

What can't be done here is said in the result, and costs none of the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from cc_ci.engine.api import Engine
from cc_ci.errors import CcCiError, InfrastructureError, Interrupted, Stopped
from cc_ci.pipeline import chain
from cc_ci.pipeline.handed import LeakCheck
from cc_ci.pipeline.reading import Read
from cc_ci.pipeline.recording import Recording
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.site import Site
from cc_ci.pipeline.state import RunState
from cc_ci.pipeline.surroundings import images_not_brought, missing_values
from cc_ci.results import schema
from cc_ci.results.verdict import Verdict, judge
from cc_ci.stages.bench import Deployed
from cc_ci.system.bounded import capped
from cc_ci.system.files import write_private
from cc_ci.system.units import Seconds
from cc_ci.timing.own_cost import OwnCost

KEPT_FOR: Seconds = 24 * 3600.0
"""A kept app is reaped after this time."""
T = TypeVar("T")


def conclude(
    request: Request,
    about: Read,
    site: Site,
    state: RunState,
    recording: Recording,
    *,
    stopped: Stopped | None,
    cost: OwnCost,
) -> Ran:
    """Give the lease back, judge, and write. Raises InfrastructureError if the result can't be written."""
    kept = state.values.get(chain.app(state.kept)) if state.kept else None
    with site.bench.trace.span("digests and lease", phase="report"):
        none: Mapping[str, tuple[str | None, str | None]] = {}
        digests = _or(state, "digests", lambda: _digests(site.engine, about.subject.references), none)
        state.findings.images.extend(about.subject.images(digests))
        _or(state, "proxy", lambda: _end_proxy(site, kept=kept is not None), None)
        if kept:
            _or(state, "lease", lambda: site.keeper.leave_kept(ttl=KEPT_FOR), None)
        else:
            _or(state, "lease", site.keeper.give_back, None)
    _or(state, "last sample", site.sampler.sample, None)
    resources = _or(state, "resources", site.sampler.resources, None)
    for fault in state.faults:
        state.findings.warn("recording", fault)
    checked = state.values.get(chain.CENSUS)
    recording.update(census=_census(site, checked if isinstance(checked, LeakCheck) else None))
    verdict = _judge(state, recording, stopped)
    missing = {
        **missing_values(request.node, about.subject),
        **images_not_brought(state.findings.images),
    }
    try:
        folder = recording.finish(verdict, resources=resources, cost=cost, missing=missing)
    except OSError as error:
        raise InfrastructureError(
            f"results of {about.run}: not written: {error.strerror or error}; the run was {verdict.word}"
        ) from error
    domain = kept.domain if isinstance(kept, Deployed) else None
    node = site.bench.through(state.kept).node
    return Ran(result=recording.result, folder=folder, node=node, kept_domain=domain)


def _end_proxy(site: Site, *, kept: bool) -> None:
    """What the run's proxies said goes to the evidence: they are gone with their run."""
    if site.proxy is None:
        return
    for folder, proxy in {".": site.proxy, **site.own_proxies}.items():
        said = site.bench.redact(proxy.log())
        if kept:
            proxy.leave_kept()
        else:
            proxy.remove()
        try:
            write_private(site.bench.evidence / folder / "proxy.log", capped(said))
        except OSError as error:
            raise InfrastructureError(f"proxy.log: not written: {error.strerror or error}") from error
    site.proxy.require_served()


def _or(state: RunState, what: str, call: Callable[[], T], otherwise: T) -> T:
    """What it hands back, or `otherwise`: no error here may keep the result from being written."""
    try:
        return call()
    except CcCiError as error:
        state.faults.append(f"{what}: {error}")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bug of ours, whatever it is
        state.faults.append(f"{what}: internal error: {type(error).__name__}: {error}")
    return otherwise


def _census(site: Site, checked: LeakCheck | None) -> schema.Census:
    return schema.Census(
        before=site.before.names(),
        after=checked.after.names() if checked else None,
        leaks=checked.leaks if checked else (),
    )


def _judge(state: RunState, recording: Recording, stopped: Stopped | None) -> Verdict:
    leaks = recording.result.census.leaks
    return judge(
        recording.stages,
        leaks,
        interrupted=str(stopped) if isinstance(stopped, Interrupted) else None,
        errored=_errored(state, stopped),
    )


def _errored(state: RunState, stopped: Stopped | None) -> str | None:
    if stopped is not None and stopped.exit_code == InfrastructureError.exit_code:
        return str(stopped)
    return state.faults[0] if state.faults else None


def _digests(engine: Engine, references: Sequence[str]) -> Mapping[str, tuple[str | None, str | None]]:
    found = {reference: engine.image(reference) for reference in set(references)}
    return {reference: (image.digest, image.id) for reference, image in found.items() if image}
