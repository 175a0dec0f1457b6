"""What a stand-in image keeps of its upstream's contract: contract.toml, held against the image."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.lab.workshop import Builder
from cc_ci.system.process import Completed, check
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until

TAG = "{tag}"


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The image's configuration as upstream has it; the environment may hold more."""

    user: str
    working_dir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    stop_signal: str
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    environment: dict[str, str]


class CheckContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command, or a script for sh, in a container of its own; patterns see both streams, line by line."""

    what: str
    run: tuple[str, ...] = ()
    shell: str = ""
    prints: str
    never_prints: str | None = None


class ServiceContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The image started as it is: what `fetch` prints inside it, and how it ends when told to stop."""

    what: str
    environment: dict[str, str] = {}
    timeout: Seconds = 10.0
    fetch: tuple[str, ...]
    prints: str
    exit_code: int


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    not_kept: tuple[str, ...]
    image: Configuration
    checks: tuple[CheckContract, ...]
    service: ServiceContract | None = None


def read_contract(folder: Path, *, tag: str) -> Contract:
    """Read contract.toml for one version. Raises InfrastructureError for one that can't be read."""
    path = folder / "contract.toml"
    try:
        return msgspec.toml.decode(path.read_text().replace(TAG, tag), type=Contract)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise InfrastructureError(f"{path}: {error}") from error


def broken_configuration(kept: Configuration, inspected: Mapping[str, Any]) -> tuple[str, ...]:
    """Compare with what `docker image inspect` says under Config; one line for each difference."""
    environment = dict(pair.split("=", 1) for pair in inspected.get("Env") or ())
    seen = Configuration(
        user=inspected.get("User") or "",
        working_dir=inspected.get("WorkingDir") or "",
        entrypoint=tuple(inspected.get("Entrypoint") or ()),
        cmd=tuple(inspected.get("Cmd") or ()),
        stop_signal=inspected.get("StopSignal") or "",
        ports=tuple(sorted(inspected.get("ExposedPorts") or ())),
        volumes=tuple(sorted(inspected.get("Volumes") or ())),
        environment={name: value for name, value in environment.items() if name in kept.environment},
    )
    wanted, found = msgspec.structs.asdict(kept), msgspec.structs.asdict(seen)
    return tuple(f"{key}: {found[key]!r}, not {wanted[key]!r}" for key in wanted if wanted[key] != found[key])


def inspect(reference: str, *, builder: Builder) -> dict[str, Any]:
    said = check(builder.docker("image", "inspect", "--format={{json .Config}}", reference)).stdout
    configuration: dict[str, Any] = json.loads(said)
    return configuration


def broken_check(clause: CheckContract, reference: str, *, builder: Builder) -> str | None:
    """Run one clause; None if it holds, else what was seen."""
    command = clause.run or ("sh", "-c", clause.shell)
    ended = builder.docker("run", "--rm", "--network=none", "--entrypoint=", reference, *command)
    said = _said(ended)
    if not re.search(clause.prints, said, re.MULTILINE):
        return f"{clause.what}: exit {ended.returncode}, printed {said!r}"
    if clause.never_prints and re.search(clause.never_prints, said, re.MULTILINE):
        return f"{clause.what}: printed {clause.never_prints!r}"
    return None


def broken_service(service: ServiceContract, reference: str, *, builder: Builder) -> str | None:
    """Start the image as it is, ask it, stop it; None if all is as declared, else what was seen."""
    given = [f"--env={name}={value}" for name, value in service.environment.items()]
    started = check(builder.docker("run", "--detach", "--network=none", *given, reference))
    container = started.stdout.strip()
    try:
        wait_until(
            lambda: builder.docker("exec", container, *service.fetch),
            name=service.what,
            ready=lambda asked: bool(re.search(service.prints, asked.stdout)),
            describe=_said,
            timeout=service.timeout,
            clock=builder.clock,
        )
        check(builder.docker("stop", "-t", "10", container))
        ended = check(builder.docker("container", "inspect", "--format={{.State.ExitCode}}", container))
    finally:
        builder.docker("rm", "--force", "--volumes", container)
    code = int(ended.stdout)
    return None if code == service.exit_code else f"{service.what}: exit code {code}, not {service.exit_code}"


def _said(ended: Completed) -> str:
    return f"{ended.stdout}{ended.stderr}"
