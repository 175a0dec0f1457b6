"""Planted secrets in a run's folder: plain, encoded, or in pieces over lines."""

import base64
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec

SHORTEST = 6
"""Characters of a secret that is looked for: a shorter one is found in anything."""
PIECE = 4
"""Characters, at least, of the pieces in lines that have more than these."""
LARGEST_BYTES = 64 * 1024 * 1024
BETWEEN = rb"[^A-Za-z0-9]{0,40}"
"""What may stand between two characters' pieces: line ends, indents, quotes, signs of a diff or a log."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a planted secret is, never what it is: `number` is its place in the list."""

    file: str
    line: int
    form: str
    number: int

    @property
    def told(self) -> str:
        return f"{self.file}:{self.line}: planted secret {self.number}, {self.form}"


def search(folder: Path, secrets: Sequence[str]) -> Iterator[Found]:
    """All places below a folder, those inside of archives too."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            for name, content in _contents(path, str(path.relative_to(folder))):
                yield from in_text(name, content, secrets)
        yield from in_text(f"{path.relative_to(folder)} (its name)", path.name.encode(), secrets)


def in_text(name: str, content: bytes, secrets: Sequence[str]) -> Iterator[Found]:
    """The first place of each secret in each form."""
    for number, secret in enumerate(secrets, start=1):
        for form, pattern in forms(secret):
            if match := pattern.search(content):
                line = content.count(b"\n", 0, match.start()) + 1
                yield Found(file=name, line=line, form=form, number=number)
                break
        else:
            if (at := over_lines(content, secret.encode())) is not None:
                yield Found(file=name, line=at, form="in pieces over lines", number=number)


def over_lines(content: bytes, secret: bytes) -> int | None:
    """The line at which a secret ends whose pieces stand in lines that follow each other."""
    reached: set[int] = set()
    for number, line in enumerate(content.splitlines(), start=1):
        here = {
            end
            for start in {0, *reached}
            for end in range(min(start + PIECE, len(secret)), len(secret) + 1)
            if secret[start:end] in line
        }
        if len(secret) in here:
            return number
        reached = here
    return None


def forms(secret: str) -> Iterator[tuple[str, re.Pattern[bytes]]]:
    """How a secret may stand in a file, the plainest first."""
    raw = secret.encode()
    yield "plain", re.compile(re.escape(raw))
    yield "escaped as in JSON", _any(_json_escaped(secret))
    yield "in base64", _any(*_base64(raw))
    yield "URL-encoded", _any(*_url(secret))
    yield "in hex", re.compile(re.escape(raw.hex().encode()), re.IGNORECASE)
    yield "backwards", re.compile(re.escape(raw[::-1]))
    yield "in pieces", re.compile(BETWEEN.join(re.escape(bytes([byte])) for byte in raw))
    yield "in base64 in pieces", _any_joined(*_base64(raw))


def _any(*texts: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(re.escape(text) for text in texts if text))


def _any_joined(*texts: bytes) -> re.Pattern[bytes]:
    return re.compile(
        b"|".join(BETWEEN.join(re.escape(bytes([byte])) for byte in text) for text in texts if text)
    )


def _json_escaped(secret: str) -> bytes:
    return "".join(f"\\u{ord(char):04x}" for char in secret).encode()


def _base64(raw: bytes) -> Iterator[bytes]:
    """What of it is the same wherever it begins in an encoded text: three shifts, two alphabets."""
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + raw).rstrip(b"=")
            first = -(-shift * 8 // 6)
            last = len(text) - 1 if (shift + len(raw)) % 3 else len(text)
            if last - first >= SHORTEST:
                yield text[first:last]


def _url(secret: str) -> Iterator[bytes]:
    every = "".join(f"%{byte:02X}" for byte in secret.encode())
    for text in {quote(secret, safe=""), quote_plus(secret), every, every.lower()} - {secret}:
        yield text.encode()


def _contents(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    if path.stat().st_size > LARGEST_BYTES:
        return
    content = path.read_bytes()
    yield name, content
    yield from _inside(name, content)


def _inside(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of an archive, such as a browser's trace."""
    try:
        if zipfile.is_zipfile(io.BytesIO(content)):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for one in archive.infolist():
                    if one.file_size <= LARGEST_BYTES:
                        yield f"{name}!{one.filename}", archive.read(one)
        elif tarfile.is_tarfile(io.BytesIO(content)):
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                for member in tar:
                    if (
                        member.isfile()
                        and member.size <= LARGEST_BYTES
                        and (stream := tar.extractfile(member))
                    ):
                        yield f"{name}!{member.name}", stream.read()
    except (OSError, zipfile.BadZipFile, tarfile.TarError, RuntimeError):
        return
