"""Where untrusted tests run: what they see of the machine, as pure argv.

unshare makes a network with a link to the node, bubblewrap builds a file system of read-only binds and a
process namespace, setpriv drops to a uid that owns nothing, prlimit bounds files and processes. Without root,
bubblewrap makes a user namespace, and the tests keep the invoking user's uid but see none of their files.
"""

import os
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

import cc_ci
from cc_ci.suite.own_network import entering
from cc_ci.suite.protocol import BROKER_SOCKET, CA_BUNDLE, EVIDENCE_FOLDER, ORDER_PIPE, SUITE_FOLDER
from cc_ci.system.bubblewrap import bound, folders, programs

FIRST_UID = 1_900_000_000
"""Above every range that systemd and containers allot; the process id makes it one run's own."""
FILE_LIMIT = 1 << 30
PROCESS_LIMIT = 4096
"""Chromium's threads count, too."""
TMP_LIMIT = 1 << 30
OPEN_FILES = 16384

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FROM_HOST = ("/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives", "/var/cache/fontconfig", "/opt/google")
ENVIRONMENT: Mapping[str, str] = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 - the sandbox's own
    "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": str(CA_BUNDLE),
    "NODE_EXTRA_CA_CERTS": str(CA_BUNDLE),
    "PYTHONDONTWRITEBYTECODE": "1",
    # only what the suite and cc-ci bring: counts must not depend on what else is installed
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """One sandbox. `scratch` holds etc/, suite/ and broker.sock; `uid` is None without root."""

    scratch: Path
    evidence: Path | None
    uid: int | None
    network_namespace: Path | None = None
    """The node's; None: the machine's own network."""
    reach: tuple[str, ...] = ()
    """IPv4 addresses of the node that tests may connect to."""
    join: tuple[str, ...] = ()
    """A prefix that enters a control group, and stays what it is afterwards."""
    order: Path | None = None
    """The pipe by which a process that is started ahead gets its order, which it may only read."""

    def argv(self, program: Sequence[str]) -> tuple[str, ...]:
        """The whole command for `program`, whose python is this one."""
        return (
            *self.join,
            # an empty environment outside, too: /proc/1/environ is in reach where the uid is the same
            *("env", "-i", f"PATH={_PATH}"),
            *self._network(),
            *("bwrap", *self._isolation(), *self._file_system(), "--"),
            *self._identity(),
            *("prlimit", f"--fsize={FILE_LIMIT}", f"--nproc={PROCESS_LIMIT}"),
            *(f"--nofile={_open_files()}", "--core=0", "--"),
            *program,
        )

    def _network(self) -> Iterator[str]:
        if self.uid is not None and self.network_namespace is not None:
            yield from entering(self.network_namespace, self.reach)

    def _isolation(self) -> Iterator[str]:
        yield from ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
        yield from ("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv")
        for name, value in ENVIRONMENT.items():
            yield from ("--setenv", name, value)
        if self.uid is None:
            yield "--unshare-user"
            return
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", capability)

    def _file_system(self) -> Iterator[str]:
        yield from ("--proc", "/proc", "--dev", "/dev")
        for scratch in ("/dev/shm", "/tmp"):  # noqa: S108 - the sandbox's own
            yield from ("--size", str(TMP_LIMIT), "--perms", "1777", "--tmpfs", scratch)
        yield from programs()
        yield from bound(self.scratch / "etc", "/etc")
        for extra in _FROM_HOST:
            yield from folders(Path(extra).parent)
            yield from ("--ro-bind-try", extra, extra)
        for folder in python_folders():
            yield from bound(folder)
        yield from bound(self.scratch / "suite", SUITE_FOLDER)
        yield from bound(self.scratch / BROKER_SOCKET.name, BROKER_SOCKET)
        if self.order is not None:
            yield from bound(self.order, ORDER_PIPE)
        if self.evidence is not None:
            yield from ("--bind", str(self.evidence), str(EVIDENCE_FOLDER))
        yield from ("--chdir", "/tmp")  # noqa: S108 - the sandbox's own

    def _identity(self) -> Iterator[str]:
        if self.uid is None:
            return
        yield from ("setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups")
        yield from ("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--")


def sandbox_uid() -> int | None:
    """The uid that tests get from this process: one that owns nothing; None where only root could give it."""
    return FIRST_UID + os.getpid() if os.geteuid() == 0 else None


def _open_files() -> int:
    """A limit can be lowered by everybody, and raised by few."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)


def python_folders() -> tuple[Path, ...]:
    """What this Python runs from, even under a home that is closed to others; /usr is there anyway."""
    base = Path(sys.base_prefix)
    found = dict.fromkeys((base, base.resolve(), Path(sys.prefix), Path(cc_ci.__file__).parent))
    return tuple(folder for folder in found if not folder.is_relative_to("/usr"))
