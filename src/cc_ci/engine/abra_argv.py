"""Command lines of abra, pure; the facts are those of its life cycle without a prompt.

`-C` (chaos) deploys the checkout as it stands and ignores a pinned version in silence, so a line here has
never both. `-c` leaves the wait to cc-ci, which waits and judges in the same way for every driver.
"""

import itertools
import shlex
from collections.abc import Sequence
from pathlib import Path

SERVER = "default"
ABRA = "abra"

AbraLine = tuple[str, ...]


def add_server() -> AbraLine:
    return (ABRA, "server", "add", "--local", "-n")


def new_app(recipe: str, domain: str) -> AbraLine:
    return (ABRA, "app", "new", recipe, "-s", SERVER, "-D", domain, "-n", "-o", "-C")


def generate_secrets(domain: str) -> AbraLine:
    return (ABRA, "app", "secret", "generate", domain, "-a", "-m", "-n", "-o", "-C")


def insert_secret(domain: str, *, name: str, version: str, file: Path) -> AbraLine:
    """The value is read from a file: arguments are for everybody on the machine to see."""
    return (ABRA, "app", "secret", "insert", domain, name, version, str(file), "-f", "-n", "-o", "-C")


def deploy(domain: str, *, again: bool) -> AbraLine:
    return (ABRA, "app", "deploy", domain, "-n", "-o", "-C", "-c", *(("-f",) if again else ()))


def undeploy(domain: str) -> AbraLine:
    return (ABRA, "app", "undeploy", domain, "-n", "-o")


def remove_volumes(domain: str) -> AbraLine:
    return (ABRA, "app", "volume", "rm", domain, "-f", "-n")


def remove_secrets(domain: str) -> AbraLine:
    return (ABRA, "app", "secret", "rm", domain, "-a", "-n", "-o", "-C")


def remove_app(domain: str) -> AbraLine:
    return (ABRA, "app", "rm", domain, "-f", "-n")


def on_a_terminal(line: Sequence[str]) -> AbraLine:
    """The same on a pseudo-terminal: some of abra's commands ask for one even where they ask nothing."""
    return ("script", "--quiet", "--return", "--command", shlex.join(line), "/dev/null")


VERBS = frozenset(
    {"server", "add", "app", "new", "secret", "generate", "insert", "deploy", "undeploy", "volume", "rm"}
)


def words(line: Sequence[str]) -> str:
    """The name of a command for spans and messages: `app secret generate`."""
    return " ".join(itertools.takewhile(VERBS.__contains__, line[1:]))
