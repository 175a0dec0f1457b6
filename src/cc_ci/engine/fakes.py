"""An engine in memory, for tests: what it shows and when is data, and every call can be made to fail."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

import msgspec

from cc_ci.engine.api import Labels
from cc_ci.engine.fake_events import FACTS, FakeEvents
from cc_ci.engine.state import (
    Container,
    ContainerState,
    EngineEvent,
    EngineFacts,
    EngineVolume,
    Image,
    Listed,
    PullReport,
    StackSnapshot,
)
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed, ScriptedRunner
from cc_ci.system.units import EpochSeconds, Seconds

KINDS = ("container", "service", "network", "volume", "secret", "config")


class FakeEngine:
    """An Engine on a ManualClock. `script` says what a stack shows from when on, `happens` what is told.

    `fail` makes a call fail: from then on, or once. `calls` has every call's name and first argument, in
    order. `execs` answers programs in containers, by (container, *command).
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.calls: list[tuple[str, str]] = []
        self.execs = ScriptedRunner()
        self.items: dict[str, dict[str, Listed]] = {kind: {} for kind in KINDS}
        self.states: dict[str, ContainerState] = {}
        self.mounted: dict[str, EngineVolume] = {}
        """Volumes that are no plain folder of the engine's."""
        self.on_node: dict[str, Image] = {}
        self.in_registry: dict[str, Image] = {}
        self.joined: set[tuple[str, str]] = set()
        self.aliases: dict[tuple[str, str], tuple[str, ...]] = {}
        self.written: dict[str, str | bytes] = {}
        self.labelled: dict[str, dict[str, str]] = {}
        self.log_texts: dict[str, str] = {}
        self.environment: Mapping[str, str] = {"DOCKER_HOST": "unix:///fake.sock"}
        self._failing: dict[str, list[tuple[Exception, bool]]] = {}
        self._scripts: dict[str, list[tuple[float, StackSnapshot]]] = {}
        self._events: list[EngineEvent] = []
        self._numbers = itertools.count(1)

    # what tests say

    def fail(self, call: str, error: Exception | None = None, *, once: bool = False) -> Self:
        fault = error or InfrastructureError(f"{call}: told to fail")
        self._failing.setdefault(call, []).append((fault, once))
        return self

    def script(self, snapshot: StackSnapshot, *, at: EpochSeconds | None = None) -> Self:
        """From `at` on (now, without one), show this of its stack."""
        moment = self.clock.now() if at is None else at
        self._scripts.setdefault(snapshot.stack, []).append((moment, snapshot))
        return self

    def happens(self, *events: EngineEvent) -> Self:
        self._events = sorted([*self._events, *events], key=lambda event: event.at)
        return self

    def has(self, kind: str, item: Listed) -> Self:
        self.items[kind][item.id] = item
        return self

    # Engine

    def now(self) -> EpochSeconds:
        self._call("now")
        return self.clock.now()

    def system(self) -> EngineFacts:
        self._call("system")
        return FACTS

    def stack(self, name: str) -> StackSnapshot:
        self._call("stack", name)
        past = [
            snapshot
            for at, snapshot in sorted(self._scripts.get(name, []), key=_at)
            if at <= self.clock.now()
        ]
        return past[-1] if past else StackSnapshot(stack=name)

    def events(
        self, *, since: EpochSeconds, labels: Labels | None = None, kinds: Collection[str] = ()
    ) -> "FakeEvents":
        self._call("events")

        def told() -> Iterator[EngineEvent]:
            for event in self._events:
                wanted = not kinds or event.kind in kinds
                if wanted and event.at >= since and _carries(event.attributes, labels):
                    yield event

        return FakeEvents(self.clock, told)

    def pull(self, reference: str) -> PullReport:
        self._call("pull", reference)
        image = self.in_registry.get(reference) or self.on_node.get(reference)
        if image is None:
            raise StageFailed(f"image {reference}: does not exist in its registry (manifest unknown)")
        missing = set(image.diff_ids) - self.image_layers()
        self.on_node[reference] = image
        return PullReport(
            reference=reference,
            digest=image.digest or "",
            image_id=image.id,
            layers=image.diff_ids,
            layers_present=len(image.diff_ids) - len(missing),
            layers_extracted=len(missing),
            bytes_pulled=image.size_bytes if missing else 0,
        )

    def image(self, reference: str) -> Image | None:
        self._call("image", reference)
        return self.on_node.get(reference)

    def images(self) -> tuple[Image, ...]:
        self._call("images")
        return tuple(self.on_node.values())

    def remove_image(self, reference: str) -> None:
        self._call("remove_image", reference)
        self.on_node.pop(reference, None)

    def image_layers(self) -> frozenset[str]:
        self._call("image_layers")
        return frozenset(layer for image in self.on_node.values() for layer in image.diff_ids)

    def registry_digest(self, reference: str) -> str | None:
        self._call("registry_digest", reference)
        image = self.in_registry.get(reference)
        return image.digest if image else None

    def containers(self, labels: Labels | None = None) -> tuple[Container, ...]:
        return tuple(item for item in self._list("container", labels) if isinstance(item, Container))

    def services(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        return self._list("service", labels)

    def networks(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        return self._list("network", labels)

    def volumes(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        return self._list("volume", labels)

    def volume(self, name: str) -> EngineVolume | None:
        self._call("volume", name)
        plain = EngineVolume(
            name=name, driver="local", options={}, mountpoint=f"/engine/volumes/{name}/_data"
        )
        return self.mounted.get(name) or (plain if name in self.items["volume"] else None)

    def secrets(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        return self._list("secret", labels)

    def configs(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        return self._list("config", labels)

    def container(self, container: str) -> ContainerState | None:
        self._call("container", container)
        return self.states.get(container)

    def health(self, stack: str) -> tuple[ContainerState, ...]:
        self._call("health", stack)
        mine = (item.id for item in self.items["container"].values() if item.stack == stack)
        return tuple(self.states[id_] for id_ in mine if id_ in self.states)

    def exec(
        self,
        container: str,
        command: Sequence[str] | str,
        *,
        user: str | None = None,  # noqa: ARG002 - part of the protocol
        stdin: str | None = None,
        timeout: Seconds | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Completed:
        self._call("exec", container)
        words = ("sh", "-c", command) if isinstance(command, str) else tuple(command)
        return self.execs((container, *words), stdin=stdin)

    def logs(self, service: str) -> str:
        self._call("logs", service)
        return self.log_texts.get(service, "")

    def container_logs(self, container: str) -> str:
        self._call("container_logs", container)
        return self.log_texts.get(container, "")

    def create_network(self, name: str, *, labels: Labels) -> str:
        return self._create("network", name, labels)

    def create_secret(self, name: str, *, value: str, labels: Labels) -> str:
        self.written[name] = value
        return self._create("secret", name, labels)

    def label_secret(self, name: str, *, labels: Labels) -> None:
        self.labelled[name] = dict(labels)

    def create_config(self, name: str, *, content: bytes, labels: Labels) -> str:
        self.written[name] = content
        return self._create("config", name, labels)

    def create_volume(self, name: str, *, labels: Labels) -> str:
        return self._create("volume", name, labels, id_=name)

    def connect_network(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        self._call("connect_network", network)
        self.aliases[network, container] = tuple(aliases)
        self.joined.add((network, container))

    def disconnect_network(self, network: str, container: str) -> None:
        self._call("disconnect_network", network)
        self.joined.discard((network, container))

    def remove_network(self, network: str) -> None:
        self._remove("network", network)

    def remove_secret(self, secret: str) -> None:
        self._remove("secret", secret)

    def remove_config(self, config: str) -> None:
        self._remove("config", config)

    def remove_volume(self, volume: str) -> None:
        self._remove("volume", volume)

    def kill_container(self, container: str) -> None:
        self._call("kill_container", container)
        self._ended(container)

    def _ended(self, container: str) -> None:
        if container in self.items["container"]:
            self.items["container"][container] = msgspec.structs.replace(
                self.items["container"][container], state="exited"
            )

    def stop_container(self, container: str, *, grace: Seconds) -> None:
        self._call("stop_container", f"{container} {grace:g}")
        self._ended(container)

    def remove_container(self, container: str) -> None:
        self._remove("container", container)

    def remove_service(self, service: str) -> None:
        self._remove("service", service)

    def _call(self, name: str, argument: str = "") -> None:
        self.calls.append((name, argument))
        faults = self._failing.get(name)
        if faults:
            error, once = faults[0]
            if once:
                faults.pop(0)
            raise error

    def _list(self, kind: str, labels: Labels | None) -> tuple[Listed, ...]:
        self._call(f"{kind}s")
        return tuple(item for item in self.items[kind].values() if _carries(item.labels, labels))

    def _create(self, kind: str, name: str, labels: Labels, *, id_: str | None = None) -> str:
        self._call(f"create_{kind}", name)
        if any(item.name == name for item in self.items[kind].values()):
            raise InfrastructureError(f"docker {kind} create: {name} already exists")
        number = id_ or f"{kind}{next(self._numbers)}"
        self.has(kind, Listed(id=number, name=name, labels=dict(labels), created=self.clock.now()))
        return number

    def _remove(self, kind: str, name: str) -> None:
        self._call(f"remove_{kind}", name)
        items = self.items[kind]
        self.items[kind] = {id_: item for id_, item in items.items() if name not in (id_, item.name)}


def _carries(labels: Labels, wanted: Labels | None) -> bool:
    return all(key in labels and value in ("", labels[key]) for key, value in (wanted or {}).items())


def _at(entry: tuple[float, StackSnapshot]) -> float:
    return entry[0]
