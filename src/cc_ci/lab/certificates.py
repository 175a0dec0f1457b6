"""The lab's certificate authority, and a certificate for each host whose router asks for one."""

from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
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
    """Give the node's proxy a certificate for `host`; it takes it up by itself."""
    if node.certificates is None:
        return
    chain, key = lab_authority().issue(host)
    write_atomic(node.certificates / f"{host}.pem", chain)
    write_atomic(node.certificates / f"{host}.key", key, mode=0o600)
    # last, for it is what the proxy looks for; JSON is YAML
    pair = {"certFile": f"{IN_PROXY}/{host}.pem", "keyFile": f"{IN_PROXY}/{host}.key"}
    write_atomic(node.certificates / f"{host}.yml", msgspec.json.encode({"tls": {"certificates": [pair]}}))


def uncertify(node: Node, host: str) -> None:
    """Take it away again. Works twice."""
    if node.certificates is not None:
        for ending in ("yml", "pem", "key"):
            (node.certificates / f"{host}.{ending}").unlink(missing_ok=True)
