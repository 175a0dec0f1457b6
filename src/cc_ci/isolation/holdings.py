"""What a live run holds on a node: names that were free before, and the things that it made of them.

A deployment claims its names right before it makes anything, and gets none that something has already. So
what is removed at its end is proved twice: the run's own record has the name, and the thing has the label.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import DEPLOYMENT, RUN, STACK
from cc_ci.engine.state import Listed
from cc_ci.errors import CcCiError, InfrastructureError, Unverified
from cc_ci.isolation.items import Item, ItemKind, item_of, run_of
from cc_ci.isolation.ownership import ANONYMOUS
from cc_ci.isolation.removal import remove_all
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import FileObject, Network, Stack, Volume
from cc_ci.system.clock import Clock
from cc_ci.system.printable import one_line
from cc_ci.system.units import EpochSeconds, Seconds

PATIENCE: Seconds = 30.0
"""A volume is in use until the engine has removed the last container that mounted it."""


class HeldName(msgspec.Struct, frozen=True, kw_only=True):
    """A name that a deployment needs; `key` is where its recipe says so, such as `volumes.content`."""

    kind: ItemKind
    name: str
    key: str = ""

    @property
    def identity(self) -> tuple[ItemKind, str]:
        return self.kind, self.name


def names_of(app: App, stack: Stack) -> tuple[HeldName, ...]:
    """All that the stack makes, and the secrets that are made for it."""
    sections: Mapping[ItemKind, Mapping[str, Network | Volume | FileObject]] = {
        "network": stack.networks,
        "volume": stack.volumes,
        "secret": stack.secrets,
        "config": stack.configs,
    }
    made = [
        HeldName(kind=kind, name=entry.name, key=f"{kind}s.{key}.name")
        for kind, section in sections.items()
        for key, entry in section.items()
        if not entry.external
    ]
    given = [HeldName(kind="secret", name=one.swarm_name, key=f"secrets.{one.name}") for one in app.secrets]
    return *made, *given


class Claim(msgspec.Struct, kw_only=True):
    """What one deployment holds, of every version that it has had."""

    stack: str
    deployment: str
    since: EpochSeconds
    """When its first name was found free, on the engine's clock."""
    names: set[tuple[ItemKind, str]] = msgspec.field(default_factory=set)
    gone: bool = False
    """All that it held was removed: its names are free for others."""


