"""Root filesystems for stand-in images: a debootstrap base per suite, and Debian's packages on top.

All happens outside the container build, which then needs no network and learns no mirror's name.
"""

import platform
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from cc_ci.lab.images import StandIn
from cc_ci.system.environment import PROXIES, own
from cc_ci.system.files import state_root
from cc_ci.system.process import Completed, Runner, check

NEWEST_STAMP = 1_700_000_000
"""Files that are newer get this stamp, so that two builds of the same packages give the same archive."""

UNATTENDED = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}

IN_MEMORY = """\
bases=$1 mirror=$2
shift 2
make() {
  mount -t tmpfs -o size=1g cc-ci-base "$bases/$1.memory" &&
    debootstrap --variant=minbase "$1" "$bases/$1.memory" $mirror &&
    cp --archive "$bases/$1.memory" "$bases/$1.partial"
}
for suite; do
  make "$suite" &
  jobs="$jobs $!"
done
failed=0
for job in $jobs; do wait "$job" || failed=1; done
exit $failed
"""
"""dpkg flushes every file to disk, which takes longer than all the rest: so it works in memory first."""

LEFT_OUT = (
    "etc/apt/sources.list",
    "etc/hostname",
    "etc/resolv.conf",
    "tmp/*",
    "usr/sbin/policy-rc.d",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/apt/*",
    "var/cache/debconf/*",
    "var/cache/ldconfig/*",
    "var/lib/apt/lists/*",
    "var/lib/dpkg/*-old",
    "var/log/*",
)
"""Left out of images: what names this machine or its mirror, and what no container reads."""


def unattended() -> dict[str, str]:
    """For apt, which fetches by this machine's proxy where there is one."""
    return {**own(*PROXIES), **UNATTENDED}


def rootfs(image: StandIn, *, work: Path, into: Path, runner: Runner, say: Callable[[str], None]) -> str:
    """Write the image's root filesystem to the archive `into`; return what is inside, for people.

    Its suite's base system must be there: see `make_bases`.
    """
    system = _system(image, work=work, runner=runner)
    root = system if image.root == "system" else work / "root"
    contents = "a system without anything on top"
    if image.packages:
        say(f"{image.short}: installing {', '.join(image.packages)} from Debian {image.suite}")
        fill = _install if image.root == "system" else _unpack
        contents = fill(image, system=system, root=root, runner=runner)
    arrange(image, root, runner=runner)
    archive(root, into=into, runner=runner)
    return described(contents, image)


def described(contents: str, image: StandIn) -> str:
    """What is inside, with the system below it."""
    return f"{contents} (Debian {image.suite}, {platform.machine()})"


def make_bases(suites: Iterable[str], *, runner: Runner, say: Callable[[str], None]) -> None:
    """Make the base systems that are not there yet, side by side; they stay for later builds."""
    missing = sorted(suite for suite in set(suites) if not _base(suite).is_dir())
    if not missing:
        return
    say(f"making the base system of Debian {' and '.join(missing)}: once, about a minute")
    bases = _base("any").parent
    for suite in missing:
        shutil.rmtree(bases / f"{suite}.partial", ignore_errors=True)
        (bases / f"{suite}.memory").mkdir(parents=True, exist_ok=True)
    # the mounts are in a namespace of their own and go with it, whatever happens
    argv = ["unshare", "--mount", "sh", "-c", IN_MEMORY, "sh", str(bases), debian_mirror(runner) or ""]
    check(runner([*argv, *missing], env=own(*PROXIES)), what=f"debootstrap {' '.join(missing)}")
    for suite in missing:
        (bases / f"{suite}.memory").rmdir()
        (bases / f"{suite}.partial").rename(bases / suite)


def _base(suite: str) -> Path:
    return state_root() / "images" / "bases" / suite


def _system(image: StandIn, *, work: Path, runner: Runner) -> Path:
    system = work / "system"
    check(runner(["cp", "--archive", "--reflink=auto", str(_base(image.suite)), str(system)]))
    furnish(system, suite=image.suite)
    check(_inside(system, "apt-get", "-q", "update", runner=runner), what=f"{image.suite}: apt-get update")
    return system


def arrange(image: StandIn, root: Path, *, runner: Runner) -> None:
    """Let the definition's arrange.sh, where there is one, change what will be in the archive."""
    script = image.folder / "arrange.sh"
    if script.exists():
        check(runner([str(script), str(root)], env=UNATTENDED), what=f"{image.short}: arrange.sh")


def furnish(root: Path, *, suite: str) -> None:
    """Give a root what apt needs to work in it; all of it is left out of archives.

    Some packages' alternatives have a manual page, and fail without a folder for it.
    """
    for folder in ("etc/apt", "usr/sbin", "usr/share/man/man1"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    shutil.copyfile(_base(suite) / "etc/apt/sources.list", root / "etc/apt/sources.list")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def debian_mirror(runner: Runner, *, os_release: Path = Path("/etc/os-release")) -> str | None:
    """The mirror that this machine's apt uses for Debian; None elsewhere: debootstrap has one of its own."""
    facts = dict(line.split("=", 1) for line in os_release.read_text().splitlines() if "=" in line)
    if facts.get("ID", "").strip('"') != "debian":
        return None
    template = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    said = check(runner(["apt-get", "indextargets", "--format", template, "Created-By: Packages"])).stdout
    names = {facts.get("VERSION_CODENAME", "").strip('"'), "stable"}
    targets = (line.split() for line in said.splitlines())
    return next(
        (uri for release, component, uri in targets if release in names and component == "main"), None
    )


def _install(image: StandIn, *, system: Path, root: Path, runner: Runner) -> str:
    argv = ["apt-get", "-q", "-y", "--no-install-recommends", "install", *image.packages]
    check(_inside(system, *argv, runner=runner), what=f"{image.short}: apt-get install")
    for path in (root / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()
    argv = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"]
    return _list(check(runner([*argv, *image.packages])).stdout)


def _unpack(image: StandIn, *, system: Path, root: Path, runner: Runner) -> str:
    argv = ["sh", "-c", 'cd /tmp && apt-get -q download "$@"', "sh", *image.packages]
    check(_inside(system, *argv, runner=runner), what=f"{image.short}: apt-get download")
    debs = sorted(str(path) for path in (system / "tmp").glob("*.deb"))
    for deb in debs:
        check(runner(["dpkg-deb", "--extract", deb, str(root)]))
    argv = ["dpkg-deb", "--showformat=${Package} ${Version}\n", "--show"]
    return _list("".join(check(runner([*argv, deb])).stdout for deb in debs))


def _inside(system: Path, *argv: str, runner: Runner) -> Completed:
    """Run in a chroot with a process table of its own: what a package starts ends with it."""
    enter = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={system}/proc", "chroot", str(system)]
    return runner([*enter, *argv], env=unattended())


def archive(root: Path, *, into: Path, runner: Runner, left_out: Iterable[str] = ()) -> None:
    """Write all of `root` to the archive `into`, but for LEFT_OUT and `left_out`, with settled stamps."""
    argv = ["tar", "--create", f"--file={into}", f"--directory={root}", "--sort=name", "--numeric-owner"]
    stamps = [f"--mtime=@{NEWEST_STAMP}", "--clamp-mtime"]
    excluded = [f"--exclude=./{pattern}" for pattern in (*LEFT_OUT, *left_out)]
    check(runner([*argv, *stamps, *excluded, "."]))


def _list(lines: str) -> str:
    return ", ".join(lines.split("\n")).rstrip(", ")
