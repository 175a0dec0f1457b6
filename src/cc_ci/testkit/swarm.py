"""A Swarm in memory: it takes stacks as `docker stack deploy` does, and shows what an engine would show.

It is an `Engine`, and its `runner` answers the docker client, restic and the shell in volumes. Its time is a
ManualClock's: a service is healthy `boot` seconds after its deploy. `fail` makes any call fail, `at_call`
does something else then.
"""

import base64
import gzip
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cc_ci.backups.places import VOLUMES
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import (
    Container,
    EngineEvent,
    Image,
    Listed,
    ServiceState,
    StackSnapshot,
    TaskState,
)
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.testkit import stacks

FREE = "free 1000000 4096\n"


class FakeSwarm(FakeEngine):
    def __init__(self, clock: ManualClock | None = None, *, boot: Seconds = 2.0) -> None:
        super().__init__(clock)
        self.boot = boot
        self.argv: list[tuple[str, ...]] = []
        """What was run, in order."""
        self.data: dict[str, dict[str, str]] = {}
        """What apps keep, by volume."""
        self.at_call: Callable[[int], None] = lambda _number: None
        """Told of each call and each program by its number, before it is made; may raise."""
        self._calls = itertools.count(1)
        self._snapshots: dict[str, dict[str, dict[str, str]]] = {}
        self._made: dict[str, list[stacks.MadeService]] = {}

    def has_image(self, reference: str) -> None:
        """Put an image into the registry."""
        image = Image(
            id=f"id of {reference}",
            tags=(reference,),
            digests=(f"{reference}@sha256:{reference}",),
            diff_ids=(f"layer of {reference}",),
            size_bytes=1000,
        )
        self.in_registry[reference] = image

    def running(self, stack: str) -> bool:
        """Whether a stack's services are up by now."""
        shown = self._shown(stack)
        return bool(shown.services) and all(service.running for service in shown.services)

    def volumes_of(self, stack: str) -> list[str]:
        return [item.name for item in self.items["volume"].values() if item.stack == stack]

    # Engine

    def _call(self, name: str, argument: str = "") -> None:
        super()._call(name, argument)
        if name != "now":
            self.at_call(next(self._calls))

    def _remove(self, kind: str, name: str) -> None:
        super()._remove(kind, name)
        if kind == "volume":
            self.data.pop(name, None)

    def kill_container(self, container: str) -> None:
        """Its task ends, and the service's next one comes by itself."""
        super().kill_container(container)
        killed = self.items["container"][container]
        self._happens(container, killed.labels, "die", exitCode="137", after=0.0)
        made = self._made[killed.stack or ""]
        for service in made:
            if killed.labels[SERVICE] == f"{killed.stack}_{service.name}":
                self._start(killed.stack or "", service)
        self._come_up(killed.stack or "", made)

    # Runner

    def runner(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,  # noqa: ARG002 - part of the protocol
        cwd: Path | None = None,  # noqa: ARG002 - part of the protocol
        timeout: Seconds | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Completed:
        words = tuple(argv)
        self.argv.append(words)
        self.at_call(next(self._calls))
        answer = self._answer(words, stdin)
        self.clock.sleep(0.05)
        return answer

    def _answer(self, words: tuple[str, ...], stdin: str | None) -> Completed:
        if "stack" in words and "deploy" in words:
            self._deploy(words)
            return _said(words)
        if words[:3] == ("docker", "stack", "rm"):
            self._take_down(words[3])
            return _said(words)
        if words[:2] == ("docker", "version"):
            return _said(words, "28.2.2\n")
        for at, (word, verb) in enumerate(itertools.pairwise(words)):
            if word == "restic" and verb in {"init", "backup", "restore"}:
                return self._restic(words[at:], volumes=_bound(words[:at]))
        if "sh" in words:
            return self._shell(words[words.index("sh") :])
        raise AssertionError(f"the fake Swarm does not know: {' '.join(words)}, given {stdin!r}")

    def _deploy(self, words: tuple[str, ...]) -> None:
        stack, now = words[-1], self.clock.now()
        files = [Path(after) for word, after in itertools.pairwise(words) if word == "--compose-file"]
        merged = stacks.read_files(files)
        for made in stacks.things(merged, stack):
            there = {item.name for item in self.items[made.kind].values()}
            if made.name not in there:
                id_ = made.name if made.kind == "volume" else f"{made.kind} {made.name}"
                labels = {**made.labels, STACK: stack}
                self.has(made.kind, Listed(id=id_, name=made.name, labels=labels, created=now))
        self._made[stack] = stacks.services(merged, stack)
        for service in self._made[stack]:
            full = f"{stack}_{service.name}"
            labels = {**service.labels, STACK: stack}
            self.has("service", Listed(id=full, name=full, labels=labels, created=now))
            self._end_containers(stack, service.name)
            self._start(stack, service)
        self._come_up(stack, self._made[stack])

    def _come_up(self, stack: str, made: Sequence[stacks.MadeService]) -> None:
        now = self.clock.now()
        self._show(stack, made, up=False, at=now)
        self._show(stack, made, up=True, at=EpochSeconds(now + self.boot))

    def _start(self, stack: str, service: stacks.MadeService) -> None:
        """One container comes for a service."""
        now, full = self.clock.now(), f"{stack}_{service.name}"
        container = f"{full}.{next(self._numbers)}"
        own = {**service.container_labels, STACK: stack, SERVICE: full}
        self.items["container"][container] = Container(
            id=container,
            name=container,
            labels=own,
            created=now,
            state="running",
            image=service.image,
            image_id=f"id of {service.image}",
            volumes=service.volumes,
        )
        for action, detail, after in (
            ("create", "", 0.1),
            ("start", "", 0.2),
            ("health_status", "healthy", self.boot),
        ):
            self._happens(container, own, action, detail=detail, after=after)

    def _end_containers(self, stack: str, service: str | None = None) -> None:
        for container in list(self.items["container"].values()):
            name = container.labels.get(SERVICE, "")
            if container.stack == stack and service in (None, name.removeprefix(f"{stack}_")):
                self._happens(container.id, container.labels, "kill", signal="15", after=0.01)
                self._happens(container.id, container.labels, "die", exitCode="0", after=0.03)
                self._happens(container.id, container.labels, "destroy", after=0.04)
                del self.items["container"][container.id]

    def _take_down(self, stack: str) -> None:
        self._end_containers(stack)
        for kind in ("service", "network", "config", "secret"):
            kept = {id_: item for id_, item in self.items[kind].items() if item.stack != stack}
            self.items[kind] = kept
        self._scripts.pop(stack, None)

    def _shown(self, stack: str) -> StackSnapshot:
        now = self.clock.now()
        past = [snapshot for at, snapshot in self._scripts.get(stack, []) if at <= now]
        return past[-1] if past else StackSnapshot(stack=stack)

    def _show(self, stack: str, made: Sequence[stacks.MadeService], *, up: bool, at: EpochSeconds) -> None:
        state = "running" if up else "starting"
        self.script(
            StackSnapshot(
                stack=stack,
                services=tuple(
                    ServiceState(
                        id=one.name,
                        name=one.name,
                        image=one.image,
                        desired=1,
                        running=int(up),
                        updated=self.clock.now(),
                    )
                    for one in made
                ),
                tasks=tuple(
                    TaskState(
                        id=f"task of {one.name}",
                        service=one.name,
                        state=state,
                        desired="running",
                        stamp=at,
                        created=self.clock.now(),
                        image=one.image,
                    )
                    for one in made
                ),
            ),
            at=at,
        )

    def _happens(
        self,
        container: str,
        labels: Mapping[str, str],
        action: str,
        *,
        after: Seconds,
        detail: str = "",
        **attributes: str,
    ) -> None:
        at = EpochSeconds(self.clock.now() + after)
        event = EngineEvent(
            kind="container",
            action=action,
            id=container,
            at=at,
            detail=detail,
            attributes={**labels, **attributes},
        )
        self.happens(event)

    # tools in volumes

    def _restic(self, words: tuple[str, ...], *, volumes: Mapping[str, str]) -> Completed:
        """`volumes` has those that it sees: by the name under which it does, their own."""
        if words[1] == "backup":
            number = f"snapshot{len(self._snapshots) + 1}"
            self._snapshots[number] = {name: dict(kept) for name, kept in self.data.items()}
            summary = {
                "message_type": "summary",
                "snapshot_id": number,
                "total_files_processed": 1,
                "total_bytes_processed": 10,
                "data_added": 10,
            }
            return _said(words, json.dumps(summary, separators=(",", ":")) + "\n")
        if words[1] == "restore":
            snapshot = next(word for word in words if word in self._snapshots)
            kept = self._snapshots[snapshot]
            self.data.update({own: dict(kept.get(seen, {})) for seen, own in volumes.items()})
        return _said(words)

    def _shell(self, words: tuple[str, ...]) -> Completed:
        """The scripts that look at volumes: all paths are there, and nothing is in a restore's way."""
        script = words[2]
        if "restic ls" in script:
            return _said(words, _packed(b'{"exit":0}\n'))
        if "files\\0" in script:
            return _said(words, _packed(b"files\0others\0end\0"))
        there = "".join(f"there {path}\n" for path in words[4:])
        return _said(words, f"{there}used 1\n{FREE}" if "used" in script else FREE)


def _bound(words: tuple[str, ...]) -> dict[str, str]:
    """The volumes that a sandbox shows, by the names that they have in it."""
    found = {}
    for option, source, target in zip(words, words[1:], words[2:], strict=False):
        if option in {"--bind", "--ro-bind"} and target.startswith(f"{VOLUMES}/"):
            found[Path(target).parent.name] = Path(source).parent.name
    return found


def _said(words: tuple[str, ...], stdout: str = "") -> Completed:
    return Completed(argv=words, returncode=0, stdout=stdout, stderr="")


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content)).decode()
