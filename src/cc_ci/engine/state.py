"""What an engine tells, typed: times are seconds since 1970 on the engine's own clock."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.system.units import Bytes, EpochSeconds, Seconds

UpdateState = Literal[
    "updating", "paused", "completed", "rollback_started", "rollback_paused", "rollback_completed"
]
Mode = Literal["replicated", "global", "replicated-job", "global-job"]

LAST_STATES = ("complete", "failed", "shutdown", "rejected", "orphaned", "remove")
"""A task in one of these never runs again."""


class EngineFacts(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    api: str
    kernel: str
    operating_system: str
    containerd: str | None
    runc: str | None
    """None where the engine does not tell."""
    image_store: str
    """What keeps the layers of images, such as overlay2, or containerd's and its snapshotter."""
    cgroup_version: str
    cpus: int
    memory_bytes: Bytes
    swarm: bool


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the node: a network, volume, secret, config or service; a volume's id is its name."""

    id: str
    name: str
    labels: Mapping[str, str]
    created: EpochSeconds

    @property
    def stack(self) -> str | None:
        return self.labels.get(STACK)


class EngineVolume(msgspec.Struct, frozen=True, kw_only=True):
    """One volume as the engine keeps it; `options` are its driver's, such as a mount's type and device."""

    name: str
    driver: str
    options: Mapping[str, str]
    mountpoint: str

    @property
    def plain(self) -> bool:
        """A folder of the engine's own, and nothing that its driver mounts there."""
        own = self.mountpoint.endswith(f"/volumes/{self.name}/_data")
        return self.driver == "local" and not self.options and own


class Container(Listed, frozen=True, kw_only=True):
    """`created` is exact to the second only, as lists of containers are."""

    state: str
    image: str
    image_id: str
    volumes: tuple[str, ...] = ()
    """Names of the volumes that it mounts, anonymous ones too."""
    networks: tuple[str, ...] = ()
    """Names of the networks that it is in."""


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """As the engine runs it, its defaults filled in; `test` is empty where nobody asks for it."""

    interval: Seconds = 30.0
    timeout: Seconds = 30.0
    retries: int = 3
    start_period: Seconds = 0.0
    test: tuple[str, ...] = ()

    @property
    def patience(self) -> Seconds:
        """How long after its start a container may go without a verdict."""
        return self.start_period + (self.interval + self.timeout) * self.retries

    @property
    def tolerance(self) -> Seconds:
        """How long a check may say no before its container is unhealthy, if it answers at once."""
        return self.interval * self.retries


class ContainerState(msgspec.Struct, frozen=True, kw_only=True):
    """How one container stands; `health` is None without a health check, `exit_code` while it runs."""

    id: str
    state: str
    pid: int | None
    exit_code: int | None
    oom_killed: bool
    health: str | None
    health_output: tuple[str, ...]
    created: EpochSeconds
    started: EpochSeconds | None
    finished: EpochSeconds | None
    addresses: Mapping[str, str]
    """Its IPv4 address by network name."""
    health_failures: int = 0
    """How often its health check failed in a row: the engine calls every container that ended `unhealthy`."""
    service: str | None = None
    """The full name of the service that it is of."""
    health_check: HealthCheck | None = None
    """Its own or its image's, as one program to run."""

    @property
    def refused(self) -> bool:
        """Whether its health check gave it up: Swarm then ends it, and does not say so if it ends with 0."""
        retries = (self.health_check or HealthCheck()).retries
        return 0 < retries <= self.health_failures


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` is the manifest's, None for an image that never came from a registry."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    diff_ids: tuple[str, ...]
    size_bytes: Bytes
    volumes: tuple[str, ...] = ()
    """Folders that each container gets a new volume for, unless something is mounted there."""
    start_period: Seconds = 0.0
    """Of its own health check, which holds where a service has none."""

    @property
    def digest(self) -> str | None:
        return self.digests[0].partition("@")[2] if self.digests else None


class PullReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one pull did: `layers` by short id, of which some were present before and some extracted."""

    reference: str
    digest: str
    image_id: str
    layers: tuple[str, ...]
    layers_present: int
    layers_extracted: int
    bytes_pulled: Bytes
    downloaded: Mapping[str, Bytes] = {}
    """The bytes of each layer that came over the wire; a pull beside it may tell of the same ones."""
    extracted: tuple[str, ...] = ()


class UpdateStatus(msgspec.Struct, frozen=True, kw_only=True):
    state: UpdateState
    message: str = ""
    started: EpochSeconds | None = None
    completed: EpochSeconds | None = None


class ServiceState(msgspec.Struct, frozen=True, kw_only=True):
    """`running` counts tasks of the present spec, `outdated` those of an older one that are still wanted."""

    id: str
    name: str
    """As the compose file has it, without the stack's name."""
    image: str
    desired: int
    running: int
    outdated: int = 0
    mode: Mode = "replicated"
    digest: str | None = None
    update: UpdateStatus | None = None
    labels: Mapping[str, str] = {}
    restart: str = "any"
    health_check: HealthCheck | None = None
    """None: not set by the service; its image may bring one."""
    monitor: Seconds | None = None
    stop_grace_period: Seconds = 10.0
    created: EpochSeconds | None = None
    updated: EpochSeconds | None = None


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    service: str
    state: str
    desired: str
    stamp: EpochSeconds
    """When it came into this state; older states leave no stamp."""
    created: EpochSeconds
    image: str = ""
    current: bool = True
    """Whether it is of its service's present spec."""
    slot: int | None = None
    message: str = ""
    error: str = ""
    exit_code: int | None = None
    container: str | None = None


class StackSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    stack: str
    services: tuple[ServiceState, ...] = ()
    tasks: tuple[TaskState, ...] = ()

    def service(self, name: str) -> ServiceState | None:
        return next((service for service in self.services if service.name == name), None)

    def tasks_of(self, service: str) -> tuple[TaskState, ...]:
        """Of one service, the newest first."""
        mine = (task for task in self.tasks if task.service == service)
        return tuple(sorted(mine, key=lambda task: task.created, reverse=True))


class EngineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `action` is without its detail (`health_status`), which is in `detail` (`healthy`)."""

    kind: str
    action: str
    id: str
    at: EpochSeconds
    detail: str = ""
    attributes: Mapping[str, str] = {}

    @property
    def stack(self) -> str | None:
        return self.attributes.get(STACK)

    @property
    def service(self) -> str | None:
        """The service's full name: a container's owner, or the service itself."""
        return self.attributes.get("name") if self.kind == "service" else self.attributes.get(SERVICE)

    @property
    def exit_code(self) -> int | None:
        code = self.attributes.get("exitCode")
        return int(code) if code is not None else None
