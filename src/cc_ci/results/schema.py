"""What a run leaves: one value, written as results.json.

Sizes are bytes, durations seconds, `start` and `end` seconds since the run's start; only `started_at` is a
wall-clock stamp. A value that can't be had is null, and `missing` says why: its keys are paths into this
value, such as `environment.memory_bytes`, with `*` for any part, such as `resources.*.read_bytes`.
"""

from typing import ClassVar, Literal

import msgspec

from cc_ci.levers.arms import Arm
from cc_ci.levers.values import Value
from cc_ci.system.http_seen import HttpSeen
from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.critical_path import PhaseTable
from cc_ci.timing.resources import ResourceSample, SpanResources
from cc_ci.timing.spans import Span

SCHEMA_VERSION = 6

StageName = Literal["install", "upgrade", "backup", "restore", "functional", "sso", "teardown"]
Outcome = Literal["passed", "failed", "errored", "skipped", "unverified"]
Blame = Literal["recipe", "cc-ci", "provider", "host", "policy"]
"""`policy`: the recipe asks for something that it has to be trusted with (`--trust`), and is not."""


class ServiceImage(msgspec.Struct, frozen=True, kw_only=True):
    """The image that one service ran in one version of the recipe."""

    version: str
    service: str
    reference: str
    digest: str | None = None
    image_id: str | None = None


class RecipeUnderTest(msgspec.Struct, frozen=True, kw_only=True):
    """`version_to` is the one under test; the commits are those of the recipe's repository."""

    name: str
    version_from: str | None = None
    version_to: str | None = None
    commit_from: str | None = None
    commit_to: str | None = None
    dirty: bool | None = None
    """The working tree differed from `commit_to`."""
    variant: tuple[str, ...] = ()
    images: tuple[ServiceImage, ...] = ()
    suite_hash: str | None = None


class ProviderUsed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider that the run had, from the newest published version of its recipe.

    `warm`: a realm of one that outlives runs, and none that was deployed for the run; `because` is why not,
    where a warm one was asked for. `memory_bytes` is what a warm one held.
    """

    name: str
    version: str
    commit: str | None = None
    warm: bool = False
    because: str | None = None
    memory_bytes: Bytes | None = None


class PlannedDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """One stack that the run's plan has, and why; `versions` are those that it runs, one after the other."""

    name: str
    versions: tuple[Literal["new", "old"], ...]
    why: str


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran, without names of hosts."""

    node_kind: Literal["private", "foreign"] | None = None
    cpus: float | None = None
    """The node's limit, not the machine's count."""
    memory_bytes: Bytes | None = None
    machine_cpus: int | None = None
    machine_memory_bytes: Bytes | None = None
    kernel: str | None = None
    engine: str | None = None
    engine_api: str | None = None
    containerd: str | None = None
    runc: str | None = None
    image_store: str | None = None
    """What keeps the layers of images: overlay2, or containerd's own and its snapshotter."""
    client: str | None = None
    cgroup_version: Literal["1", "2"] | None = None
    ipvs: bool | None = None
    images_kind: Literal["stand-in", "hub", "loaded"] | None = None


class ImageTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """What bringing one image to the node took; the counts are what proves a cold or a warm run."""

    reference: str
    digest: str | None = None
    layers: int | None = None
    layers_present_before: int | None = None
    layers_extracted: int | None = None
    pulled_bytes: Bytes | None = None
    seconds: Seconds | None = None


class CacheState(msgspec.Struct, frozen=True, kw_only=True):
    """The cache mode asked for, and what was found; `proved` is None when nothing was asked."""

    asked: Literal["cold", "warm"] | None = None
    proved: bool | None = None
    images: tuple[ImageTransfer, ...] = ()


class ServiceSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One service at the moment when a stage went red: how it stood, and what it said last."""

    service: str
    state: str
    """Such as `0/1 running`."""
    exit_code: int | None = None
    out_of_memory: bool = False
    unhealthy: bool = False
    """Its health check gave it up, and Swarm ended it for that."""
    health: tuple[str, ...] = ()
    """The last answers of its health check, the newest last."""
    lines: tuple[str, ...] = ()
    """The last lines of its log."""


class WentWrong(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen when a step failed, before anything was removed; the step's reason has the cause."""

    step: str
    deployment: str | None = None
    place: str | None = None
    """The line of a file of the recipe that the cause is about, as compose.yml:31."""
    text: str | None = None
    """What is written there."""
    services: tuple[ServiceSeen, ...] = ()
    """First those that the cause is about, then those that they may have waited for."""
    exchanges: tuple[HttpSeen, ...] = ()
    screenshots: tuple[str, ...] = ()
    """Files, relative to the run's folder."""

    @property
    def service(self) -> str | None:
        """The one that the cause is about."""
        return self.services[0].service if self.services else None


