from cc_ci.probes.stopping import REMEDY, ContainerEvent, Stop, Stopping, stop_checks, stops
from cc_ci.system.units import EpochSeconds


def kill(signal: int, *, at: float, container: str = "c1") -> ContainerEvent:
    return ContainerEvent(
        container=container, service="app", action="kill", at=EpochSeconds(at), signal=signal
    )


def die(code: int, *, at: float, container: str = "c1") -> ContainerEvent:
    return ContainerEvent(
        container=container, service="app", action="die", at=EpochSeconds(at), exit_code=code
    )


DATABASE = Stopping(place="compose.yml:7: ")
STATELESS = Stopping(place="compose.yml:7: ", keeps_data=False)


def judged(
    *events: ContainerEvent, service: Stopping = DATABASE, warnings: list[str] | None = None
) -> tuple[str, str | None]:
    warned: list[str] = [] if warnings is None else warnings
    (check,) = stop_checks(stops(events), services={"app": service}, warn=warned.append)
    assert check.id == "generic: graceful stop of app"
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


KILLED = (kill(15, at=100), kill(9, at=110), die(137, at=110.1))


def test_an_app_that_has_to_be_killed_fails_where_it_keeps_data_with_place_and_remedy() -> None:
    outcome, reason = judged(*KILLED)
    assert outcome == "failed"
    what = "services.app.stop_grace_period: still there 10 s after SIGTERM, so it was killed"
    assert reason == f"compose.yml:7: {what}; {REMEDY}"
    assert "`init: true`" in REMEDY
    assert "trap" in REMEDY


def test_an_app_that_keeps_no_data_is_warned_of_with_the_same_and_passes() -> None:
    warned: list[str] = []
    outcome, reason = judged(*KILLED, service=STATELESS, warnings=warned)
    assert outcome == "passed"
    assert warned == [reason] == [judged(*KILLED)[1]]
    judged(kill(15, at=100), die(139, at=101), service=STATELESS, warnings=warned)
    assert len(warned) == 2


def test_a_sound_stop_warns_of_nothing_and_an_odd_signal_has_its_number() -> None:
    warned: list[str] = []
    judged(kill(15, at=100), die(1, at=101), service=STATELESS, warnings=warned)
    assert warned == []
    assert "after signal 99" in (judged(kill(99, at=100), kill(9, at=110), die(137, at=110))[1] or "")


def test_an_app_that_crashes_or_runs_out_of_memory_meanwhile_fails() -> None:
    assert judged(kill(15, at=100), die(139, at=101)) == (
        "failed",
        "compose.yml:7: services.app: crashed while it stopped (SIGSEGV)",
    )
    assert judged(kill(15, at=100), die(137, at=101))[0] == "failed"


def test_one_bad_replica_of_two_fails() -> None:
    events = [kill(15, at=1), kill(15, at=1, container="c2"), die(0, at=2), die(139, at=2, container="c2")]
    assert judged(*events)[0] == "failed"


def test_a_removal_by_force_says_nothing() -> None:
    assert judged(kill(9, at=100), die(137, at=100)) == ("unverified", "it was removed by force")
    assert judged() == ("unverified", "no container of it was seen to stop")
