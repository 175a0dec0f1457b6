"""A Keycloak that outlives runs: made, checked before each use, paused between runs, taken down.

Whoever calls holds `lock` meanwhile. Nothing here is a run's: what runs get of it is in `borrowed`.
"""

import functools
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError
from cc_ci.isolation.leases import Liveness
from cc_ci.probes.answers import Requester
from cc_ci.probes.containers import Within
from cc_ci.providers import warm_argv as argv
from cc_ci.providers import warm_digest, warm_record
from cc_ci.providers.warm_master import Realm, RealmKeeper, make_account
from cc_ci.providers.warm_record import Images, WarmRecord
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner, check, check_whole
from cc_ci.system.units import Bytes, Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until

NAME = "keycloak"
URL = f"http://127.0.0.1:{argv.PORT}"
"""As it is asked from inside its own container's network."""
LONGEST_CALL: Seconds = 300.0
"""Its build step takes 20 to 30 s where nothing else is done."""
PATIENCE: Seconds = 900.0
"""Keycloak boots in 15 s on two CPUs of its own; a machine that is busy with more takes minutes."""
PSQL = ("psql", "--username=keycloak", "--dbname=keycloak", "--no-psqlrc", "--tuples-only", "--no-align",
        "--quiet", "--set=ON_ERROR_STOP=1")  # fmt: skip
MEMORY_FILES = ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory.current")


class ProviderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a warm provider stands; `fault` is why it can't be used as it is."""

    state: str
    version: str | None = None
    images: Images | None = None
    memory_bytes: Bytes | None = None
    realms: tuple[Realm, ...] = ()
    fault: str | None = None


