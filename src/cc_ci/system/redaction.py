"""Secrets are learnt once, at the moment they are made, and never leave in a text again."""

import threading

MASK = "[redacted]"
SHORTEST = 6
"""Shorter values would blank ordinary words, so they are not redacted; generated secrets are longer."""


class Redactor:
    """Replace every secret learnt so far by `MASK`; safe to share between threads."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._lock = threading.Lock()

    def learn(self, secret: str) -> str:
        """Remember one secret value and hand it back."""
        value = secret.strip()
        if len(value) >= SHORTEST:
            with self._lock:
                self._secrets.add(value)
        return secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """All learnt so far, the longest first: one may contain another."""
        with self._lock:
            return tuple(sorted(self._secrets, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text
