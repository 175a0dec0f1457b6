from cc_ci.probes.stopping import ContainerEvent, Stop, stop_checks, stops
from cc_ci.system.units import EpochSeconds


def kill(signal: int, *, at: float, container: str = "c1") -> ContainerEvent:
    return ContainerEvent(
        container=container, service="app", action="kill", at=EpochSeconds(at), signal=signal
    )


def die(code: int, *, at: float, container: str = "c1") -> ContainerEvent:
    return ContainerEvent(
        container=container, service="app", action="die", at=EpochSeconds(at), exit_code=code
    )


def judged(*events: ContainerEvent, grace: float = 10.0) -> tuple[str, str | None]:
    (check,) = stop_checks(stops(events), services=["app"], grace={"app": grace})
    assert check.name == "generic: graceful stop of app"
    return check.outcome, check.reason


def test_a_stop_is_read_from_kill_and_die_of_one_container() -> None:
    other = ContainerEvent(container="c1", service="app", action="exec_die", at=EpochSeconds(101))
    assert stops([kill(15, at=100), other, kill(15, at=100, container="c2"), die(0, at=102)]) == (
        Stop(
            service="app", exit_code=0, signals=(15,), asked_at=EpochSeconds(100), died_at=EpochSeconds(102)
        ),
    )


def test_an_app_that_ends_when_told_passes() -> None:
    assert judged(kill(15, at=100), die(0, at=100.4)) == ("passed", None)
    assert judged(kill(15, at=100), die(143, at=100.4)) == ("passed", None)
    assert judged(kill(3, at=100), die(131, at=100.4)) == ("passed", None)


def test_an_odd_exit_code_is_told_and_passes() -> None:
    assert judged(kill(15, at=100), die(1, at=101)) == ("passed", "stopped in 1.0 s, with exit code 1")


def test_an_app_that_has_to_be_killed_fails() -> None:
    outcome, reason = judged(kill(15, at=100), kill(9, at=110), die(137, at=110.1))
    assert outcome == "failed"
    assert reason == "services.app.stop_grace_period: still there 10 s after signal 15, so it was killed"


def test_an_app_that_crashes_or_runs_out_of_memory_meanwhile_fails() -> None:
    assert judged(kill(15, at=100), die(139, at=101)) == (
        "failed",
        "services.app: crashed while it stopped (SIGSEGV)",
    )
    assert judged(kill(15, at=100), die(137, at=101))[0] == "failed"


def test_one_bad_replica_of_two_fails() -> None:
    events = [kill(15, at=1), kill(15, at=1, container="c2"), die(0, at=2), die(139, at=2, container="c2")]
    assert judged(*events)[0] == "failed"


def test_a_removal_by_force_says_nothing() -> None:
    assert judged(kill(9, at=100), die(137, at=100)) == ("unverified", "it was removed by force")
    assert judged() == ("unverified", "no container of it was seen to stop")