class WarmKeycloak:
    """The warm Keycloak of one private node. `requester` asks from inside its container.

    Without `pauses` it runs on when nobody uses it, until somebody else has it rest.
    """

    def __init__(
        self,
        node: Node,
        engine: Engine,
        runner: Runner,
        clock: Clock,
        *,
        requester: Requester | None = None,
        say: Callable[[str], None] = lambda _line: None,
        pauses: bool = True,
    ) -> None:
        self._node = node
        self._pauses = pauses
        self._engine = engine
        self._docker = functools.partial(runner, env=engine.environment, timeout=LONGEST_CALL)
        self._clock = clock
        self.requester = requester or Within(engine, argv.NAME)
        self._say = say

    @property
    def lock(self) -> Path:
        return warm_record.lock_of(self._node, NAME)

    @property
    def record(self) -> WarmRecord | None:
        return warm_record.read(self._node, NAME)

    def keeper(self) -> RealmKeeper:
        record = self.record
        if record is None:
            raise InfrastructureError(f"provider {NAME}: there is none; `cc-ci provider up {NAME}` makes it")
        return RealmKeeper(self.requester, url=URL, secret=record.secret)

    def up(self, *, version: str, images: Images) -> WarmRecord:
        """Make it anew, of images that are on the node; what there was of it goes. It is awake after this."""
        self.take_down()
        ids = database, app = self._image_ids(images)
        built = self._build(images.app, app)
        password, first = (secrets.token_urlsafe(32) for _ in range(2))
        self._tell(argv.network())
        tagged = argv.tag(argv.DATABASE_IMAGE, database)
        self._tell(["docker", "tag", images.database, tagged])
        self._tell(argv.database(tagged), stdin=argv.database_env(password=password))
        self._await_database()
        user = f"first-{secrets.token_hex(4)}"
        given = argv.keycloak_env(password=password, first_user=user, first_password=first)
        self._tell(argv.keycloak(built), stdin=given)
        self._await_ready()
        secret = make_account(self.requester, url=URL, username=user, password=first)
        record = WarmRecord(
            version=version,
            images=images,
            image_ids=ids,
            secret=secret,
            digest=self.digest(),
        )
        warm_record.write(self._node, NAME, record)
        return record

    def take_down(self) -> None:
        """Remove all that there is of it, but for its built image. Works twice."""
        warm_record.forget(self._node, NAME)
        for container in (argv.NAME, argv.DATABASE, argv.BUILDER):
            self._engine.remove_container(container)
        for network in self._engine.networks(argv.LABELS):
            self._engine.remove_network(network.id)
        self._engine.remove_volume(argv.NAME)

    def fault(self, *, version: str, images: Images) -> str | None:
        """Why it can't be used for a run that needs this version; wakes it up to find out."""
        record = self.record
        if record is None:
            return "there is none"
        if record.images != images:
            return f"it is of version {record.version}, and {version} is needed"
        try:
            if record.image_ids != self._image_ids(images):
                return "its images are no longer those of their tags"
            self.wake()
            if (found := self.digest()) != record.digest:
                return f"what no run owns has changed (digest {found[:12]} instead of {record.digest[:12]})"
        except CcCiError as error:
            return str(error)
        return None

    def wake(self) -> None:
        """Have it run, whether it was paused, ended or running, and answer that it is ready."""
        for container in (argv.DATABASE, argv.NAME):
            state = self._state(container)
            if state is None:
                raise InfrastructureError(f"provider {NAME}: container {container} is gone")
            if state == "paused":
                self._tell(["docker", "unpause", container])
            elif state != "running":
                self._tell(["docker", "start", container])
        self._await_ready()

    def pause(self) -> None:
        """Let it take no CPU until it is needed; the database last, since the other talks to it."""
        for container in (argv.NAME, argv.DATABASE):
            if self._state(container) == "running":
                self._tell(["docker", "pause", container])

    def digest(self) -> str:
        """Of all that no run owns."""
        answer = self._engine.exec(argv.DATABASE, PSQL, stdin=warm_digest.ROWS, timeout=LONGEST_CALL)
        rows = check_whole(answer, what=f"provider {NAME}: rows of its database").stdout
        try:
            return warm_digest.digest(warm_digest.read(rows))
        except ValueError as error:
            raise InfrastructureError(f"provider {NAME}: rows of its database: {error}") from error

    def reap(self, known: Mapping[str, Liveness]) -> tuple[Realm, ...]:
        """Remove the realms of dead runs, and pause it if no live run has one; the realms that went."""
        if self.record is None or self._state(argv.NAME) not in {"running", "paused"}:
            return ()
        self.wake()
        dead = [realm for realm in self.keeper().realms() if not _lives(realm, known)]
        for realm in dead:
            self.keeper().remove(realm.name)
        self.rest(known)
        return tuple(dead)

    def rest(self, known: Mapping[str, Liveness], *, but: str | None = None) -> None:
        """Pause it, unless a live run other than `but` has a realm of it, or it is to run on."""
        if self._pauses and not any(
            realm.run != but and _lives(realm, known) for realm in self.keeper().realms()
        ):
            self.pause()

    def users(self, known: Mapping[str, Liveness]) -> tuple[str, ...]:
        """The live runs that have a realm of it, as far as it answers."""
        try:
            self.wake()
            return tuple(realm.run for realm in self.keeper().realms() if realm.run and _lives(realm, known))
        except CcCiError:
            return ()

    def standing(self) -> ProviderStanding:
        """How it stands, without waking it."""
        record, state = self.record, self._state(argv.NAME)
        if record is None or state is None:
            return ProviderStanding(state="not there")
        fault = None if state in {"running", "paused"} else f"its container is {state}"
        return ProviderStanding(
            state=state,
            version=record.version,
            images=record.images,
            memory_bytes=self.memory_bytes() if state == "running" else None,
            realms=self.keeper().realms() if state == "running" else (),
            fault=fault,
        )

    def memory_bytes(self) -> Bytes | None:
        """What its two containers hold now; None where it can't be read."""
        read = [self._memory(container) for container in (argv.NAME, argv.DATABASE)]
        return Bytes(sum(one for one in read if one)) if all(read) else None

    def _memory(self, container: str) -> int | None:
        shown = self._engine.exec(
            container, f"cat {' '.join(MEMORY_FILES)} 2>/dev/null", timeout=LONGEST_CALL
        )
        first = shown.stdout.split()
        return int(first[0]) if first and first[0].isdigit() else None

    def _image_ids(self, images: Images) -> tuple[str, str]:
        """Of the database and of the provider. Raises InfrastructureError for one that is not on the node."""
        found = [(name, self._engine.image(name)) for name in (images.database, images.app)]
        for name, image in found:
            if image is None:
                raise InfrastructureError(f"provider {NAME}: image {name} is not on the node")
        database, app = (image.id for _, image in found if image)
        return database, app

    def _build(self, reference: str, image_id: str) -> str:
        """The image with its build step done, which is kept as long as the engine's data is."""
        built = argv.tag(argv.IMAGE, image_id)
        if self._engine.image(built) is None:
            self._say(f"{NAME}: building what {reference} builds at each start")
            self._tell(argv.build(reference))
            self._tell(argv.commit(built))
            self._engine.remove_container(argv.BUILDER)
        return built

    def _state(self, container: str) -> str | None:
        found = self._engine.container(container)
        return found.state if found else None

    def _await_database(self) -> None:
        ready = ("pg_isready", "--host=127.0.0.1", "--username=keycloak")
        self._await("its database", lambda: self._engine.exec(argv.DATABASE, ready).ok)

    def _await_ready(self) -> None:
        health = f"http://127.0.0.1:{argv.HEALTH_PORT}/health/ready"
        self._await("itself", lambda: self.requester.request("GET", health, timeout=5.0).status == 200)  # noqa: PLR2004

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        self._say(f"{NAME}: waiting for {what} to be ready")
        try:
            wait_until(
                ready,
                name=f"provider {NAME}: {what} to be ready",
                ready=bool,
                timeout=PATIENCE,
                clock=self._clock,
                interval=0.1,
            )
        except WaitTimeout as error:
            said = self._engine.container_logs(argv.NAME).strip().splitlines()[-1:]
            raise InfrastructureError(f"{error}; it last said: {''.join(said) or 'nothing'}") from error

    def _tell(self, line: Sequence[str], *, stdin: str | None = None) -> None:
        check(self._docker(list(line), stdin=stdin), what=f"provider {NAME}: {' '.join(line[:2])}")


def _lives(realm: Realm, known: Mapping[str, Liveness]) -> bool:
    found = known.get(realm.run or "")
    return found is not None and (found.live or found.broken)
