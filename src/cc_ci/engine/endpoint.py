"""Where an engine is reached: at an address, or where a docker context says."""

import json
from collections.abc import Mapping
from typing import Any

from docker.tls import TLSConfig

from cc_ci.engine.node import Node
from cc_ci.system.process import Runner, check


def endpoint(node: Node, runner: Runner) -> tuple[str, Any]:
    """The address, and docker-py's `tls` for it; `docker_host` is an address or the name of a context."""
    if "://" in node.docker_host:
        return node.docker_host, False
    asked = check(runner(["docker", "context", "inspect", node.docker_host]), what="docker context inspect")
    context = json.loads(asked.stdout)[0]
    folder = context.get("Storage", {}).get("TLSPath", "")
    names = context.get("TLSMaterial", {}).get("docker") or []
    tls = _tls({name: f"{folder}/docker/{name}" for name in names})
    return str(context["Endpoints"]["docker"]["Host"]), tls


def _tls(files: Mapping[str, str]) -> Any:
    if not files:
        return False
    pair = (files["cert.pem"], files["key.pem"]) if "cert.pem" in files else None
    return TLSConfig(client_cert=pair, ca_cert=files.get("ca.pem"), verify="ca.pem" in files)
