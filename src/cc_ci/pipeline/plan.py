"""What a run will do, as values: stages, deployments and steps, before anything is done."""

from collections.abc import Iterator
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
    "restore",
    "redeploy",
    "verify_restore",
    "test",
    "undeploy",
    "withdraw",
    "leak_check",
]
"""A step's work; `stages` holds one function for each."""

PROVIDE = "provide"
"""Name of the step that brings the provider up."""

Which = Literal["new", "old"]
ImagesOf = Literal["new", "old", "provider"]
Blame = Literal["failed", "unverified"]


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One stack of the run. `twin_of`: has that deployment's domain and secret values, on empty volumes."""

    name: str
    version: Which
    twin_of: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One action of one stage. It runs when all that it `needs` has passed.

    `blame` is the outcome that a failure of the recipe has here: `unverified` where what broke is only the
    way to the thing under test (an old version that does not deploy says nothing of the upgrade).
    """

    name: str
    action: Action
    stage: StageName
    deployment: str | None = None
    needs: tuple[str, ...] = ()
    blame: Blame = "failed"


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A stage that will not run, its outcome known from the start."""

    stage: StageName
    outcome: Literal["failed", "skipped", "unverified"]
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Steps in an order that satisfies every need; `decided` are the stages that have none."""

    deployments: tuple[Deployment, ...]
    steps: tuple[Step, ...]
    decided: tuple[Decided, ...] = ()

    def deployment(self, name: str) -> Deployment:
        return next(deployment for deployment in self.deployments if deployment.name == name)

    def images(self) -> frozenset[ImagesOf]:
        """Whose images are brought to the node; the plan may be that of one stage."""
        provided: tuple[ImagesOf, ...] = tuple("provider" for step in self.steps if step.action == "provide")
        return frozenset({"new", *(one.version for one in self.deployments), *provided})

    def stages(self) -> Iterator[StageName]:
        """The stages that have steps, in their order."""
        present = {step.stage for step in self.steps}
        return (stage for stage in STAGES if stage in present)
