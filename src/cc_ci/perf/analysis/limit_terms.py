"""The terms of the limit, read from the steps of a run on plain containers. Pure."""

from collections.abc import Callable, Mapping, Sequence

from cc_ci.perf.analysis.limit_model import Needs, PlanShape, Terms
from cc_ci.perf.analysis.pulling import in_a_row
from cc_ci.results.measured import Measured
from cc_ci.results.schema import RunResult, StageName
from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.actions import JOIN_PROXY, MAKE_REPOSITORY, STOP_CONTAINERS
from cc_ci.timing.resources import SpanResources
from cc_ci.timing.spans import Span

INSTALL, UPGRADE, FRESH = "install", "upgrade", "fresh"
"""The deployments of the three chains; pipeline/shapes.py names them."""


def terms_of(measured: Measured) -> Terms:
    """The terms of a bare run. Its result must have the spans of its steps."""
    result = measured.result
    if result is None:
        return Terms()
    steps = _Steps(result.spans)
    used = _Used(result, steps.all)
    return Terms(
        provider=steps.seconds("provide", stage="sso"),
        boot_old=steps.boot("deploy", UPGRADE),
        seed_old=steps.seconds("seed", stage="upgrade"),
        stop_upgrade=steps.inside("upgrade", UPGRADE, STOP_CONTAINERS),
        boot_upgraded=steps.boot("upgrade", UPGRADE),
        act_upgraded=steps.seconds("verify_upgrade", UPGRADE) + steps.seconds("test", UPGRADE),
        boot_new=steps.boot("deploy", INSTALL),
        act_functional=steps.seconds("test", INSTALL, stage="functional"),
        act_sso=steps.seconds("test", INSTALL, stage="sso"),
        seed_new=steps.seconds("seed", stage="backup"),
        backup=steps.seconds("backup") - steps.inside("backup", None, MAKE_REPOSITORY),
        overwrite=steps.seconds("overwrite"),
        fill=steps.seconds("fill"),
        restore=steps.seconds("restore", INSTALL),
        stop_restored=steps.inside("redeploy", INSTALL, STOP_CONTAINERS),
        boot_restored=steps.boot("redeploy", INSTALL),
        act_restored=steps.seconds("verify_restore", INSTALL),
        boot_fresh=steps.boot("deploy", FRESH),
        restore_fresh=steps.seconds("restore", FRESH),
        boot_fresh_restored=steps.boot("redeploy", FRESH),
        act_fresh=steps.seconds("verify_restore", FRESH),
        pulls=in_a_row(measured),
        cpu_seconds=_less(used.cpu_seconds, _cpu_of_added(measured)),
        written_bytes=used.written_bytes,
        resident_byte_seconds=used.needs(steps.of_chains).resident_byte_seconds,
        standing_bytes=used.standing_bytes,
        spared=used.known({shape: steps.spared_by(shape) for shape in _SPARED}),
    )


def _spared_by_two_chains(step: Span) -> bool:
    """The fresh deployment, and what a restore over the app itself has to undo."""
    return step.deployment == FRESH or step.action == "overwrite"


def _spared_by_one(step: Span) -> bool:
    """All but one deployment, and the tests of an upgraded app, which are those of the new one there."""
    installing = step.deployment == INSTALL and step.action in {"prepare", "deploy", "undeploy"}
    return step.deployment == FRESH or installing or (step.deployment, step.action) == (UPGRADE, "test")


_SPARED: Mapping[PlanShape, Callable[[Span], bool]] = {
    "chains2": _spared_by_two_chains,
    "upgraded": _spared_by_one,
}
"""By the shape of a plan, the steps of three chains that it does without."""


def _less(whole: Seconds | None, part: Seconds) -> Seconds | None:
    return None if whole is None else whole - part


def _cpu_of_added(measured: Measured) -> Seconds:
    """Of the provider and of pulling, whose seconds are added to what the CPUs need for the rest."""
    added = (part for part in measured.parts if part.phase in {"provider_setup", "images_pull"})
    return sum(part.use.cpu for part in added if part.use)


