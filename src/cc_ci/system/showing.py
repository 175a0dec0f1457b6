"""What an app shows of its own secrets: in answers, on pages and in logs, in whatever form it writes them."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cc_ci.system.printable import one_line
from cc_ci.system.redaction import Redactor
from cc_ci.system.secret_forms import FormKind

Headers = Iterable[tuple[str, str]]

LONGEST_WORD = 12
LONGEST_NUMBER = 7
"""A longer one is on no page by chance; of seven digits, a page full of numbers may have any."""
PUBLIC_NAME = re.compile(
    r"(?:^|[_.-])(?:public|publishable|pub|pubkey|publickey)(?:[_.-]|$)"
    r"|(?:^|[_.-])(?:user|username|login|email|mail|host|hostname|domain|url|issuer|realm|client_id"
    r"|key_id|site_?key)$",
    re.IGNORECASE,
)
"""Kept as a secret for convenience: who sees it can do nothing with it."""
PUBLIC_VALUE = re.compile(r"-----BEGIN (?:[A-Z ]+ )?(?:PUBLIC KEY|CERTIFICATE)-----|ssh-\w+ |ecdsa-")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
WRITTEN: Mapping[FormKind, str] = {
    "plain": "",
    "base64": " in base64",
    "hex": " in hex",
    "form": " in a form's coding",
}


def is_guarded(name: str, value: str) -> bool:
    """Whether to show it is a fault, and no chance: it is no name, public key, word or short number."""
    value = value.strip()
    if PUBLIC_NAME.search(name) or PUBLIC_VALUE.match(value):
        return False
    if value.isdecimal():
        return len(value) > LONGEST_NUMBER
    return len(value) > LONGEST_WORD or not WORD.fullmatch(value)


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that was shown, by its name alone, and where: for people."""

    secret: str
    where: str

    def __str__(self) -> str:
        return f"{self.where} shows the secret {self.secret}"


class SecretWatch:
    """Looks for the secrets of one app, given by name; what is not guarded is left out."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._find = Redactor()
        for name, value in secrets.items():
            if is_guarded(name, value):
                self._find.learn(value, name=name)

    def knows(self, text: str) -> bool:
        """Whether `text` holds one of them."""
        return bool(self._find.find(text))

    def text(self, text: str, *, where: str) -> Iterator[Sighting]:
        """The first place of each secret, `where` being the text's name."""
        told: set[str] = set()
        for hit in self._find.find(text):
            if hit.secret not in told:
                told.add(hit.secret)
                place = f"{where}, in line {hit.line}{WRITTEN[hit.kind]},"
                yield Sighting(secret=hit.secret, where=place)

    def answer(self, where: str, *, headers: Headers, body: str) -> Iterator[Sighting]:
        """What an HTTP answer shows; `where` is its name for people."""
        lines = list(headers)
        # most answers show nothing, and one look is cheaper than one for each header
        shown = lines if self.knows("\n".join(f"{name}: {value}" for name, value in lines)) else ()
        for name, value in shown:
            for hit in self._find.find(f"{name}: {value}"):
                place = f"{where}, in the header {self.shown(name)}{WRITTEN[hit.kind]},"
                yield Sighting(secret=hit.secret, where=place)
        yield from self.text(body, where=where)

    def shown(self, text: str) -> str:
        """One line for people: a URL, too, may hold a secret."""
        return one_line(self._find(text), most=200)
