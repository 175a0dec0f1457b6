"""What a sandbox finds in its /etc, and its copy of the suite, written out before it starts."""

import base64
import json
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

from cc_ci.errors import InfrastructureError
from cc_ci.suite.facts import Suite
from cc_ci.suite.files import read_suite_file, suite_files
from cc_ci.suite.protocol import CA_BUNDLE

MACHINE_BUNDLES = (CA_BUNDLE, Path("/etc/pki/tls/certs/ca-bundle.crt"), Path("/etc/ssl/cert.pem"))
_POLICY_FOLDERS = ("chromium", "opt/chrome")
_MOUNT_POINTS = ("fonts", "alternatives")


def furnish(
    scratch: Path,
    *,
    uid: int,
    resolver: str,
    hosts: str,
    ca_bundle: Path | None,
    ca_certificate: Path | None,
) -> None:
    """Write `scratch`/etc: one user, the lab's resolver, and trust in the lab's CA beside the machine's."""
    contents: Mapping[str, str] = {
        "passwd": f"suite:x:{uid}:{uid}::/tmp:/usr/sbin/nologin\n",
        "group": f"suite:x:{uid}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "resolv.conf": resolver,
        "hosts": hosts,
        "ld.so.cache": "",
        # Debian's launcher reads what is in this folder, and stops if nothing is
        "chromium.d/none": "",
        "ssl/certs/ca-certificates.crt": _bundle(ca_bundle, besides=ca_certificate),
    }
    for name, content in contents.items():
        _write(scratch / "etc" / name, content.encode())
    for name in _MOUNT_POINTS:
        (scratch / "etc" / name).mkdir()
    if ca_certificate is not None:
        for folder in _POLICY_FOLDERS:
            path = scratch / "etc" / folder / "policies/managed/cc-ci.json"
            _write(path, browser_policy(ca_certificate.read_text()).encode())
    _open(scratch / "etc")


def copy_suite(suite: Suite, into: Path) -> None:
    """Copy the suite's files, so that what is hashed is what runs, without bytecode of another pytest's."""
    into.mkdir()
    for path in suite_files(suite.folder):
        _write(into / path.relative_to(suite.folder), read_suite_file(path))
    _open(into)


def browser_policy(ca_pem: str) -> str:
    """Chromium's managed policy that trusts one more CA; it goes on verifying all that it verifies."""
    der = ssl.PEM_cert_to_DER_cert(ca_pem)
    return json.dumps({"CACertificates": [base64.b64encode(der).decode()]})


def hosts_file(names: Iterable[str], *, address: str) -> str:
    lines = [f"{address} {name}\n" for name in names]
    return "".join(["127.0.0.1 localhost\n", *lines])


def _bundle(given: Path | None, *, besides: Path | None) -> str:
    """The authorities that are trusted: those given, else the machine's and the one `besides`."""
    if given is not None:
        return given.read_text()
    machine = next((path for path in MACHINE_BUNDLES if path.is_file()), None)
    if machine is None:
        raise InfrastructureError(f"{MACHINE_BUNDLES[0]}: no CA certificates here; install ca-certificates")
    return machine.read_text().rstrip() + "\n" + (besides.read_text() if besides else "")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _open(folder: Path) -> None:
    # readable to the tests' uid whatever the umask; only its owner, root, may write
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
