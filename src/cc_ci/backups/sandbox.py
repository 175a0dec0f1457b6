"""Where tools touch a private node's volumes: what they see of the machine and may do to it, as pure argv.

An app may put whatever it likes into its volumes, links and loops included, and swap it while a tool walks
there. So a tool sees this machine's programs, read-only, the volumes that it is called for, the repository if
it is restic, and nothing else: whatever a link names leads back into the sandbox. There is no network, and
root there has the few rights that owners and modes take.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.backups.places import REPOSITORY, Access, volume_content
from cc_ci.system.bubblewrap import bound, programs

TMP_LIMIT = 1 << 29
"""Restic gathers what it packs in /tmp."""
FILES_LIMIT = 4096

READING = ("CAP_DAC_READ_SEARCH",)
CHANGING = (
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID"),
    *("CAP_MKNOD", "CAP_SETFCAP"),
)
"""What bringing back owners, modes, devices and file capabilities takes: no more than a container has."""


class VolumeSandbox(msgspec.Struct, frozen=True, kw_only=True):
    """One call's sandbox; `repository` is the folder on this machine that is at REPOSITORY, if any."""

    mount_namespace: Path | None
    volumes: tuple[str, ...]
    access: Access
    repository: Path | None = None
    real: Mapping[str, str] = {}
    """By the name under which a volume is seen, its own, where that is another."""

    def argv(self, program: Sequence[str]) -> tuple[str, ...]:
        """The whole command for `program`."""
        return (
            # the node's own mounts: there its volumes are where an operator has them
            *("nsenter", f"--mount={self.mount_namespace}", "--"),
            *("bwrap", *self._isolation(), *self._file_system(), "--"),
            *("prlimit", "--core=0", f"--nofile={FILES_LIMIT}", "--", *program),
        )

    def _isolation(self) -> Iterator[str]:
        yield from ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts")
        yield from ("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
        for capability in READING if self.access == "reads" else CHANGING:
            yield from ("--cap-add", capability)

    def _file_system(self) -> Iterator[str]:
        yield from ("--dev", "/dev")
        yield from ("--size", str(TMP_LIMIT), "--perms", "1777", "--tmpfs", "/tmp")  # noqa: S108 - its own
        yield from ("--setenv", "TMPDIR", "/tmp", "--setenv", "HOME", "/tmp")  # noqa: S108 - its own
        yield from programs()
        for name in self.volumes:
            content = volume_content(self.real.get(name, name))
            option = "--ro-bind" if self.access == "reads" else "--bind"
            yield from bound(content, volume_content(name), option=option)
        if self.repository is not None:
            yield from bound(self.repository, REPOSITORY, option="--bind")
        yield from ("--chdir", "/")