class TestResult(msgspec.Struct, frozen=True, kw_only=True):
    """One test or generic check; `assertions` counts those executed."""

    __test__: ClassVar[bool] = False  # not one of pytest's

    id: str
    """The same for each deployment and profile; with stage and deployment it names one result of a run."""
    deployment: str | None = None
    """What it was shown on; None where it is of several, or of none."""
    outcome: Outcome
    seconds: Seconds = 0.0
    start: Seconds | None = None
    assertions: int | None = None
    reason: str | None = None
    exchange: HttpSeen | None = None
    """The request by which it failed, where it did by HTTP."""


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """One stage; `reason` is there for every outcome but `passed`, `blame` for those that are not green."""

    name: StageName
    outcome: Outcome
    start: Seconds = 0.0
    seconds: Seconds = 0.0
    reason: str | None = None
    blame: Blame | None = None
    tests: tuple[TestResult, ...] = ()
    evidence: tuple[str, ...] = ()
    """Folders with the evidence of its deployments, relative to the run's."""
    wrong: WentWrong | None = None
    """What was seen when it went red; None where nothing was."""
    follows: StageName | None = None
    """The stage whose failure is the cause that this one did not run."""
    unredacted: tuple[str, ...] = ()
    """Files of these that no secret was taken out of: pictures and archives, kept as they are."""

    @property
    def green(self) -> bool:
        return self.outcome in {"passed", "skipped"}


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was not there before the run, or is gone since."""

    kind: str
    name: str
    change: Literal["left", "lost"] = "left"


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """What existed on the node, by kind; None where no census was taken."""

    before: dict[str, tuple[str, ...]] | None = None
    after: dict[str, tuple[str, ...]] | None = None
    leaks: tuple[Leak, ...] = ()


class Warn(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not change the verdict; `code` is stable, `message` names cause and remedy."""

    code: str
    message: str


class Harness(msgspec.Struct, frozen=True, kw_only=True):
    """What cc-ci itself cost; CPU seconds count its children, but not restic, the browser and the suite."""

    cpu_seconds: Seconds | None = None
    cpu_share: float | None = None
    """Of the run's wall time."""
    peak_memory_bytes: Bytes | None = None


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one recipe; `state` is `running` in the partial results written after each stage."""

    schema: Literal["cc-ci.results"] = "cc-ci.results"
    schema_version: int = SCHEMA_VERSION
    run: str
    cc_ci_version: str
    state: Literal["running", "finished"] = "running"
    started_at: float
    recipe: RecipeUnderTest
    provider: ProviderUsed | None = None
    """None where the suite needs none."""
    environment: Environment = Environment()
    arm: Arm
    levers: dict[str, Value] = {}
    """Every lever's value, by the lever's name."""
    cache: CacheState = CacheState()
    trusted: tuple[str, ...] = ()
    """Permissions that the recipe needed and was given, by their names."""
    deployments: tuple[PlannedDeployment, ...] = ()
    stages: tuple[StageResult, ...] = ()
    verdict: str | None = None
    exit_code: int | None = None
    because: tuple[str, ...] = ()
    """The reasons of the verdict, one line each."""
    total_seconds: Seconds = 0.0
    """T: from claim to exit, teardown and leak check included."""
    first_verdict_seconds: Seconds | None = None
    """When the verdict was sure for the first time."""
    longest_up_seconds: Seconds | None = None
    """How long the deployment that served longest did so: a fault that shows later was not seen."""
    fresh_restore_seconds: Seconds | None = None
    """What the restore on a fresh deployment took, which no published pipeline has."""
    phases: PhaseTable | None = None
    spans: tuple[Span, ...] = ()
    resources: tuple[SpanResources, ...] = ()
    samples: tuple[ResourceSample, ...] = ()
    harness: Harness = Harness()
    census: Census = Census()
    warnings: tuple[Warn, ...] = ()
    missing: dict[str, str] = {}

    @property
    def whole(self) -> SpanResources | None:
        """What was used from the first second to the last; None where nothing was measured."""
        return next((one for one in self.resources if one.span is None), None)