class Holdings:
    """All claims of one run. `neighbours` names the other runs that used the node since it began."""

    def __init__(
        self,
        engine: Engine,
        *,
        run: str,
        clock: Clock,
        neighbours: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._engine = engine
        self._run = run
        self._clock = clock
        self._claims: dict[str, Claim] = {}
        self._mounted: set[str] = set()
        self.neighbours = neighbours
        self._claiming = threading.Lock()

    @property
    def mounted(self) -> dict[str, str]:
        """Anonymous volumes that containers of this run were seen with, each with this run."""
        return dict.fromkeys(self._mounted, self._run)

    def claim(
        self,
        deployment: str,
        stack: str,
        names: Iterable[HeldName],
        *,
        place: Callable[[str], str] = lambda _key: "",
    ) -> None:
        """Claim `names` for a deployment, those that it has are its own already; `place` tells a key's line.

        Nothing is claimed unless all are free: on the node, and of what other deployments of this run have
        claimed and may not have made yet. Raises Unverified for a name that the recipe fixes and something
        has, InfrastructureError for one that has the app's own domain in it. One claim at a time.
        """
        with self._claiming:
            held = self._claims.get(deployment)
            claim = held or Claim(stack=stack, deployment=deployment, since=self._engine.now())
            if held is None:
                self._require_free(stack)
            there = {(item.kind, item.name): item for item in self._items()}
            wanted = [name for name in names if name.identity not in claim.names]
            for name in wanted:
                if name.identity in there:
                    maker = self._maker(there[name.identity].labels)
                    raise _taken(name, f"on the node already, {maker}", stack=stack, where=place(name.key))
                if other := self._claimant(name, besides=deployment):
                    said = f"claimed by deployment {other} of this run, which is up beside this one"
                    raise _taken(name, said, stack=stack, where=place(name.key))
            claim.names |= {name.identity for name in wanted}
            self._claims[deployment] = claim

    def _claimant(self, name: HeldName, *, besides: str) -> str | None:
        """The other deployment that has claimed a name and was not removed since."""
        others = (claim for claim in self._claims.values() if claim.deployment != besides)
        return next((one.deployment for one in others if not one.gone and name.identity in one.names), None)

    def _require_free(self, stack: str) -> None:
        other = next((one for one in self._claims.values() if one.stack == stack and not one.gone), None)
        if other is not None:
            raise InfrastructureError(f"stack {stack}: claimed by deployment {other.deployment} of this run")
        there = next(iter(self._in_stack(stack)), None)
        if there is not None:
            raise InfrastructureError(
                f"stack {stack}: on the node already, {self._maker(there.labels)}; run again for another name"
            )

    def _in_stack(self, stack: str) -> list[Item]:
        labels = {STACK: stack}
        services = [item_of("service", one) for one in self._engine.services(labels)]
        containers = [item_of("container", one) for one in self._engine.containers(labels)]
        return [*services, *containers, *self._items(labels)]

    def _items(self, labels: Mapping[str, str] | None = None) -> list[Item]:
        listed: Mapping[ItemKind, Sequence[Listed]] = {
            "network": self._engine.networks(labels),
            "volume": self._engine.volumes(labels),
            "secret": self._engine.secrets(labels),
            "config": self._engine.configs(labels),
        }
        return [item_of(kind, thing) for kind, things in listed.items() for thing in things]

    def _maker(self, labels: Mapping[str, str]) -> str:
        run = run_of(labels)
        if run == self._run:
            deployment = one_line(labels.get(DEPLOYMENT, "?"))
            return f"made by deployment {deployment} of this run"
        return f"made by run {one_line(run)}" if run else "made by no run"

    def confirm(self, deployment: str) -> None:
        """See after a deploy that what has a claimed name is this run's.

        Raises InfrastructureError for what somebody else made between the look and the deploy.
        """
        claim = self._claims.get(deployment)
        for item in self._items() if claim else ():
            if claim and (item.kind, item.name) in claim.names and run_of(item.labels) != self._run:
                made = self._maker(item.labels)
                raise InfrastructureError(
                    f"{item.kind} {item.name}: {made} while this run deployed; it is left alone, run again"
                )

    def see_mounts(self, deployment: str) -> None:
        """Remember the anonymous volumes of a deployment's containers: they carry no label."""
        labels = {STACK: self._claims[deployment].stack, RUN: self._run}
        for container in self._engine.containers(labels):
            self._mounted |= {name for name in container.volumes if ANONYMOUS.fullmatch(name)}

    def strangers(self, deployment: str) -> tuple[str, ...]:
        """What else is in the deployment's stack: removed with the stack, it would go, too."""
        found = self._in_stack(self._claims[deployment].stack)
        # volumes outlast a stack, and containers are its services'
        kinds = {"service", "network", "secret", "config"}
        return tuple(item.name for item in found if item.kind in kinds and run_of(item.labels) != self._run)

    def remove_stack(self, deployment: str) -> None:
        """Remove the stack's own services one by one, where there is a stranger among them."""
        labels = {STACK: self._claims[deployment].stack, RUN: self._run}
        self._remove(lambda: [item_of("service", one) for one in self._engine.services(labels)], deployment)

    def remove(self, deployment: str) -> None:
        """Remove what the deployment holds besides its services. Works twice.

        Raises InfrastructureError for the first thing that stayed, after all have been tried.
        """
        if deployment in self._claims:
            self._remove(lambda: self._held(self._claims[deployment]), deployment)
            self._claims[deployment].gone = True

    def _remove(self, find: Callable[[], Sequence[Item]], deployment: str) -> None:
        failed = remove_all(
            self._engine, find, name=f"removal of {deployment}", clock=self._clock, timeout=PATIENCE
        )
        if failed:
            raise InfrastructureError(failed[0])

    def _held(self, claim: Claim) -> list[Item]:
        used = {volume for one in self._engine.containers() for volume in one.volumes}
        return [
            item
            for item in self._items()
            if self._made(item, claim)
            or (item.kind == "volume" and item.name in self._mounted - used and self._unnamed(item, claim))
        ]

    def _unnamed(self, item: Item, claim: Claim) -> bool:
        return RUN not in item.labels and item.created >= int(claim.since)

    def _made(self, item: Item, claim: Claim) -> bool:
        if (item.kind, item.name) not in claim.names:
            return False
        if RUN in item.labels:
            return item.labels[RUN] == self._run
        # another program may have made it for this run: then it has the run's own random name
        return item.name.startswith(f"{claim.stack}_") and item.created >= int(claim.since)


def _taken(name: HeldName, said: str, *, stack: str, where: str) -> CcCiError:
    what = f"{name.kind} {name.name}: {said}"
    if name.name.startswith(f"{stack}_"):
        return InfrastructureError(f"{what}; run again for another name")
    mend = f"put ${{STACK_NAME}} into the recipe's `name:`, or use a node without such a {name.kind}"
    return Unverified(f"{where}{name.key}: {what}, and left alone; {mend}")
