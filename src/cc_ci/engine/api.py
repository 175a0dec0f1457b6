"""The engine as the rest of cc-ci sees it; `docker_engine.connect` gives a real one, `fakes` one for tests.

Every call raises InfrastructureError when the engine can't be asked or refuses. What is removed may be
gone already.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, Self

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
from cc_ci.system.process import Completed
from cc_ci.system.units import EpochSeconds, Seconds

__all__ = [
    "Completed",
    "Container",
    "ContainerState",
    "Engine",
    "EngineEvent",
    "EngineFacts",
    "EngineVolume",
    "EventStream",
    "Image",
    "Listed",
    "PullReport",
    "StackSnapshot",
]  # fmt: skip

Labels = Mapping[str, str]


class EventStream(Protocol):
    """Events as they come, oldest first; a context manager, to be closed."""

    def next(self, timeout: Seconds) -> EngineEvent | None:
        """The next event, or None when none came in time.

        Raises InfrastructureError if the stream broke, Stopped when the thread is told to stop.
        """
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class Engine(Protocol):
    @property
    def environment(self) -> Mapping[str, str]:
        """What the docker client needs in its environment to reach this engine."""
        ...

    def now(self) -> EpochSeconds:
        """The engine's clock."""
        ...

    def system(self) -> EngineFacts: ...
    def stack(self, name: str) -> StackSnapshot: ...

    def events(
        self, *, since: EpochSeconds, labels: Labels | None = None, kinds: Collection[str] = ()
    ) -> EventStream:
        """Events from `since` on. With `labels`, only those of containers that carry them all."""
        ...

    def pull(self, reference: str) -> PullReport:
        """Pull one image. StageFailed when the registry says that it does not exist."""
        ...

    def image(self, reference: str) -> Image | None: ...
    def images(self) -> tuple[Image, ...]: ...
    def remove_image(self, reference: str) -> None: ...
    def image_layers(self) -> frozenset[str]:
        """The diff ids of all layers of all images on the node."""
        ...

    def registry_digest(self, reference: str) -> str | None:
        """The manifest digest that the registry has for a tag now; None when it does not answer."""
        ...

    # censuses; with `labels`, only what carries them all (an empty value: any value)
    def containers(self, labels: Labels | None = None) -> tuple[Container, ...]:
        """All containers, stopped ones too."""
        ...

    def services(self, labels: Labels | None = None) -> tuple[Listed, ...]: ...
    def networks(self, labels: Labels | None = None) -> tuple[Listed, ...]: ...
    def volumes(self, labels: Labels | None = None) -> tuple[Listed, ...]: ...
    def secrets(self, labels: Labels | None = None) -> tuple[Listed, ...]: ...
    def configs(self, labels: Labels | None = None) -> tuple[Listed, ...]: ...

    def volume(self, name: str) -> EngineVolume | None: ...
    def container(self, container: str) -> ContainerState | None: ...
    def health(self, stack: str) -> tuple[ContainerState, ...]:
        """How each container of a stack stands, with what its last health checks said."""
        ...

    def exec(
        self,
        container: str,
        command: Sequence[str] | str,
        *,
        user: str | None = None,
        stdin: str | None = None,
        timeout: Seconds | None = None,
    ) -> Completed:
        """Run a program in a container; a string goes to its `sh -c`. A non-zero exit is no error."""
        ...

    def logs(self, service: str) -> str:
        """All that a service (by full name) wrote, both streams, with stamps."""
        ...

    def container_logs(self, container: str) -> str: ...

    def create_network(self, name: str, *, labels: Labels) -> str:
        """Make an attachable overlay network; its id."""
        ...

    def create_secret(self, name: str, *, value: str, labels: Labels) -> str: ...
    def label_secret(self, name: str, *, labels: Labels) -> None:
        """Give a secret that another program made the labels by which a run's things are known."""
        ...

    def create_config(self, name: str, *, content: bytes, labels: Labels) -> str: ...
    def create_volume(self, name: str, *, labels: Labels) -> str: ...
    def connect_network(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        """Join a container to a network, in which it is found by its `aliases`, too."""
        ...

    def disconnect_network(self, network: str, container: str) -> None: ...

    def remove_network(self, network: str) -> None: ...
    def remove_secret(self, secret: str) -> None: ...
    def remove_config(self, config: str) -> None: ...
    def remove_volume(self, volume: str) -> None: ...
    def kill_container(self, container: str) -> None:
        """End it by SIGKILL, as a power cut would."""
        ...

    def stop_container(self, container: str, *, grace: Seconds) -> None:
        """Tell it to stop by its own signal, and kill it if it is still there after its grace."""
        ...

    def remove_container(self, container: str) -> None:
        """Kill it, and remove it with its anonymous volumes."""
        ...

    def remove_service(self, service: str) -> None: ...
