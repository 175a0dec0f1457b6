"""What is kept of a warm provider on this machine: how it was made, and the one account that uses it."""

from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.lab.places import places
from cc_ci.system.files import write_private


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """The references that the provider's recipe names: of the provider itself, and of its database."""

    app: str
    database: str


class WarmRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` is of an account that may make realms and look after those that it made; no other one is kept.

    `image_ids` are of database and provider when it was made; `digest` is of all that no run owns.
    """

    version: str
    """Of the recipe."""
    images: Images
    image_ids: tuple[str, str]
    secret: str
    digest: str


def path_of(node: Node, name: str) -> Path:
    return places(node.name).state / "providers" / f"{name}.json"


def lock_of(node: Node, name: str) -> Path:
    """Held by whoever looks at the provider, gives a realm out or takes one back."""
    return places(node.name).runtime / f"provider-{name}.lock"


def read(node: Node, name: str) -> WarmRecord | None:
    """The record, None where there is none. Raises InfrastructureError for one that can't be read."""
    path = path_of(node, name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=WarmRecord)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        mend = f"`cc-ci provider up {name}` recreates it"
        raise InfrastructureError(f"provider {name}: {path}: not to be read: {error}; {mend}") from error


def write(node: Node, name: str, record: WarmRecord) -> None:
    """For its owner's eyes alone."""
    write_private(path_of(node, name), msgspec.json.encode(record))


def forget(node: Node, name: str) -> None:
    path_of(node, name).unlink(missing_ok=True)
