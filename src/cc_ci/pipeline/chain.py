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
        self._known: dict[str, Deployment] = {}
        """Those made here, and in the chain that this one goes on from."""
        self._given: set[str] = set()

    def going_on(self, name: str, *, needs: tuple[str, ...] = ()) -> "ChainBuilder":
        """A chain that goes on with this one's deployment once steps of another have passed, too.

        A chain of its own has no gap in which it waits: that time is part of the other's.
        """
        builder = ChainBuilder(name, needs=(*self._needs, *needs))
        builder._after = self._after
        builder._known, builder._given = self._known, self._given
        return builder

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
        self.prepared(name, stage=stage, why=why, versions=versions, twin_of=twin_of)
        self.then("deploy", stage=stage, deployment=name, if_broken=_if_broken(versions))

    def prepared(
        self,
        name: str,
        *,
        stage: StageName,
        why: str,
        versions: tuple[Which, ...] = ("new",),
        twin_of: str | None = None,
    ) -> None:
        made = Deployment(name=name, versions=versions, why=why, twin_of=twin_of)
        self._deployments[name] = self._known[name] = made
        self.then("prepare", stage=stage, deployment=name, if_broken=_if_broken(versions))

    def then(
        self,
        action: Action,
        *,
        stage: StageName,
        deployment: str,
        if_broken: IfBroken = "failed",
        also_uses: tuple[str, ...] = (),
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
                uses=(*self._uses(action, deployment, stage), *also_uses),
                gives=self._gives(action, deployment, stage),
                if_broken=if_broken,
            )
        )
        self._needs = (self._steps[-1].name,)
        self._given |= set(self._steps[-1].gives)

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
        if action == "pull":
            return (LAYERS,)
        if action == "prepare":
            return (app(origin),) if origin != deployment else ()
        return (app(deployment), *self._uses_besides(action, deployment, stage))

    def _uses_besides(self, action: Action, deployment: str, stage: StageName) -> tuple[str, ...]:
        """What an action needs besides the deployment itself."""
        match action:
            case "verify_upgrade":
                return (before(deployment), *self._if_given(marker(deployment, stage)))
            case "backup":
                return (marker(deployment, stage),)
            case "overwrite" | "restore":
                return (backup(self._origin(deployment)),)
            case "verify_restore":
                return (backup(self._origin(deployment)), *self._if_given(marker(deployment, stage)))
            case _:
                return ()

    def _if_given(self, name: str) -> tuple[str, ...]:
        return (name,) if name in self._given else ()

    def _origin(self, deployment: str) -> str:
        planned = self._known.get(deployment)
        return (planned and planned.twin_of) or deployment

    def _gives(self, action: Action, deployment: str, stage: StageName) -> tuple[str, ...]:
        match action:
            case "prepare":
                return (app(deployment),)
            case "seed" | "fill":
                return (marker(deployment, stage),)
            case "upgrade":
                return (before(deployment),)
            case "backup":
                return (backup(deployment),)
            case _:
                return ()


def _if_broken(versions: tuple[Which, ...]) -> IfBroken:
    return "unverified" if versions[0] == "old" else "failed"


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
