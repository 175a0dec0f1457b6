"""A real engine: read and listened to through docker-py, told what to do through the docker client."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import requests
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.utils import parse_repository_tag

from cc_ci.engine import argv, parsing
from cc_ci.engine.api import Labels
from cc_ci.engine.connections import LONGEST_CALL, client_of, spoken
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.node import Node
from cc_ci.engine.pulling import pull_report, refusal
from cc_ci.engine.state import (
    Container,
    ContainerState,
    EngineFacts,
    EngineVolume,
    Image,
    Listed,
    PullReport,
    StackSnapshot,
)
from cc_ci.engine.streams import ACTIONS, QueuedEvents
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.system import stopping
from cc_ci.system.bounded import OUTPUT_LIMIT, Kept
from cc_ci.system.files import runtime_root
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.units import EpochSeconds, Seconds

GONE = ("no such", "not found", "is not connected", "is not running")


def connect(node: Node, runner: Runner) -> "DockerEngine":
    """Reach the node's engine. Raises InfrastructureError when it does not answer."""
    return DockerEngine(client=client_of(node, runner), node=node, runner=runner)


def _filters(labels: Labels | None) -> dict[str, list[str]]:
    """With an empty value, a label counts whatever its value."""
    return {"label": [f"{key}={value}" if value else key for key, value in (labels or {}).items()]}


