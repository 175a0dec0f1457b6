"""The texts that one secret may be written as: itself, base64 within longer base64, hex, a form's value."""

import base64
import binascii
from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote_plus

import msgspec

from cc_ci.system.text_views import views

FormKind = Literal["plain", "base64", "hex", "form"]
SHORTEST = 6
"""Shorter values would blank ordinary words, so they are not redacted; generated secrets are longer."""
BASE64_STEP = 3
"""Bytes that base64 takes at once: it makes another text of a secret for each place where one may begin."""
BITS, BYTE = 6, 8


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """`before` and `after` are letters beside the text that hold a few bits of the secret, too."""

    secret: int
    kind: FormKind
    text: str
    before: int = 0
    after: int = 0


def forms(value: str, *, secret: int) -> tuple[Form, ...]:
    """All forms of a value, `secret` being its number; each text once."""
    found = {form.text: form for form in reversed([*_forms(value, secret)])}
    return tuple(found.values())


def _forms(value: str, secret: int) -> Iterator[Form]:
    content = value.encode(errors="surrogatepass")
    # one that looks like an escape is resolved with the text around it
    texts = (view.text for view in views(value))
    for text in (text for text in texts if len(text) >= SHORTEST):
        yield Form(secret=secret, kind="plain", text=text)
    for skipped in range(BASE64_STEP):
        yield from _base64(content, secret, skipped)
    digits = binascii.hexlify(content).decode()
    yield Form(secret=secret, kind="hex", text=digits)
    yield Form(secret=secret, kind="hex", text=digits.upper())
    if " " in value:
        yield Form(secret=secret, kind="form", text=quote_plus(value))
        yield Form(secret=secret, kind="form", text=value.replace(" ", "+"))


def _base64(content: bytes, secret: int, skipped: int) -> Iterator[Form]:
    """What is sure in the base64 of something that has `content` after `skipped` bytes of a group."""
    written = base64.b64encode(b"\0" * skipped + content).decode()
    first = -(-skipped * BYTE // BITS)
    last = (skipped + len(content)) * BYTE // BITS
    split = bool((skipped + len(content)) % BASE64_STEP)
    sure = written[first:last]
    for text in dict.fromkeys((sure, sure.replace("+", "-").replace("/", "_"))):
        yield Form(secret=secret, kind="base64", text=text, before=int(skipped > 0), after=int(split))
