"""Which certificate a server shows for a name, trusted or not."""

import functools
import socket
import ssl

from cc_ci.probes.answers import Certificate
from cc_ci.system.units import Seconds


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
    except OSError:
        return None


@functools.lru_cache(maxsize=64)
def parse(der: bytes | None) -> Certificate | None:
    if not der:
        return None
    from cryptography import x509  # noqa: PLC0415 - heavy, and only wanted once there is a certificate

    certificate = x509.load_der_x509_certificate(der)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        names=names,
        issuer=certificate.issuer.rfc4514_string(),
        not_after=certificate.not_valid_after_utc.isoformat(),
    )