class DockerEngine:
    """An Engine, safe to share between threads.

    It keeps nothing of a call, and gives each a connection of its own (`OnePool`); a stream of events
    belongs to the thread that asked for it.
    """

    def __init__(self, *, client: Any, node: Node, runner: Runner) -> None:
        self._client = client
        self._node = node
        self._runner = runner
        config = runtime_root() / "docker-client"
        config.mkdir(parents=True, exist_ok=True)
        self._environment = argv.client_environment(node, config=config)

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    def now(self) -> EpochSeconds:
        return parsing.known_epoch(self._ask("clock", self._client.info)["SystemTime"])

    def system(self) -> EngineFacts:
        found = self._ask("system", self._client.info), self._ask("version", self._client.version)
        return parsing.facts(*found, self._client.api_version)

    def stack(self, name: str) -> StackSnapshot:
        only = _filters({STACK: name})
        tasks = self._ask(f"stack {name}", lambda: self._client.tasks(filters=only))
        # the services after their tasks: a task is never judged by an older spec than its own
        services = self._ask(f"stack {name}", lambda: self._client.services(filters=only, status=True))
        return parsing.snapshot(name, services, tasks)

    def events(
        self, *, since: EpochSeconds, labels: Labels | None = None, kinds: Collection[str] = ()
    ) -> QueuedEvents:
        filters = {**_filters(labels), "event": list(ACTIONS), "type": list(kinds)}
        source = self._ask(
            "events", lambda: self._client.events(since=f"{since:.9f}", filters=filters, decode=True)
        )
        return QueuedEvents(source)

    # images

    def pull(self, reference: str) -> PullReport:
        repository, tag = parse_repository_tag(reference)
        # a private node gets no credentials of the user's: an empty set keeps docker-py from looking
        credentials: dict[str, str] | None = {} if self._node.private else None
        messages: list[dict[str, Any]] = []
        try:
            stream = self._client.pull(
                repository, tag=tag or "latest", stream=True, decode=True, auth_config=credentials
            )
            for message in stream:
                stopping.current().check()
                messages.append(message)
                if said := message.get("error"):
                    raise self._refusal(reference, str(said))
        except (DockerException, requests.RequestException) as error:
            raise self._refusal(reference, str(getattr(error, "explanation", None) or error)) from error
        image = self.image(reference)
        if image is None:
            raise InfrastructureError(f"image {reference}: was pulled and is not there")
        return pull_report(reference, messages, image)

    def _refusal(self, reference: str, said: str) -> StageFailed | InfrastructureError:
        return refusal(reference, said, stand_ins=self._node.stand_ins)

    def image(self, reference: str) -> Image | None:
        entry = self._found(f"image {reference}", lambda: self._client.inspect_image(reference))
        return parsing.image(entry, (entry.get("RootFS") or {}).get("Layers") or ()) if entry else None

    def images(self) -> tuple[Image, ...]:
        # `all`, since the layers of untagged parents are on the node, too
        entries = self._ask("images", lambda: self._client.images(all=True))
        return tuple(image for entry in entries if (image := self.image(entry["Id"])))

    def remove_image(self, reference: str) -> None:
        self._tell_gone(["docker", "image", "rm", "--force", reference])

    def image_layers(self) -> frozenset[str]:
        return frozenset(layer for image in self.images() for layer in image.diff_ids)

    def registry_digest(self, reference: str) -> str | None:
        credentials: dict[str, str] | None = {} if self._node.private else None
        try:
            answer = self._client.inspect_distribution(reference, auth_config=credentials)
        except (DockerException, requests.RequestException):
            return None
        return str(answer["Descriptor"]["digest"])

    # censuses

    def containers(self, labels: Labels | None = None) -> tuple[Container, ...]:
        entries = self._ask("containers", lambda: self._client.containers(all=True, filters=_filters(labels)))
        return tuple(map(parsing.listed_container, entries))

    def services(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        entries = self._ask("services", lambda: self._client.services(filters=_filters(labels)))
        return tuple(map(parsing.listed_object, entries))

    def networks(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        entries = self._ask("networks", lambda: self._client.networks(filters=_filters(labels)))
        return tuple(map(parsing.listed_network, entries))

    def volumes(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        answer = self._ask("volumes", lambda: self._client.volumes(filters=_filters(labels)))
        return tuple(map(parsing.listed_volume, answer["Volumes"] or ()))

    def volume(self, name: str) -> EngineVolume | None:
        entry = self._found(f"volume {name}", lambda: self._client.inspect_volume(name))
        return parsing.volume(entry) if entry else None

    def secrets(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        entries = self._ask("secrets", lambda: self._client.secrets(filters=_filters(labels)))
        return tuple(map(parsing.listed_object, entries))

    def configs(self, labels: Labels | None = None) -> tuple[Listed, ...]:
        entries = self._ask("configs", lambda: self._client.configs(filters=_filters(labels)))
        return tuple(map(parsing.listed_object, entries))

    # containers

    def container(self, container: str) -> ContainerState | None:
        entry = self._found(f"container {container}", lambda: self._client.inspect_container(container))
        return parsing.container_state(entry) if entry else None

    def health(self, stack: str) -> tuple[ContainerState, ...]:
        states = (self.container(container.id) for container in self.containers({STACK: stack}))
        return tuple(state for state in states if state)

    def exec(
        self,
        container: str,
        command: Sequence[str] | str,
        *,
        user: str | None = None,
        stdin: str | None = None,
        timeout: Seconds | None = None,
    ) -> Completed:
        line = argv.execute(container, command, user=user, attach=stdin is not None)
        return self._runner(line, stdin=stdin, env=self._environment, timeout=timeout)

    def logs(self, service: str) -> str:
        if not self._node.private:
            return self._both(argv.service_logs(service))
        # all containers are here, and `docker service logs` now and then never ends (docker/cli issue 4678)
        containers = sorted(self.containers({SERVICE: service}), key=lambda container: container.created)
        kept = Kept(OUTPUT_LIMIT)
        for container in containers:
            kept.add(self.container_logs(container.id).encode(errors="replace"))
        return kept.text()

    def container_logs(self, container: str) -> str:
        return self._both(argv.container_logs(container))

    # verbs

    def create_network(self, name: str, *, labels: Labels) -> str:
        return self._tell(argv.create_network(name, labels))

    def create_secret(self, name: str, *, value: str, labels: Labels) -> str:
        return self._tell(argv.create_secret(name, labels), stdin=value)

    def label_secret(self, name: str, *, labels: Labels) -> None:
        """The engine lets a secret's labels be changed; docker's client has no word for it."""
        secret = self._ask(f"secret {name}", lambda: self._client.inspect_secret(name))
        spec = {**secret["Spec"], "Labels": {**(secret["Spec"].get("Labels") or {}), **labels}}
        self._ask(f"secret {name}", lambda: self._update_secret(secret, spec))

    def _update_secret(self, secret: Any, spec: Any) -> None:
        client = self._client
        url = client._url("/secrets/{0}/update", secret["ID"])  # noqa: SLF001 - docker-py lacks this call
        answer = client._post_json(url, data=spec, params={"version": secret["Version"]["Index"]})  # noqa: SLF001
        client._raise_for_status(answer)  # noqa: SLF001

    def create_config(self, name: str, *, content: bytes, labels: Labels) -> str:
        return self._tell(argv.create_config(name, labels), stdin=content.decode())

    def create_volume(self, name: str, *, labels: Labels) -> str:
        return self._tell(argv.create_volume(name, labels))

    def connect_network(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        self._tell(argv.connect_network(network, container, aliases=aliases))

    def disconnect_network(self, network: str, container: str) -> None:
        self._tell_gone(argv.disconnect_network(network, container))

    def remove_network(self, network: str) -> None:
        self._tell_gone(argv.remove("network", network))

    def remove_secret(self, secret: str) -> None:
        self._tell_gone(argv.remove("secret", secret))

    def remove_config(self, config: str) -> None:
        self._tell_gone(argv.remove("config", config))

    def remove_volume(self, volume: str) -> None:
        self._tell_gone(argv.remove("volume", volume))

    def kill_container(self, container: str) -> None:
        self._tell_gone(argv.kill(container))

    def stop_container(self, container: str, *, grace: Seconds) -> None:
        self._tell_gone(argv.stop(container, grace=grace), timeout=LONGEST_CALL + grace)

    def remove_container(self, container: str) -> None:
        self._tell_gone(argv.remove("container", container))

    def remove_service(self, service: str) -> None:
        self._tell_gone(argv.remove("service", service))

    @staticmethod
    def _found(what: str, call: Callable[[], Any]) -> Any:
        """What one object is, None if it is not there."""
        try:
            with spoken(what):
                return call()
        except InfrastructureError as error:
            if isinstance(error.__cause__, ImageNotFound | NotFound):
                return None
            raise

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        with spoken(f"node {self._node.name}: {what}"):
            return call()

    def _tell(self, line: Sequence[str], *, stdin: str | None = None) -> str:
        completed = self._runner(line, stdin=stdin, env=self._environment, timeout=LONGEST_CALL)
        return check(completed, what=" ".join(line[:3])).stdout.strip()

    def _tell_gone(self, line: Sequence[str], *, timeout: Seconds = LONGEST_CALL) -> None:
        """Say it of something that may be gone already."""
        completed = self._runner(line, env=self._environment, timeout=timeout)
        if not (completed.ok or any(word in completed.stderr.lower() for word in GONE)):
            check(completed, what=f"{' '.join(line[:3])} {line[-1]}")

    def _both(self, line: Sequence[str]) -> str:
        completed = self._runner(line, env=self._environment, timeout=LONGEST_CALL)
        return completed.stdout + completed.stderr
