"""Names of hosts: what one may look like, before it becomes part of a path, a certificate or a request."""

import re
import unicodedata

LONGEST_NAME = 253
"""RFC 1123 and 1035: 255 octets on the wire."""
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
PUNYCODE = "xn--"


def host_fault(name: str) -> str | None:
    """Why `name` is no host name by RFC 1123, or None if it is one; capitals count as small letters."""
    if not name:
        return "it is empty"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters, and a host name ends at {LONGEST_NAME}"
    if not name.isascii():
        return "it has letters beyond a to z; write such names as xn--..."
    return next((fault for label in name.lower().split(".") if (fault := _label_fault(label))), None)


def _label_fault(label: str) -> str | None:
    if not LABEL.fullmatch(label):
        return f"{label!r} is none of its parts: 1 to 63 of a-z, 0-9 and -, no - at either end"
    if label.startswith(PUNYCODE) and not _is_punycode(label.removeprefix(PUNYCODE)):
        return f"{label!r} is no name in punycode"
    return None


def _is_punycode(text: str) -> bool:
    try:
        letters = text.encode().decode("punycode")
    except UnicodeError:
        return False
    # letters, their marks, digits: nothing else may be in a name (IDNA 2008)
    return not letters.isascii() and all(
        unicodedata.category(one)[0] in "LMN" or one == "-" for one in letters
    )


def at_or_below(name: str, domain: str) -> bool:
    """Whether `name` is `domain` or one of its subdomains."""
    return name.lower() == domain.lower() or name.lower().endswith(f".{domain.lower()}")
