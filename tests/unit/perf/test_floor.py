"""What Swarm is asked to do with services that do nothing."""

import json
from collections.abc import Sequence

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import STACK
from cc_ci.engine.state import Container, Listed
from cc_ci.perf.measuring.floor import IMAGE, STACK_NAME, compose, removed
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed


def test_idle_services_end_when_told_and_are_not_watched() -> None:
    services = json.loads(compose(3, "one"))["services"]
    assert sorted(services) == ["idle0", "idle1", "idle2"]
    assert "trap exit TERM" in services["idle0"]["command"][-1]
    assert services["idle0"]["deploy"]["update_config"] == {"monitor": "1ms"}
    assert json.loads(compose(1, "two")) != json.loads(compose(1, "one"))


class Swarm(FakeEngine):
    """Two idle services; a container of a removed service stays until somebody stops it."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.stopped: list[str] = []
        for number in range(2):
            labels = {STACK: STACK_NAME}
            service = Listed(
                id=f"s{number}", name=f"{STACK_NAME}_idle{number}", labels=labels, created=self.now()
            )
            container = Container(
                id=f"c{number}",
                name=f"idle.{number}",
                labels=labels,
                created=self.now(),
                state="running",
                image=IMAGE,
                image_id="i1",
            )
            self.has("service", service)
            self.has("container", container)

    def runner(self, argv: Sequence[str], **_options: object) -> Completed:
        assert argv[:2] == ["docker", "stop"]
        assert not self.services(), "a service that is there would start another one"
        self.stopped.append(argv[2])
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="")


def test_a_removal_is_each_containers_own_stop_and_none_of_swarms_sleeps() -> None:
    swarm = Swarm()
    assert removed(swarm, swarm.runner, swarm.clock) == 0.0
    assert sorted(swarm.stopped) == ["c0", "c1"]
    assert swarm.containers() == ()
    assert swarm.clock.slept == [], "nothing is waited for but the stops"
