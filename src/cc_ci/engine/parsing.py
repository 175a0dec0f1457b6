"""The engine's JSON, typed: the one place that knows its spelling."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cc_ci.engine import state
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.system.units import EpochSeconds, Seconds

Json = Mapping[str, Any]

STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
NANO = 1e9
YEAR_1 = "0001-01-01"


def epoch(stamp: str | None) -> EpochSeconds | None:
    """Seconds since 1970 of an RFC 3339 stamp with up to nine decimals; None for Go's zero time."""
    found = STAMP.fullmatch(stamp or "")
    if not found or found[0].startswith(YEAR_1):
        return None
    whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    return EpochSeconds(whole.timestamp() + float(found[2] or 0))


def stamp(epoch: EpochSeconds) -> str:
    """The beginning of an engine's stamp, to the second: in UTC, so that it sorts as text."""
    return datetime.fromtimestamp(epoch, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")


def known_epoch(stamp: str | None) -> EpochSeconds:
    return epoch(stamp) or EpochSeconds(0.0)


def seconds(nanoseconds: int | None) -> Seconds | None:
    return None if nanoseconds is None else nanoseconds / NANO


def facts(system: Json, version: Json, api: str) -> state.EngineFacts:
    """From what the engine answers at /info and at /version."""
    parts = {part["Name"]: part["Version"] for part in version.get("Components") or ()}
    return state.EngineFacts(
        version=system["ServerVersion"],
        api=api,
        kernel=system["KernelVersion"],
        operating_system=system["OperatingSystem"],
        containerd=parts.get("containerd"),
        runc=parts.get("runc"),
        image_store=_image_store(system),
        cgroup_version=system.get("CgroupVersion", "1"),
        cpus=system["NCPU"],
        memory_bytes=system["MemTotal"],
        swarm=system.get("Swarm", {}).get("LocalNodeState") == "active",
    )


def _image_store(system: Json) -> str:
    """Newer engines may leave layers to containerd, whose driver is then called as its snapshotter is."""
    status = {row[0]: row[1] for row in system.get("DriverStatus") or () if len(row) > 1}
    driver: str = system["Driver"]
    return f"containerd {driver}" if "snapshotter" in status.get("driver-type", "") else driver


def listed_network(network: Json) -> state.Listed:
    return _listed(network["Id"], network["Name"], network.get("Labels"), network.get("Created"))


def listed_volume(volume: Json) -> state.Listed:
    return _listed(volume["Name"], volume["Name"], volume.get("Labels"), volume.get("CreatedAt"))


def volume(entry: Json) -> state.EngineVolume:
    return state.EngineVolume(
        name=entry["Name"],
        driver=entry["Driver"],
        options=entry.get("Options") or {},
        mountpoint=entry["Mountpoint"],
    )


def listed_object(entry: Json) -> state.Listed:
    """A service, secret or config."""
    spec = entry["Spec"]
    return _listed(entry["ID"], spec["Name"], spec.get("Labels"), entry.get("CreatedAt"))


def _listed(id_: str, name: str, labels: Mapping[str, str] | None, created: str | None) -> state.Listed:
    return state.Listed(id=id_, name=name, labels=dict(labels or {}), created=known_epoch(created))


def listed_container(container: Json) -> state.Container:
    return state.Container(
        id=container["Id"],
        name=next(iter(container.get("Names") or [""])).lstrip("/"),
        labels=dict(container.get("Labels") or {}),
        created=EpochSeconds(float(container["Created"])),
        state=container["State"],
        image=container["Image"],
        image_id=container["ImageID"],
        volumes=tuple(
            mount["Name"] for mount in container.get("Mounts") or () if mount.get("Type") == "volume"
        ),
        networks=tuple((container.get("NetworkSettings") or {}).get("Networks") or ()),
    )


def container_state(container: Json) -> state.ContainerState:
    now, health = container["State"], container["State"].get("Health") or {}
    config = container.get("Config") or {}
    over = now["Status"] in ("exited", "dead")
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    return state.ContainerState(
        id=container["Id"],
        state=now["Status"],
        pid=now.get("Pid") or None,
        exit_code=now["ExitCode"] if over else None,
        oom_killed=bool(now.get("OOMKilled")),
        health=health.get("Status"),
        health_output=tuple(probe.get("Output", "").strip() for probe in health.get("Log") or ()),
        created=known_epoch(container.get("Created")),
        started=epoch(now.get("StartedAt")),
        finished=epoch(now.get("FinishedAt")),
        addresses={name: net["IPAddress"] for name, net in networks.items() if net.get("IPAddress")},
        health_failures=health.get("FailingStreak") or 0,
        service=(config.get("Labels") or {}).get(SERVICE),
        health_check=_health_check(config.get("Healthcheck"), shell=config.get("Shell")),
    )


def image(entry: Json, layers: Sequence[str]) -> state.Image:
    config = entry.get("Config") or {}
    return state.Image(
        id=entry["Id"],
        tags=tuple(entry.get("RepoTags") or ()),
        digests=tuple(entry.get("RepoDigests") or ()),
        diff_ids=tuple(layers),
        size_bytes=entry.get("Size", 0),
        volumes=tuple(sorted(config.get("Volumes") or ())),
        start_period=seconds((config.get("Healthcheck") or {}).get("StartPeriod")) or 0.0,
    )


def event(entry: Json) -> state.EngineEvent:
    action, _, detail = entry.get("Action", "").partition(": ")
    actor = entry.get("Actor") or {}
    return state.EngineEvent(
        kind=entry.get("Type", ""),
        action=action,
        detail=detail,
        id=actor.get("ID", ""),
        at=EpochSeconds(entry["timeNano"] / NANO),
        attributes=actor.get("Attributes") or {},
    )


def snapshot(stack: str, services: Sequence[Json], tasks: Sequence[Json]) -> state.StackSnapshot:
    """One stack from the lists of its services (with their status) and tasks, in any order."""
    by_id = {service["ID"]: service for service in services}
    states = tuple(_task(task, by_id[task["ServiceID"]]) for task in tasks if task.get("ServiceID") in by_id)
    return state.StackSnapshot(
        stack=stack, services=tuple(_service(service, states) for service in services), tasks=states
    )


def _short(service: Json) -> str:
    spec = service["Spec"]
    stack = (spec.get("Labels") or {}).get(STACK, "")
    return str(spec["Name"]).removeprefix(f"{stack}_")


def _task(task: Json, service: Json) -> state.TaskState:
    status = task.get("Status") or {}
    container = status.get("ContainerStatus") or {}
    return state.TaskState(
        id=task["ID"],
        service=_short(service),
        state=status.get("State", "new"),
        desired=task.get("DesiredState", ""),
        stamp=known_epoch(status.get("Timestamp")),
        created=known_epoch(task.get("CreatedAt")),
        image=task["Spec"].get("ContainerSpec", {}).get("Image", ""),
        current=_same_spec(task["Spec"], service["Spec"]["TaskTemplate"]),
        slot=task.get("Slot"),
        message=status.get("Message", ""),
        error=status.get("Err", ""),
        exit_code=container.get("ExitCode") if status.get("State") in state.LAST_STATES else None,
        container=container.get("ContainerID") or None,
    )


def _same_spec(task: Json, template: Json) -> bool:
    # swarmkit's IsTaskDirty: an update may leave a task where it is when its placement alone changed
    keys = (task.keys() | template.keys()) - {"Placement", "Runtime"}
    return all((task.get(key) or None) == (template.get(key) or None) for key in keys)


def _service(service: Json, tasks: Sequence[state.TaskState]) -> state.ServiceState:
    spec, name = service["Spec"], _short(service)
    template = spec["TaskTemplate"]
    container = template["ContainerSpec"]
    mode, desired = _mode(service)
    wanted = [task for task in tasks if task.service == name]
    reached = "complete" if mode.endswith("job") else "running"
    reference, _, digest = container["Image"].partition("@")
    return state.ServiceState(
        id=service["ID"],
        name=name,
        image=reference,
        digest=digest or None,
        mode=mode,
        desired=desired,
        running=sum(task.current and task.state == task.desired == reached for task in wanted),
        outdated=sum(not task.current and task.desired == "running" for task in wanted),
        update=_update(service.get("UpdateStatus")),
        labels=dict(spec.get("Labels") or {}),
        restart=(template.get("RestartPolicy") or {}).get("Condition", "any"),
        health_check=_health_check(container.get("Healthcheck")),
        monitor=seconds((spec.get("UpdateConfig") or {}).get("Monitor")),
        stop_grace_period=seconds(container.get("StopGracePeriod")) or 10.0,
        created=epoch(service.get("CreatedAt")),
        updated=epoch(service.get("UpdatedAt")),
    )


def _mode(service: Json) -> tuple[state.Mode, int]:
    mode = service["Spec"]["Mode"]
    counted = (service.get("ServiceStatus") or {}).get("DesiredTasks", 1)
    if "Replicated" in mode:
        return "replicated", mode["Replicated"].get("Replicas", 1)
    if "ReplicatedJob" in mode:
        return "replicated-job", mode["ReplicatedJob"].get("TotalCompletions", 1)
    return ("global-job" if "GlobalJob" in mode else "global"), counted


def _update(status: Json | None) -> state.UpdateStatus | None:
    if not status or not status.get("State"):
        return None
    return state.UpdateStatus(
        state=status["State"],
        message=status.get("Message", ""),
        started=epoch(status.get("StartedAt")),
        completed=epoch(status.get("CompletedAt")),
    )


def _health_check(check: Json | None, *, shell: Sequence[str] | None = None) -> state.HealthCheck | None:
    kind, *words = (check or {}).get("Test") or [""]
    if not check or kind == "NONE":
        return None
    in_shell = [*(shell or ("/bin/sh", "-c")), *words]
    return state.HealthCheck(
        interval=seconds(check.get("Interval")) or 30.0,
        timeout=seconds(check.get("Timeout")) or 30.0,
        retries=check.get("Retries") or 3,
        start_period=seconds(check.get("StartPeriod")) or 0.0,
        test=tuple(in_shell if kind == "CMD-SHELL" else words),
    )
