"""What a run will do, as values: stages, chains, deployments and steps, before anything is done.

A plan says everything that decides: what a step needs and comes after, what it takes of the node, which
values it uses and gives. The order of its lists decides nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import msgspec

from cc_ci.results.schema import StageName

STAGES: tuple[StageName, ...] = get_args(StageName)

Action = Literal[
    "pull",
    "provide",
    "prepare",
    "deploy",
    "check",
    "seed",
    "upgrade",
    "verify_upgrade",
    "backup",
    "overwrite",
    "fill",
    "restore",
    "redeploy",
    "verify_restore",
    "test",
    "soak",
    "kill",
    "undeploy",
    "conclude_stops",
    "withdraw",
    "drop_images",
    "leak_check",
]
"""A step's work; `actions` has one function for each."""

CLOSING: frozenset[Action] = frozenset(
    {"undeploy", "conclude_stops", "withdraw", "drop_images", "leak_check"}
)
"""Actions that are carried out whatever happened before, and that no stop of the run cuts short."""

Which = Literal["new", "old"]
DeploymentSource = Literal["new", "old", "provider"]
IfBroken = Literal["failed", "unverified"]
Taken = Literal["boot", "extraction", "browser"]
"""What a step takes of the node while it goes; a wait takes nothing."""


ONE_OF_EACH: Mapping[Taken, int] = {"boot": 1, "extraction": 1, "browser": 1}


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One stack of the run, and why it is there."""

    name: str
    versions: tuple[Which, ...]
    """Those that it runs, one after the other."""
    why: str
    twin_of: str | None = None
    """Has that deployment's domain and secret values, on empty volumes; so it comes after its removal."""
    beside: bool = False
    """It is there together with its twin: under another stack name, and each behind a proxy of its own."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One action of one stage, in one chain.

    It is carried out when all that it `needs` has passed and all that it comes `after` has ended, however
    that ended. `uses` and `gives` name the values that come from other steps and go to them.
    """

    name: str
    action: Action
    stage: StageName
    chain: str
    deployment: str | None = None
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    takes: tuple[Taken, ...] = ()
    uses: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    if_broken: IfBroken = "failed"
    """The outcome of a failure of the recipe here: `unverified` where what broke is only the way to the thing
    under test (an old version that does not deploy says nothing of the upgrade)."""

    @property
    def closing(self) -> bool:
        return self.action in CLOSING


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A stage that will not run, its outcome known from the start."""

    stage: StageName
    outcome: Literal["failed", "skipped", "unverified"]
    reason: str


class NeededProvider(msgspec.Struct, frozen=True, kw_only=True):
    """The provider that is brought up for the run, and why."""

    name: str
    why: str


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment is left up for a look: the first of which a step failed, else `otherwise`."""

    otherwise: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run. `decided` are the stages that have no steps."""

    deployments: tuple[Deployment, ...]
    steps: tuple[Step, ...]
    decided: tuple[Decided, ...] = ()
    provider: NeededProvider | None = None
    keep: Keep | None = None
    untested: tuple[str, ...] = ()
    """What a run of another shape would test and this one does not, a line each."""
    only_here: tuple[str, ...] = ()
    """What this shape tests and the others do not."""
    otherwise: tuple[str, ...] = ()
    """What is not as its levers ask, and why, a line each."""
    at_once: Mapping[Taken, int] = msgspec.field(default_factory=lambda: ONE_OF_EACH)
    """How many steps may take of the node at the same time."""
    last_removal: str | None = None
    """The step of the last deployment's removal, which counts as the teardown; None with `keep`."""

    def deployment(self, name: str) -> Deployment:
        return next(deployment for deployment in self.deployments if deployment.name == name)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def boots_on(self, restore: Step) -> bool:
        """Whether a deployment boots for the first time on what a step restores."""
        deploys = (one for one in self.steps if one.action == "deploy")
        return any(restore.name in one.needs for one in deploys)

    def stages(self) -> Iterator[StageName]:
        """The stages that have steps, in their order."""
        present = {step.stage for step in self.steps}
        return (stage for stage in STAGES if stage in present)

    @property
    def own_proxies(self) -> tuple[str, ...]:
        """The deployments that have a proxy of their own: those of one domain at the same time."""
        pairs = [(one.name, one.twin_of) for one in self.deployments if one.beside and one.twin_of]
        return tuple(dict.fromkeys(name for pair in pairs for name in pair))

    @property
    def chains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.chain for step in self.steps))

    @property
    def sources(self) -> tuple[DeploymentSource, ...]:
        """What images are brought of: the versions that are deployed, and the provider."""
        versions = {version for deployment in self.deployments for version in deployment.versions}
        found: list[DeploymentSource] = [which for which in get_args(Which) if which in versions]
        return (*found, "provider") if self.provider else tuple(found)
