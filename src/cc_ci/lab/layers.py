"""One layer on top of a parent image: Debian packages, and what the definition's fetch.sh brings.

The parent's file system is the lower part of an overlay, and what is written on top becomes the layer. So
images of one parent share all of its layers. The container build itself then needs no network.
"""

import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cc_ci.lab import base
from cc_ci.lab.images import StandIn
from cc_ci.lab.workshop import Builder
from cc_ci.system.environment import PROXIES, own
from cc_ci.system.process import Completed, check

FETCH = "fetch.sh"
IN_CHROOT = "stand-in"
"""Folder in which fetch.sh sees its definition."""

INSIDE = """\
set -e
lower=$1 upper=$2 scratch=$3 folder=$4
shift 4
mkdir -p "$upper" "$upper.work" "$upper.root"
mount -t overlay layer -o "lowerdir=$lower,upperdir=$upper,workdir=$upper.work" "$upper.root"
cd "$upper.root"
mkdir -p stand-in
mount --bind "$folder" stand-in
mount --bind "$scratch" tmp
mount --rbind /dev dev
mount -t proc proc proc
exec chroot . "$@"
"""
"""Runs in a mount and a process namespace of its own, with which all mounts go, whatever happens."""

SETTINGS = {
    ".npmrc": (Path("~/.npmrc"), Path("/etc/npmrc")),
    ".config/pip/pip.conf": (Path("~/.config/pip/pip.conf"), Path("/etc/pip.conf")),
    ".m2/settings.xml": (Path("~/.m2/settings.xml"),),
    "authorities.pem": (Path("/etc/ssl/certs/ca-certificates.crt"),),
    "authorities.jks": (Path("/etc/ssl/certs/java/cacerts"),),
}
"""This machine's settings of package clients, by their place in fetch.sh's home; the first that is there."""

HOME = "/tmp/home"  # noqa: S108 - the chroot's own, and no part of the layer
TRUST = (
    "PIP_CERT",
    "NPM_CONFIG_CAFILE",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
SLIMMED = ("usr/share/doc", "usr/share/doc-base", "usr/share/lintian")
"""What packages bring along that nothing in a container reads."""
PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "NPM_CONFIG_REGISTRY")


class LayerBuild:
    """The making of one image's layer in `work`: each step writes to the upper part of an overlay."""

    def __init__(self, image: StandIn, *, work: Path, builder: Builder) -> None:
        self._image = image
        self._work = work
        self._builder = builder
        self._scratch = work / "scratch"

    def make(self, *, into: Path) -> str:
        """Write the layer to the archive `into`; return what is inside, for people."""
        image = self._image
        self._unpack_parent()
        _settle(self._scratch)
        contents = [self._install(image.packages, upper="layer")] if image.packages else []
        if image.build_packages:
            self._install(image.build_packages, upper="tools")
        if (image.folder / FETCH).exists():
            contents.append(self._fetch())
        for name in SLIMMED:
            shutil.rmtree(self._work / "layer" / name, ignore_errors=True)
        for whiteout in list(_whiteouts(self._work / "layer")):
            whiteout.unlink()
        base.arrange(image, self._work / "layer", runner=self._builder.runner)
        base.archive(self._work / "layer", into=into, runner=self._builder.runner, left_out=(IN_CHROOT,))
        return base.described(", ".join(contents) or image.summary, image)

    def _unpack_parent(self) -> None:
        builder, parent = self._builder, self._image.parent
        assert parent is not None  # noqa: S101 - only an image with a parent has a layer
        builder.say(f"{self._image.short}: unpacking {parent.short}")
        archive = self._work / "parent.tar"
        made = check(builder.docker("create", parent.short, "true")).stdout.strip()
        try:
            check(builder.docker("export", "--output", str(archive), made))
        finally:
            builder.docker("rm", "--force", "--volumes", made)
        for name in ("parent", "layer", "tools"):
            (self._work / name).mkdir()
        check(
            builder.runner(["tar", "--extract", f"--file={archive}", f"--directory={self._work / 'parent'}"])
        )
        archive.unlink()

    def _install(self, packages: Sequence[str], *, upper: str) -> str:
        image = self._image
        self._builder.say(f"{image.short}: installing {', '.join(packages)} from Debian {image.suite}")
        base.furnish(self._work / upper, suite=image.suite)
        lowers = ("parent",) if upper == "layer" else ("layer", "parent")
        for words in (("update",), ("-y", "--no-install-recommends", "install", *packages)):
            argv = ("apt-get", "-q", *words)
            self._inside(argv, upper=upper, lowers=lowers, env=base.unattended())
        query = ("dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *packages)
        shown = self._inside(query, upper=upper, lowers=lowers, env=base.UNATTENDED).stdout
        return ", ".join(shown.strip().split("\n"))

    def _fetch(self) -> str:
        """Tools are below the layer here: fetch.sh sees them, and nothing of them is written to it."""
        image = self._image
        self._builder.say(f"{image.short}: fetching {image.summary}")
        base.furnish(self._work / "layer", suite=image.suite)
        env = environment(image.name.tag, home=self._scratch / "home")
        self._inside((f"/{IN_CHROOT}/{FETCH}",), upper="layer", lowers=("tools", "parent"), env=env)
        return f"{image.short_name} {image.name.tag}"

    def _inside(
        self, argv: Sequence[str], *, upper: str, lowers: Sequence[str], env: Mapping[str, str]
    ) -> Completed:
        work = self._work
        places = (":".join(str(work / name) for name in lowers), str(work / upper), str(self._scratch))
        enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", INSIDE, "sh", *places]
        ended = self._builder.runner([*enter, str(self._image.folder), *argv], env=env)
        return check(ended, what=f"{self._image.short}: {Path(argv[0]).name}")


def _settle(scratch: Path) -> None:
    """Make the chroot's /tmp, with this machine's settings of package clients in a home."""
    home = scratch / "home"
    home.mkdir(parents=True)
    scratch.chmod(0o1777)
    for name, places in SETTINGS.items():
        found = next((place for place in (one.expanduser() for one in places) if place.is_file()), None)
        if found:
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, home / name)


def environment(version: str, *, home: Path) -> dict[str, str]:
    """What fetch.sh gets: the version, and how this machine's package clients reach their registries."""
    given = {**base.UNATTENDED, "HOME": HOME, "VERSION": version}
    given |= own(*PASSED_ON, *PROXIES)
    if (home / "authorities.pem").exists():
        given |= dict.fromkeys(TRUST, f"{HOME}/authorities.pem")
    if (home / "authorities.jks").exists():
        given["JAVA_TOOL_OPTIONS"] = f"-Djavax.net.ssl.trustStore={HOME}/authorities.jks"
    return given


def _whiteouts(folder: Path) -> Iterator[Path]:
    """What an overlay has in the place of a file that was removed; this layer only adds."""
    for path in folder.rglob("*"):
        found = path.lstat()
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            yield path
