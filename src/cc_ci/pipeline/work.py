"""What the work of one step may reach: what all steps of its run share, its own bench, and its hands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cc_ci.errors import InfrastructureError
from cc_ci.isolation.census import NodeCensus
from cc_ci.pipeline import chain
from cc_ci.pipeline.ahead import Begun
from cc_ci.pipeline.handed import Hands
from cc_ci.pipeline.needs import Need
from cc_ci.pipeline.plan import DeploymentSource, Plan, Step
from cc_ci.pipeline.subject import Subject
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.results.measured import Cache
from cc_ci.stages import images
from cc_ci.stages.bench import Bench, Deployed


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What is the same for every step of a run; nothing in it changes, so all threads may have it."""

    plan: Plan
    subject: Subject
    cache: Cache | None
    before: NodeCensus
    """Taken before the run."""
    domains: Mapping[str, str]
    """Of each deployment but twins; known from the start, since a provider must be told of all."""
    begun: Begun
    """What was begun ahead."""
    stack_names: Mapping[str, str] = field(default_factory=dict)
    """Of deployments whose stack is not called by their domain."""
    warm: WarmKeycloak | None = None
    """What the run has a realm of, in the place of a provider of its own."""

    @property
    def sources(self) -> tuple[DeploymentSource, ...]:
        """What the run brings images of."""
        return tuple(one for one in self.plan.sources if one != "provider" or self.warm is None)


@dataclass(frozen=True, kw_only=True)
class Work:
    """One step's: the run that it is of, its own bench, and what it has in its hands."""

    run: RunContext
    bench: Bench
    hands: Hands

    @property
    def step(self) -> Step:
        return self.hands.step

    @property
    def name(self) -> str:
        """Of the step's deployment."""
        if self.step.deployment is None:
            raise AssertionError(f"step {self.step.name}: has no deployment")
        return self.step.deployment

    @property
    def app(self) -> Deployed:
        return self.hands.use(chain.app(self.name), Deployed)

    @property
    def origin(self) -> str:
        """The deployment that this one is a twin of, or itself."""
        return self.run.plan.deployment(self.name).twin_of or self.name

    def images(self, source: DeploymentSource) -> tuple[str, ...]:
        return self.run.subject.references_of[source]

    def bring(self, source: DeploymentSource, before: frozenset[str]) -> None:
        images.bring_images(self.bench, self.images(source), before=before, cache=self.run.cache)

    @property
    def need(self) -> Need:
        if self.run.subject.need is None:
            raise InfrastructureError("plan: a provider is asked for, and the suite needs none")
        return self.run.subject.need
