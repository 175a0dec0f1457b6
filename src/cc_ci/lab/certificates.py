"""The lab's certificate authority, and a certificate for each host whose router asks for one."""

import hashlib
import os
from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.lab.hosts import certified_name
from cc_ci.system.files import state_root, write_atomic

SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
)
IN_PROXY = "/certificates"
"""Where the proxy sees the folder of certificates."""


class LabAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """One authority for all nodes of this machine, so that images and certificates outlive a node."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def bundle(self) -> Path:
        """The machine's authorities and this one."""
        return self.folder / "bundle.pem"

    @property
    def _key(self) -> Path:
        return self.folder / "ca.key"

    def create(self) -> None:
        """Make the authority unless it is there, and the bundle anew."""
        import trustme  # noqa: PLC0415 - brings cryptography, half of what starting costs

        if not (self._key.exists() and self.certificate.exists()):
            made = trustme.CA(organization_name="cc-ci lab", organization_unit_name="not for production")
            write_atomic(self._key, made.private_key_pem.bytes(), mode=0o600)
            write_atomic(self.certificate, made.cert_pem.bytes())
        system = next((path.read_bytes() for path in SYSTEM_BUNDLES if path.exists()), b"")
        write_atomic(self.bundle, system.rstrip() + b"\n" + self.certificate.read_bytes())

    def issue(self, *hosts: str) -> tuple[bytes, bytes]:
        """A new certificate for `hosts`: its chain and its key, both PEM."""
        import trustme  # noqa: PLC0415 - as above

        try:
            authority = trustme.CA.from_pem(self.certificate.read_bytes(), self._key.read_bytes())
        except OSError as error:
            raise InfrastructureError(
                f"{error.filename}: {error.strerror}; `cc-ci node up` makes it"
            ) from error
        issued = authority.issue_cert(*hosts)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        return chain, issued.private_key_pem.bytes()


def lab_authority() -> LabAuthority:
    return LabAuthority(folder=state_root() / "authority")


def certify(node: Node, host: str) -> None:
    """Give the run's proxy a certificate for `host`; it takes it up by itself.

    Raises StageFailed for what is no host's name.
    """
    if node.certificates is None:
        return
    name = _file_name(host)
    chain, key = lab_authority().issue(certified_name(host))
    _write(node.certificates / f"{name}.pem", chain)
    _write(node.certificates / f"{name}.key", key)
    # last, for it is what the proxy looks for; JSON is YAML
    pair = {"certFile": f"{IN_PROXY}/{name}.pem", "keyFile": f"{IN_PROXY}/{name}.key"}
    write_atomic(node.certificates / f"{name}.yml", msgspec.json.encode({"tls": {"certificates": [pair]}}))


def uncertify(node: Node, host: str) -> None:
    """Take it away again. Works twice."""
    if node.certificates is not None:
        for ending in ("yml", "pem", "key"):
            (node.certificates / f"{_file_name(host)}.{ending}").unlink(missing_ok=True)


def route_file(node: Node, host: str, content: object | None) -> None:
    """Have the run's proxy obey one more file, about `host`; None takes it away. Works twice."""
    if node.certificates is None:
        return
    path = node.certificates / f"{_file_name(host)}-route.yml"
    if content is None:
        path.unlink(missing_ok=True)
    else:
        write_atomic(path, msgspec.json.encode(content))


def _file_name(host: str) -> str:
    """No part of a path is a recipe's to choose; a host's name may be as long as a file's, too."""
    return hashlib.sha256(certified_name(host).encode()).hexdigest()[:32]


def _write(path: Path, content: bytes) -> None:
    """For nobody but the user that the folder belongs to: the proxy's own."""
    owner = path.parent.stat()
    write_atomic(path, content, mode=0o600)
    os.chown(path, owner.st_uid, owner.st_gid)
