"""Volumes as folders of this machine: what would run in a sandbox runs here, with this machine's tools."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cc_ci.engine.node import Node
from cc_ci.engine.state import EngineVolume
from cc_ci.system.process import Completed, LocalRunner

NODE = Node(
    name="lab",
    kind="private",
    docker_host="unix:///lab/docker.sock",
    address="10.0.0.2",
    ci_domain="ci.test",
    ipvs=True,
    network_namespace=Path("/lab/net"),
    mount_namespace=Path("/lab/mnt"),
)


def plain(name: str) -> EngineVolume:
    return EngineVolume(name=name, driver="local", options={}, mountpoint=f"/engine/volumes/{name}/_data")


class HereReach:
    """Runs on this machine, and notes which volumes a call named and what it may do to them."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], str]] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        access: str,
        timeout: float,
        repository: bool = False,
        stdin: str | None = None,
        env: Mapping[str, str] = {},
    ) -> Completed:
        del repository
        self.asked.append((tuple(volumes), access))
        return LocalRunner()(argv, stdin=stdin, env=env, timeout=timeout)
