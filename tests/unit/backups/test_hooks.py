from collections.abc import Mapping, Sequence

import pytest

from cc_ci.backups.hooks import Hook, hook_argv, run_hooks
from cc_ci.engine.state import Container
from cc_ci.errors import StageFailed
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed
from cc_ci.system.units import EpochSeconds

HOOK = Hook(service="db", when="backup.pre-hook", command="/dump.sh", where="compose.yml:31: services.db")


def container(identity: str, *, state: str = "running", created: float = 1.0) -> Container:
    return Container(
        id=identity,
        name=identity,
        labels={"com.docker.swarm.service.name": "web_db"},
        created=EpochSeconds(created),
        state=state,
        image="x",
        image_id="x",
    )


class Containers:
    """Containers that a program can be run in; each run takes two seconds."""

    def __init__(self, *there: Container, returncode: int = 0, clock: ManualClock) -> None:
        self.there = there
        self.returncode = returncode
        self.clock = clock
        self.ran: list[tuple[str, tuple[str, ...]]] = []

    def containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        return tuple(found for found in self.there if labels.items() <= found.labels.items())

    def exec(self, container: str, command: Sequence[str]) -> Completed:
        self.ran.append((container, tuple(command)))
        self.clock.advance(2)
        return Completed(
            argv=tuple(command), returncode=self.returncode, stdout="dumped\n", stderr="\nno room\n"
        )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_a_hook_runs_in_the_newest_running_container(clock: ManualClock) -> None:
    engine = Containers(
        container("old", created=1),
        container("new", created=2),
        container("gone", state="exited", created=3),
        clock=clock,
    )
    (ran,) = run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic)
    assert engine.ran == [("new", hook_argv("/dump.sh"))]
    assert (ran.seconds, ran.hook) == (2, HOOK)


def test_a_hook_that_fails_is_the_recipes_fault_and_named_by_file_and_key(clock: ManualClock) -> None:
    engine = Containers(container("c1"), returncode=3, clock=clock)
    with pytest.raises(StageFailed) as caught:
        run_hooks(engine, [HOOK, HOOK], stack="web", monotonic=clock.monotonic)
    assert str(caught.value) == "compose.yml:31: services.db: backup.pre-hook exit 3: no room"
    assert len(engine.ran) == 1


def test_a_service_that_does_not_run_can_have_no_hook(clock: ManualClock) -> None:
    engine = Containers(container("c1", state="exited"), clock=clock)
    with pytest.raises(StageFailed, match="service db has no running container to run it in"):
        run_hooks(engine, [HOOK], stack="web", monotonic=clock.monotonic)
