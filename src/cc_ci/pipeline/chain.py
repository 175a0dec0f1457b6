"""Build the steps of one chain; pure. Each step needs the one before it, and removals come after all."""

from typing import NamedTuple

import msgspec

from cc_ci.pipeline.plan import Action, Deployment, IfBroken, Step, Taken, Which
from cc_ci.results.schema import StageName

PROVIDER = "provider"
"""The value that the provider's step gives."""
LAYERS = "layers"
"""What the first pull gives: the layers that were on the node before it."""
CENSUS = "census"
"""What the leak check gives: what is on the node, and what of it leaked."""

TAKES: dict[Action, tuple[Taken, ...]] = {
    "pull": ("extraction",),
    "provide": ("boot",),
    "deploy": ("boot",),
    "upgrade": ("boot",),
    "redeploy": ("boot",),
    "test": ("browser",),
}


class Chain(NamedTuple):
    """Steps that go one after the other, and the deployments that they make."""

    name: str
    deployments: tuple[Deployment, ...]
    steps: tuple[Step, ...]


class ChainBuilder:
    """Collects the steps of the chain `name`; the first of them needs `needs`."""

    def __init__(self, name: str, *, needs: tuple[str, ...]) -> None:
        self._name = name
        self._needs = needs
        self._after: tuple[str, ...] = ()
        self._deployments: dict[str, Deployment] = {}
        self._steps: list[Step] = []
        self._seeded: set[tuple[str, StageName]] = set()

    def done(self) -> Chain:
        return Chain(self._name, tuple(self._deployments.values()), tuple(self._steps))

    def deployed(
        self,
        name: str,
        *,
        stage: StageName,
        why: str,
        versions: tuple[Which, ...] = ("new",),
        twin_of: str | None = None,
    ) -> None:
        """Prepare and deploy the first of `versions`, on which nothing but the upgrade says more."""
        self._deployments[name] = Deployment(name=name, versions=versions, why=why, twin_of=twin_of)
        if_broken: IfBroken = "unverified" if versions[0] == "old" else "failed"
        self.then("prepare", stage=stage, deployment=name, if_broken=if_broken)
        self.then("deploy", stage=stage, deployment=name, if_broken=if_broken)

    def then(
        self, action: Action, *, stage: StageName, deployment: str, if_broken: IfBroken = "failed"
    ) -> None:
        self._add(
            Step(
                name=f"{deployment}.{stage}.{action}",
                action=action,
                stage=stage,
                chain=self._name,
                deployment=deployment,
                needs=self._needs,
                takes=TAKES.get(action, ()),
                uses=self._uses(action, deployment, stage),
                gives=_gives(action, deployment, stage),
                if_broken=if_broken,
            )
        )
        self._needs = (self._steps[-1].name,)
        if action == "seed":
            self._seeded.add((deployment, stage))

    def undeployed(self, deployment: str, *, stage: StageName) -> None:
        """Remove it: needs nothing, for what was begun is removed whatever became of it."""
        self._add(
            Step(
                name=f"{deployment}.{stage}.undeploy",
                action="undeploy",
                stage=stage,
                chain=self._name,
                deployment=deployment,
                uses=(app(deployment),),
                gives=(stops(deployment),),
            )
        )

    def _add(self, step: Step) -> None:
        self._steps.append(msgspec.structs.replace(step, after=self._after))
        self._after = (step.name,)

    def _uses(self, action: Action, deployment: str, stage: StageName) -> tuple[str, ...]:
        origin = self._origin(deployment)
        match action:
            case "pull":
                return (LAYERS,)
            case "prepare":
                return (app(origin),) if self._deployments[deployment].twin_of else ()
            case "verify_upgrade":
                seeded = (marker(deployment, stage),) if (deployment, stage) in self._seeded else ()
                return (app(deployment), before(deployment), *seeded)
            case "backup":
                return (app(deployment), marker(deployment, stage))
            case "overwrite" | "restore" | "verify_restore":
                return (app(deployment), backup(origin))
            case _:
                return (app(deployment),)

    def _origin(self, deployment: str) -> str:
        planned = self._deployments.get(deployment)
        return (planned and planned.twin_of) or deployment


def _gives(action: Action, deployment: str, stage: StageName) -> tuple[str, ...]:
    match action:
        case "prepare":
            return (app(deployment),)
        case "seed":
            return (marker(deployment, stage),)
        case "upgrade":
            return (before(deployment),)
        case "backup":
            return (backup(deployment),)
        case _:
            return ()


def app(deployment: str) -> str:
    """The deployment itself, from the moment on at which there is something to remove."""
    return f"app:{deployment}"


def marker(deployment: str, stage: StageName) -> str:
    """What a stage put into it, to be read back."""
    return f"marker:{deployment}:{stage}"


def before(deployment: str) -> str:
    """What it ran before its upgrade."""
    return f"before:{deployment}"


def backup(deployment: str) -> str:
    return f"backup:{deployment}"


def stops(deployment: str) -> str:
    """How its services stopped at its removal."""
    return f"stops:{deployment}"
