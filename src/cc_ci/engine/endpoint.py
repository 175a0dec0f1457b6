"""Where an engine is reached: at an address, or where a docker context says."""

import json
from collections.abc import Mapping
from typing import Any

from docker.tls import TLSConfig

from cc_ci.system.environment import own
from cc_ci.system.process import Runner, check_whole


def endpoint(docker_host: str, runner: Runner) -> tuple[str, Any]:
    """The address, and docker-py's `tls` for it; `docker_host` is an address or the name of a context."""
    if "://" in docker_host:
        return docker_host, False
    context = _context(docker_host, runner)
    folder = context.get("Storage", {}).get("TLSPath", "")
    names = context.get("TLSMaterial", {}).get("docker") or []
    return _address(context), _tls({name: f"{folder}/docker/{name}" for name in names})


def address(docker_host: str, runner: Runner) -> str:
    """The address alone, whether or not the files for its TLS can be read."""
    return docker_host if "://" in docker_host else _address(_context(docker_host, runner))


def _context(name: str, runner: Runner) -> Mapping[str, Any]:
    line = ["docker", "context", "inspect", name]
    asked = check_whole(runner(line, env=own("DOCKER_CONFIG")), what=f"docker context {name}")
    context: Mapping[str, Any] = json.loads(asked.stdout)[0]
    return context


def _address(context: Mapping[str, Any]) -> str:
    return str(context["Endpoints"]["docker"]["Host"])


def _tls(files: Mapping[str, str]) -> Any:
    if not files:
        return False
    pair = (files["cert.pem"], files["key.pem"]) if "cert.pem" in files else None
    return TLSConfig(client_cert=pair, ca_cert=files.get("ca.pem"), verify="ca.pem" in files)
