"""Which certificate a server shows for a name, trusted or not."""

import functools
import socket
import ssl
from typing import TYPE_CHECKING

from cc_ci.probes.answers import Certificate
from cc_ci.system.units import Seconds

if TYPE_CHECKING:
    from cryptography import x509


def presented(address: str, host: str, *, port: int = 443, timeout: Seconds = 5.0) -> Certificate | None:
    """The certificate shown for `host`, unverified, for the message only; None when there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=timeout) as raw,
            context.wrap_socket(raw, server_hostname=host) as tls,
        ):
            return parse(tls.getpeercert(binary_form=True))
    except (OSError, UnicodeError):
        return None


@functools.lru_cache(maxsize=64)
def parse(der: bytes | None) -> Certificate | None:
    if not der:
        return None
    from cryptography import x509  # noqa: PLC0415 - heavy, and only wanted once there is a certificate

    try:
        certificate = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=certificate.subject.rfc4514_string(),
            names=_names(certificate),
            issuer=certificate.issuer.rfc4514_string(),
            not_after=certificate.not_valid_after_utc.isoformat(),
        )
    except ValueError:
        # an app may end TLS itself, by whatever it calls a certificate
        return None


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def caused_by_certificate(error: BaseException | None) -> bool:
    """Whether a connection failed for a certificate that was not trusted."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
