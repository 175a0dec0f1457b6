from typing import Any

import pytest

from cc_ci.engine import parsing
from cc_ci.engine.labels import SERVICE, STACK

AT = "2026-01-02T03:04:05.123456789Z"


def service(**over: Any) -> dict[str, Any]:
    spec = {
        "Name": "s_app",
        "Labels": {STACK: "s"},
        "Mode": {"Replicated": {"Replicas": 1}},
        "TaskTemplate": {
            "Runtime": "container",
            "Placement": {"Platforms": []},
            "ContainerSpec": {
                "Image": "nginx:1@sha256:aa",
                "StopGracePeriod": 20_000_000_000,
                "Healthcheck": {
                    "Test": ["CMD", "x"],
                    "Interval": 1_000_000_000,
                    "StartPeriod": 60_000_000_000,
                },
            },
            "RestartPolicy": {"Condition": "on-failure"},
        },
    }
    return {"ID": "svc", "Spec": spec, "CreatedAt": AT, "UpdatedAt": AT, **over}


def task(
    image: str = "nginx:1@sha256:aa", *, state: str = "running", desired: str = "running"
) -> dict[str, Any]:
    template = service()["Spec"]["TaskTemplate"]
    container = {**template["ContainerSpec"], "Image": image}
    return {
        "ID": f"{image}{state}",
        "ServiceID": "svc",
        "Spec": {"ContainerSpec": container, "RestartPolicy": template["RestartPolicy"]},
        "CreatedAt": AT,
        "DesiredState": desired,
        "Status": {"Timestamp": AT, "State": state, "ContainerStatus": {"ContainerID": "c", "ExitCode": 0}},
    }


def test_stamps_keep_their_fraction_and_go_zero_time_is_none() -> None:
    assert parsing.epoch("1970-01-01T00:00:01.5Z") == 1.5
    assert parsing.epoch("1970-01-01T02:00:00+02:00") == 0
    assert parsing.epoch(AT) == pytest.approx(1767323045.123456789)
    assert parsing.epoch("0001-01-01T00:00:00Z") is None
    assert parsing.epoch("") is None


def test_a_service_is_read_with_its_digest_health_check_and_grace() -> None:
    read = parsing.snapshot("s", [service()], [task()]).service("app")
    assert read is not None
    assert (read.image, read.digest, read.running, read.desired) == ("nginx:1", "sha256:aa", 1, 1)
    assert (read.stop_grace_period, read.restart) == (20, "on-failure")
    assert read.health_check is not None
    assert read.health_check.patience == 60 + (1 + 30) * 3


def test_a_task_of_an_older_spec_is_outdated_and_does_not_run_for_the_service() -> None:
    read = parsing.snapshot("s", [service()], [task("nginx:0")])
    assert (read.services[0].running, read.services[0].outdated) == (0, 1)
    assert not read.tasks[0].current


def test_a_task_that_is_to_stop_counts_for_nothing() -> None:
    read = parsing.snapshot("s", [service()], [task(desired="shutdown")]).services[0]
    assert (read.running, read.outdated) == (0, 0)


def test_a_job_counts_what_it_completed() -> None:
    job = service()
    job["Spec"]["Mode"] = {"ReplicatedJob": {"TotalCompletions": 1}}
    read = parsing.snapshot("s", [job], [task(state="complete", desired="complete")]).services[0]
    assert (read.mode, read.running, read.desired) == ("replicated-job", 1, 1)


def test_a_disabled_health_check_is_none() -> None:
    off = service()
    off["Spec"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {"Test": ["NONE"]}
    assert parsing.snapshot("s", [off], []).services[0].health_check is None


def test_an_update_is_read_and_an_empty_one_is_none() -> None:
    status = {"State": "paused", "Message": "why", "StartedAt": AT}
    updated = parsing.snapshot("s", [service(UpdateStatus=status)], []).services[0].update
    assert updated is not None
    assert (updated.state, updated.message, updated.completed) == ("paused", "why", None)
    assert parsing.snapshot("s", [service(UpdateStatus={})], []).services[0].update is None


def test_an_events_detail_is_apart_from_its_action() -> None:
    event = parsing.event(
        {
            "Type": "container",
            "Action": "health_status: healthy",
            "timeNano": 1_500_000_000,
            "Actor": {"ID": "c", "Attributes": {STACK: "s", "exitCode": "137"}},
        }
    )
    assert (event.action, event.detail, event.at) == ("health_status", "healthy", 1.5)
    assert (event.stack, event.exit_code) == ("s", 137)


INFO = {
    "ServerVersion": "28.5.2",
    "KernelVersion": "6.1",
    "OperatingSystem": "Debian",
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
    "NCPU": 2,
    "MemTotal": 1 << 33,
}
VERSION = {"Components": [{"Name": "Engine", "Version": "28.5.2"}, {"Name": "runc", "Version": "1.3.6"}]}


def test_an_engine_is_told_by_its_parts() -> None:
    facts = parsing.facts(INFO, VERSION, "1.51")
    assert (facts.version, facts.containerd, facts.runc, facts.cgroup_version) == (
        "28.5.2",
        None,
        "1.3.6",
        "1",
    )
    assert facts.image_store == "overlay2"
    silent = parsing.facts({**INFO, "DriverStatus": None, "CgroupVersion": "2"}, {"Components": None}, "1.51")
    assert (silent.runc, silent.cgroup_version, silent.image_store) == (None, "2", "overlay2")


def test_containerds_own_image_store_is_not_taken_for_a_graph_driver() -> None:
    status = [["driver-type", "io.containerd.snapshotter.v1"]]
    kept = parsing.facts({**INFO, "Driver": "overlayfs", "DriverStatus": status}, VERSION, "1.51")
    assert kept.image_store == "containerd overlayfs"


@pytest.mark.parametrize(
    ("check", "shell", "words"),
    [
        ({"Test": ["CMD", "look", "-q"]}, None, ("look", "-q")),
        ({"Test": ["CMD-SHELL", "look || exit 1"]}, None, ("/bin/sh", "-c", "look || exit 1")),
        ({"Test": ["CMD-SHELL", "look"]}, ["/bin/bash", "-c"], ("/bin/bash", "-c", "look")),
    ],
)
def test_a_containers_health_check_is_one_program_to_run(
    check: dict[str, Any], shell: list[str] | None, words: tuple[str, ...]
) -> None:
    config = {"Healthcheck": {**check, "Retries": 4}, "Shell": shell, "Labels": {SERVICE: "s_app"}}
    state = {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}}
    read = parsing.container_state({"Id": "c", "State": state, "Config": config})
    assert read.service == "s_app"
    assert read.health_check is not None
    assert (read.health_check.test, read.health_check.retries) == (words, 4)


@pytest.mark.parametrize("check", [None, {"Test": ["NONE"]}, {}])
def test_a_container_without_a_check_has_none(check: dict[str, Any] | None) -> None:
    config = {"Healthcheck": check}
    read = parsing.container_state({"Id": "c", "State": {"Status": "running"}, "Config": config})
    assert read.health_check is None


def test_an_image_tells_the_start_period_of_its_own_check() -> None:
    config = {"Healthcheck": {"Test": ["CMD", "true"], "StartPeriod": 90 * 10**9}}
    assert parsing.image({"Id": "i", "Config": config}, ()).start_period == 90.0
    assert parsing.image({"Id": "i"}, ()).start_period == 0.0
