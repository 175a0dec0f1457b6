"""A proxy of a run's own: with an address, certificates and names, and in sight of its run's services alone.

A node has a place for each address in a range of its own. A place belongs to whoever has the container of its
name, which the engine gives to one alone; all else that a proxy has is in its place's folder, and cleaned by
who takes the place next. So a container that is gone gives its address back, whatever ended its run.
"""

import functools
import http.client
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import filelock
import msgspec

from cc_ci.engine.api import Engine, Labels
from cc_ci.engine.labels import ROLE, RUN
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.lab import proxy, proxy_services
from cc_ci.lab.daemons import daemon_of
from cc_ci.lab.node_records import Record, record_of
from cc_ci.lab.places import Places, places
from cc_ci.lab.proxy import ProxyPlace
from cc_ci.system.clearing import clear_away
from cc_ci.system.clock import Clock
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.stopping import StopToken, under
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until

ROLE_OF_PROXY = {ROLE: "proxy"}
LONGEST_CALL: Seconds = 120.0
START_PATIENCE: Seconds = 30.0


class RunProxy:
    """One proxy on a private node, for what carries the run in `labels`.

    Order of calls: `start`; then `remove`, which works twice, and for one that was only half started.
    """

    def __init__(
        self,
        node: Node,
        engine: Engine,
        runner: Runner,
        *,
        labels: Labels,
        clock: Clock,
        refresh: Seconds = proxy.STOCK_REFRESH,
    ) -> None:
        self._node = node
        self._places = places(node.name)
        self._engine = engine
        self._docker = functools.partial(runner, env=engine.environment, timeout=LONGEST_CALL)
        self._labels = {**labels, **ROLE_OF_PROXY}
        self._clock = clock
        self._refresh = refresh
        self._place: ProxyPlace | None = None

    def start(self) -> Node:
        """Start it at a free address; the node as its run sees it, when the proxy answers."""
        _require_services(self._places, self._clock)
        wanted = _record(self._places).wanted
        refresh, throttle = proxy.pace(self._refresh, refresh=wanted.refresh, throttle=wanted.throttle)
        flags = proxy.traefik_argv(refresh=refresh, throttle=throttle, syntax=self._node.rule_syntax)
        with _allocating(self._places):
            place = self._place = self._free()
            _furnish(place)
            made = proxy.create_argv(place, image=proxy.image(self._docker), flags=flags, labels=self._labels)
            # an engine makes it also for a client that was ended meanwhile: after `remove` has looked for it
            with under(StopToken()):
                self._check(self._docker(made))
        self._check(self._docker(["docker", "start", place.container]))
        self._await(place)
        return msgspec.structs.replace(
            self._node,
            address=str(place.address),
            proxy_container=place.container,
            certificates=place.certificates,
            names=place.names,
        )

    def remove(self) -> None:
        """Take its names and keys away, and then the container: with it goes the place."""
        place = self._place
        if place is None:
            return
        with _allocating(self._places):
            mine = self._engine.containers({RUN: self._labels[RUN], **ROLE_OF_PROXY})
            if any(container.name == place.container for container in mine):
                clear_away(place.folder)
                self._engine.remove_container(place.container)
        self._place = None

    def leave_kept(self) -> None:
        """Leave it up for a look at its app; it goes as the run's other things do, by `reap`."""
        self._place = None

    def require_served(self) -> None:
        """Raise InfrastructureError if what it needs of its node ended: no app is to be blamed for that."""
        _require_services(self._places, self._clock)

    def log(self) -> str:
        """What it wrote so far, with stamps."""
        return self._engine.container_logs(self._place.container) if self._place else ""

    def _free(self) -> ProxyPlace:
        taken = {container.name for container in self._engine.containers()}
        free = (place for place in _all(self._places) if place.container not in taken)
        found = next(free, None)
        if found is None:
            raise InfrastructureError(
                f"node {self._node.name}: all addresses for proxies are taken; "
                f"`cc-ci reap` gives back those of dead runs"
            )
        return found

    def _await(self, place: ProxyPlace) -> None:
        try:
            wait_until(
                functools.partial(_unanswered, str(place.address)),
                name=f"proxy at {place.address} to answer",
                ready=lambda trouble: trouble is None,
                timeout=START_PATIENCE,
                clock=self._clock,
                interval=0.02,
                describe=str,
            )
        except WaitTimeout as error:
            said = self._docker(["docker", "logs", "--tail", "1", place.container])
            words = (said.stdout + said.stderr).strip() or "nothing"
            raise InfrastructureError(f"{error}; it last said: {words}") from error

    def _check(self, done: Completed) -> None:
        try:
            check(done, what="proxy of the run")
        except CommandFailed as error:
            raise InfrastructureError(f"{error}; {_mend(self._places)}") from error


def _unanswered(address: str) -> str | None:
    """Why nothing answers at an address; None if something does."""
    connection = http.client.HTTPConnection(address, timeout=1.0)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        return str(error)
    finally:
        connection.close()
    return None


def forget(node: Node, engine: Engine, runs: Collection[str]) -> tuple[Path, ...]:
    """Remove keys and names of the proxies of `runs`, which are dead, and those of no proxy at all.

    Their containers go after it: with the container, the place may be another run's.
    """
    if not node.private:
        return ()
    here = places(node.name)
    with _allocating(here):
        owners = {
            container.name: container.labels.get(RUN, "") for container in engine.containers(ROLE_OF_PROXY)
        }
        left = [
            place.folder
            for place in _all(here)
            if place.folder.exists() and owners.get(place.container) in {None, *runs}
        ]
        for folder in left:
            clear_away(folder)
    return tuple(left)


def _record(here: Places) -> Record:
    record = record_of(here)
    if record is None:
        raise InfrastructureError(f"node {here.name}: {here.record}: not to be read; {_mend(here)}")
    return record


def _all(here: Places) -> Iterator[ProxyPlace]:
    for address in _record(here).addresses.proxies.hosts():
        yield ProxyPlace(node=here, number=int(address) & 0xFF, address=address)


def _furnish(place: ProxyPlace) -> None:
    """Make its folders, empty: what they had belonged to one that is gone."""
    clear_away(place.folder)
    place.names.mkdir(parents=True)
    place.folder.chmod(0o700)
    for folder in (place.certificates, place.temporary):
        folder.mkdir(mode=0o700)
        shutil.chown(folder, place.uid, place.uid)


def _allocating(here: Places) -> filelock.FileLock:
    """Held for as long as places are given and taken back."""
    return filelock.FileLock(here.runtime / "proxies.lock")


def _require_services(here: Places, clock: Clock) -> None:
    """Without them the proxy would know no service, and the app would be blamed for it."""
    daemon = daemon_of(here, proxy_services.NAME, clock=clock)
    if daemon.identity is None:
        raise InfrastructureError(
            f"node {here.name}: its {daemon.name} ended: {daemon.last_words()}; {_mend(here)}"
        )


def _mend(here: Places) -> str:
    return f"`cc-ci node up --name {here.name}` repairs the node"
