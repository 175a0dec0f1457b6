"""From the steps of a plan to the functions of the stages, with what one step leaves for the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cc_ci.backups.restic import Repository, Snapshot
from cc_ci.errors import InfrastructureError, Unverified
from cc_ci.isolation.census import Census
from cc_ci.pipeline.names import app_domain
from cc_ci.pipeline.needs import Need
from cc_ci.pipeline.plan import ImagesOf, Plan, Step, Which
from cc_ci.providers.api import Provider
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import Leak, TestResult
from cc_ci.stages import (
    backing_up,
    checking,
    deploying,
    images,
    preparing,
    providing,
    removing,
    seeds,
    testing,
    upgrading,
)
from cc_ci.stages.bench import Bench, Candidate, Deployed


@dataclass(kw_only=True)
class Actor:
    """Does the work of steps. `kept` is the deployment left up; `leaks` are there after the leak check."""

    bench: Bench
    plan: Plan
    candidates: Mapping[Which, Candidate]
    references: Mapping[ImagesOf, tuple[str, ...]]
    need: Need | None = None
    cache: images.Cache | None
    before: Census
    keep: bool = False
    """Leave one deployment up for a look: the first that failed, else the last."""
    interrupted: Callable[[], bool]
    kept: Deployed | None = None
    leaks: tuple[Leak, ...] = ()
    after: Census | None = None
    _markers: dict[str, str] = field(default_factory=dict)
    _old: dict[str, tuple[Stack, Mapping[str, str]]] = field(default_factory=dict)
    _provider: Provider | None = None
    _repository: Repository | None = None
    _snapshot: Snapshot | None = None
    _stops: list[TestResult] = field(default_factory=list)
    _failed: set[str] = field(default_factory=set)
    _removed: set[str] = field(default_factory=set)

    def __call__(self, step: Step) -> None:
        name = step.deployment or ""
        what = f"{step.stage}: {step.action.replace('_', ' ')}" + (f" ({name})" if name else "")
        self.bench.tell(what)
        try:
            with self.bench.trace.span(what, phase=None, stage=step.stage, deployment=step.deployment):
                self._act(step, name)
        except Exception:
            self._failed.add(name)
            raise

    def _act(self, step: Step, name: str) -> None:  # noqa: C901, PLR0912 - one line per action
        bench = self.bench
        match step.action:
            case "pull":
                self._pull(step)
            case "provide":
                self._provide()
            case "prepare":
                self._prepare(name)
            case "deploy":
                deploying.deploy(bench, self._deployed(name))
            case "check":
                checking.check(bench, self._deployed(name), stage=step.stage)
            case "seed":
                self._markers[name] = seeds.plant(bench, self._deployed(name), stage=step.stage)
            case "upgrade":
                self._upgrade(name)
            case "verify_upgrade":
                self._verify_upgrade(name)
            case "backup":
                self._back_up(name)
            case "overwrite":
                backing_up.overwrite(bench, self._deployed(name))
            case "restore":
                backing_up.restore(bench, self._deployed(name), *self._backup())
            case "redeploy":
                deploying.redeploy(bench, self._deployed(name))
            case "verify_restore":
                backing_up.verify(bench, self._deployed(name), value=self._markers[self._origin(name)])
            case "test":
                self._test(step, name)
            case "undeploy":
                self._undeploy(step, name)
            case "withdraw":
                self._withdraw()
            case "leak_check":
                self._check_leaks()

    def _pull(self, step: Step) -> None:
        """A step's own images: those of the version that it deploys, else of the version under test."""
        which = self.plan.deployment(step.deployment).version if step.deployment else "new"
        try:
            self._pulls.bring(self.references[which])
        except InfrastructureError as error:
            # the lab's registry has served the new version's images by now: what it lacks was never brought
            if which == "old" and self.bench.node.stand_ins:
                raise Unverified(str(error)) from error
            raise

    @cached_property
    def _pulls(self) -> images.Pulls:
        references = {reference for which in self.plan.images() for reference in self.references[which]}
        return images.Pulls(bench=self.bench, references=tuple(references), cache=self.cache)

    def _deployed(self, name: str) -> Deployed:
        return self.bench.deployed[name]

    def _prepare(self, name: str) -> None:
        planned = self.plan.deployment(name)
        candidate = self.candidates[planned.version]
        twin = self._deployed(planned.twin_of) if planned.twin_of else None
        if twin is not None and twin is self.kept:
            raise Unverified(f"{name}: --keep left {twin.name} up, which has the same domain")
        domain = self._domains[planned.twin_of or name]
        preparing.prepare(self.bench, name, domain=domain, candidate=candidate, twin=twin)

    @cached_property
    def _domains(self) -> dict[str, str]:
        """Of each deployment but twins; known from the start, since a provider must be told of all."""
        recipe, ci_domain = self.candidates["new"].recipe.name, self.bench.node.ci_domain
        return {
            planned.name: app_domain(recipe, ci_domain=ci_domain)
            for planned in self.plan.deployments
            if planned.twin_of is None
        }

    def _provide(self) -> None:
        need = self._needed()
        self._pulls.bring(self.references["provider"])
        suite = self.candidates["new"].suite
        paths = suite.wiring.redirects if suite else ()
        self._provider = providing.provide(
            self.bench,
            domain=need.domain,
            candidate=need.candidate,
            sign_on=need.sign_on,
            redirects=[f"https://{domain}{path}" for domain in self._domains.values() for path in paths],
        )
        providing.check(self.bench, self._provider, need.sign_on)

    def _withdraw(self) -> None:
        """An app that was left up for a look keeps its provider."""
        if self.kept is None:
            providing.withdraw(self.bench, self._provider, self._needed().sign_on)

    def _needed(self) -> Need:
        if self.need is None:
            raise InfrastructureError("plan: a provider is asked for, and the suite needs none")
        return self.need

    def _upgrade(self, name: str) -> None:
        deployed = self._deployed(name)
        self._old[name] = (deployed.stack, deployed.running)
        upgrading.upgrade(self.bench, deployed, to=self.candidates["new"])

    def _verify_upgrade(self, name: str) -> None:
        old, before = self._old[name]
        upgrading.verify(
            self.bench, self._deployed(name), old=old, before=before, seeded=self._markers.get(name)
        )

    def _back_up(self, name: str) -> None:
        location = "/repository" if not self.bench.node.private else str(self.bench.scratch / "restic")
        self._repository = backing_up.open_repository(self.bench, location=location)
        self._snapshot = backing_up.back_up(self.bench, self._deployed(name), self._repository)

    def _backup(self) -> tuple[Repository, Snapshot]:
        if self._repository is None or self._snapshot is None:
            raise Unverified("restore: there is no backup to restore")
        return self._repository, self._snapshot

    def _origin(self, name: str) -> str:
        return self.plan.deployment(name).twin_of or name

    def _test(self, step: Step, name: str) -> None:
        suite = self._deployed(name).candidate.suite
        if suite is None:
            raise Unverified("tests: there is no suite")
        testing.run_suite(self.bench, self._deployed(name), suite, stage=step.stage)

    def _undeploy(self, step: Step, name: str) -> None:
        """Nothing was begun, or it is gone: nothing to do. How services stopped is told at the end."""
        deployed = self.bench.deployed.get(name)
        if deployed is not None and name not in self._removed and not self._is_kept(deployed):
            self._stops.extend(removing.undeploy(self.bench, deployed))
            self._removed.add(name)
        if step.stage == "teardown":
            checking.conclude(self.bench, worst_of_each(self._stops), stage="teardown")

    def _is_kept(self, deployed: Deployed) -> bool:
        if not self.keep or self.interrupted():
            return False
        last = self.plan.deployments[-1].name
        if self.kept is None and (deployed.name in self._failed or deployed.name == last):
            self.kept = deployed
        return self.kept is deployed

    def _check_leaks(self) -> None:
        self.after, self.leaks = removing.check_leaks(self.bench, self.before)


def worst_of_each(stops: list[TestResult]) -> list[TestResult]:
    """One result for each service: the worst of its stops, for the app is removed several times in a run.

    Of those with one outcome, the slowest.
    """
    order = ("errored", "failed", "unverified", "skipped", "passed")
    worst: dict[str, TestResult] = {}
    for stop in sorted(stops, key=lambda one: (order.index(one.outcome), -one.seconds)):
        worst.setdefault(stop.name, stop)
    return list(worst.values())
