"""What it costs to take 30 secrets out of texts: `python benchmarks/redaction.py`, half a minute.

Seconds are those of the CPU, so that a busy machine changes little. The last texts are those of an app that
means to be slow to read; a log that goes into the evidence has 8 MB at most.
"""

import base64
import random
import secrets
import string
import sys
import time
from collections.abc import Iterator

from cc_ci.system.redaction import Redactor

WORDS = ("GET", "POST", "/api/v1/users?id=%20", "from 10.0.0.1", "error", '"msg": "hello"', "level=info")


def known() -> list[str]:
    """Secrets as they are made for apps."""
    tokens = [secrets.token_urlsafe(24) for _ in range(15)] + [secrets.token_urlsafe(48) for _ in range(5)]
    return tokens + [secrets.token_hex(16) for _ in range(10)]


def line(rng: random.Random) -> str:
    stamp = f"2026-11-25T21:33:{rng.randrange(60):02}.{rng.randrange(10**9):09}Z"
    return f"{stamp} {' '.join(rng.choices(WORDS, k=12))}"


def texts(values: list[str]) -> Iterator[tuple[str, str]]:
    rng = random.Random(1)  # noqa: S311 - the same texts each time
    letters = string.ascii_letters + string.digits
    yield "log", "\n".join(line(rng) for _ in range(50_000))
    yield "base64, 76 wide", "\n".join(base64.b64encode(rng.randbytes(57)).decode() for _ in range(50_000))
    yield "JSON in JSON", "\n".join(f'{{"log": "a \\"line\\" {line(rng)}\\n"}}' for _ in range(30_000))
    yield "one line", "x" * 5_000_000
    yield "HTML escapes", "&lt;p&gt;%20" * 150_000
    yield "one letter a line", "\n".join(rng.choices(letters, k=1_000_000))
    yield "a secret, again and again", f"{values[0]} " * 50_000
    yield "a secret, wrapped at one letter", "\n".join(values[0]) * 20_000
    yield "a secret's beginning on each line", f"{values[0][:20]}\n" * 80_000


def main() -> None:
    values = known()
    redact = Redactor()
    for value in values:
        redact.learn(value)
    for name, text in texts(values):
        started = time.process_time()
        redact(text)
        seconds = time.process_time() - started
        size = len(text) / 1e6
        sys.stdout.write(f"{name:36} {size:5.1f} MB {seconds:6.2f} s {size / seconds:6.1f} MB/s\n")


if __name__ == "__main__":
    main()
