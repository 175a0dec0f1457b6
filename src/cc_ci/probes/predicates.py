"""Three kinds of signs: an answer through the proxy, one of a container itself, a command in one."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.probes.answers import Answer, Requester
from cc_ci.probes.expectation import Expectation, Expected
from cc_ci.probes.ready import LOOK_TIMEOUT, Sight
from cc_ci.system.process import Completed
from cc_ci.system.units import Seconds

CANNOT_RUN = (126, 127)
NOT_THERE = ("not found", "no such file")
"""What runc says of a program that is not there; 126 alone may be a container that just stopped."""

Locate = Callable[[str], str | None]
"""The id of a service's running container, by the service's name in the recipe."""


class Straight(Protocol):
    """Ask a container something in plain http, past the proxy; see `containers.straight`."""

    def __call__(self, container: str, *, port: int, path: str, timeout: Seconds) -> Answer: ...


class Execute(Protocol):
    """Run a program in a container."""

    def __call__(self, container: str, command: Sequence[str], *, timeout: Seconds) -> Completed: ...


class ThroughProxy(msgspec.Struct, frozen=True, kw_only=True):
    """The app's users see the expected answer. `explain` tells what in the recipe keeps the proxy from it."""

    name: str
    expectation: Expected
    domain: str
    requester: Requester
    explain: Callable[[Answer], str | None] = lambda _answer: None

    @property
    def waits_for(self) -> str:
        return f"{self.expectation.path} through the proxy"

    def look(self) -> Sight:
        answer, unmet = self.expectation.asked(self.requester, domain=self.domain, timeout=LOOK_TIMEOUT)
        if unmet and (cause := self.explain(answer)):
            unmet = f"{unmet}; {cause}"
        no_proxy = answer.problem is not None and answer.problem.kind == "unreachable"
        return Sight(unmet=unmet, answer=answer, no_proxy=no_proxy)


class AtContainer(msgspec.Struct, frozen=True, kw_only=True):
    """A service's container gives the expected answer at a port of its own."""

    name: str
    service: str
    port: int
    expectation: Expectation
    locate: Locate
    ask: Straight

    @property
    def waits_for(self) -> str:
        return f"{self.expectation.path} at port {self.port} of service {self.service}"

    def look(self) -> Sight:
        container = self.locate(self.service)
        if container is None:
            return _no_container(self.service)
        answer = self.ask(container, port=self.port, path=self.expectation.path, timeout=LOOK_TIMEOUT)
        return Sight(unmet=self.expectation.unmet_by_app(answer), answer=answer)


class InContainer(msgspec.Struct, frozen=True, kw_only=True):
    """A command exits 0 in a service's container, as the user that its image names."""

    name: str
    service: str
    run: tuple[str, ...]
    locate: Locate
    execute: Execute

    @property
    def waits_for(self) -> str:
        return f"{self.run[0]} in service {self.service}"

    def look(self) -> Sight:
        container = self.locate(self.service)
        if container is None:
            return _no_container(self.service)
        try:
            completed = self.execute(container, self.run, timeout=LOOK_TIMEOUT)
        except CommandFailed as error:
            return Sight(unmet=str(error))
        return Sight(unmet=None if completed.ok else self._unmet(completed))

    def _unmet(self, completed: Completed) -> str:
        said = (completed.stderr.strip() or completed.stdout.strip() or "no output").splitlines()[-1]
        if completed.returncode in CANNOT_RUN and any(word in said.lower() for word in NOT_THERE):
            message = (
                f"readiness {self.name}: {self.run[0]} is not in the container of service {self.service}"
            )
            raise InfrastructureError(f"{message} ({said}); name a command that its image has")
        return f"{self.run[0]}: exit {completed.returncode}: {said}"


def _no_container(service: str) -> Sight:
    return Sight(unmet=f"service {service} has no running container")