class _Steps:
    def __init__(self, spans: Sequence[Span]) -> None:
        self.all = tuple(span for span in spans if span.kind == "step")
        self._inner = [span for span in spans if span.kind != "step"]

    @property
    def of_chains(self) -> tuple[Span, ...]:
        return tuple(step for step in self.all if step.deployment in {INSTALL, UPGRADE, FRESH})

    def spared_by(self, shape: PlanShape) -> tuple[Span, ...]:
        return tuple(filter(_SPARED[shape], self.all))

    def seconds(
        self, action: str, deployment: str | None = None, *, stage: StageName | None = None
    ) -> Seconds:
        return sum(step.seconds for step in self._of(action, deployment, stage))

    def boot(self, action: str, deployment: str) -> Seconds:
        """The step without the stop before it and without what Swarm alone needs."""
        aside = (self.inside(action, deployment, within) for within in (STOP_CONTAINERS, JOIN_PROXY))
        return max(0.0, self.seconds(action, deployment) - sum(aside))

    def inside(self, action: str, deployment: str | None, within: str) -> Seconds:
        """What spans of the action `within` take of such steps."""
        steps = self._of(action, deployment)
        return sum(
            span.seconds
            for span in self._inner
            for step in steps
            if span.action == within
            and span.deployment in (None, step.deployment)
            and step.start <= span.start
            and (span.end or 0.0) <= (step.end or 0.0)
        )

    def _of(self, action: str, deployment: str | None, stage: StageName | None = None) -> list[Span]:
        return [
            step
            for step in self.all
            if step.action == action and deployment in (None, step.deployment) and stage in (None, step.stage)
        ]


class _Used:
    """What was used, of the whole run and of its steps; of older runs nothing is known of single steps."""

    def __init__(self, result: RunResult, steps: Sequence[Span]) -> None:
        self._whole = result.whole
        self._steps = steps
        self._of = {one.span: one for one in result.resources if one.span is not None}

    @property
    def cpu_seconds(self) -> Seconds | None:
        return _cpu(self._whole) if self._whole else None

    @property
    def written_bytes(self) -> Bytes | None:
        return _written(self._whole) if self._whole else None

    @property
    def standing_bytes(self) -> Bytes | None:
        """The engine's share of the whole run, and what the containers never have less than."""
        engine = self._whole.engine.mean_resident_bytes if self._whole else None
        least = self._least
        return None if engine is None or least is None else engine + least

    def needs(self, steps: Sequence[Span]) -> Needs:
        """What `steps` took; None where it is not known of one of them."""
        if not self._of or any(step.id not in self._of for step in steps):
            return Needs()
        least, found = self._least, [(step, self._of[step.id]) for step in steps]
        written = _sum([_written(one) for _, one in found])
        return Needs(
            cpu_seconds=_sum([_cpu(one) for _, one in found]),
            written_bytes=None if written is None else round(written),
            resident_byte_seconds=_sum([_area(step, one, least) for step, one in found]),
        )

    def known(self, groups: Mapping[PlanShape, Sequence[Span]]) -> dict[PlanShape, Needs]:
        """What each group of steps took, where that is known."""
        found = {shape: self.needs(steps) for shape, steps in groups.items()}
        return {shape: needs for shape, needs in found.items() if needs != Needs()}

    @property
    def _least(self) -> Bytes | None:
        after = [step for step in self._steps if step.deployment in {INSTALL, UPGRADE, FRESH}]
        seen = [self._of[step.id].stack.mean_resident_bytes for step in after if step.id in self._of]
        known = [value for value in seen if value is not None]
        return min(known) if known else None


def _area(step: Span, used: SpanResources, least: Bytes | None) -> float | None:
    """Byte seconds of one step, beyond what stands anyway."""
    stack, suite = used.stack.mean_resident_bytes, used.suite.mean_resident_bytes
    if stack is None or least is None:
        return None
    return step.seconds * (max(0, stack - least) + (suite or 0))


def _cpu(used: SpanResources) -> Seconds | None:
    """Of apps and engine, and of suites, browsers and restic where they were counted."""
    both = _sum([used.stack.cpu_seconds, used.engine.cpu_seconds])
    return None if both is None else both + (used.suite.cpu_seconds or 0.0)


def _written(used: SpanResources) -> Bytes | None:
    both = _sum([used.stack.written_bytes, used.engine.written_bytes])
    return None if both is None else round(both + (used.suite.written_bytes or 0))


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)
