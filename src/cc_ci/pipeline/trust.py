"""What a recipe is trusted with, by the operator's word alone: on the command line, or in their own files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.pipeline.locating import address_key, trust_keys
from cc_ci.recipes.policy.permissions import require_known


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """`given` is for the recipe under test; `table` has permissions by name, folder or address.

    `by_name`: names are looked up in folders that the operator chose, and so say whose a recipe is.
    """

    given: tuple[str, ...] = ()
    table: Mapping[str, tuple[str, ...]] = {}
    by_name: bool = True

    def under_test(self, asked: str, root: Path, *, roots: Sequence[Path]) -> tuple[str, ...]:
        """The permissions of the recipe that was asked for and found at `root`. Raises UsageError."""
        require_known(self.given)
        return tuple(dict.fromkeys((*self.given, *self.of(asked, root, roots=roots))))

    def of(self, asked: str, root: Path, *, roots: Sequence[Path]) -> tuple[str, ...]:
        """The permissions that the table has for a recipe. Raises UsageError for a name that is none."""
        keys = set(trust_keys(asked, root, roots=roots))
        if not self.by_name:
            keys.discard(asked)
        found = [name for key, names in self.table.items() if _plain(key) in keys for name in names]
        require_known(found, given_by="trust:")
        return tuple(dict.fromkeys(found))


def _plain(key: str) -> str:
    """A key of the table as `trust_keys` has it."""
    if "://" in key or key.startswith("git@"):
        return address_key(key)
    return str(Path(key).expanduser().resolve()) if key.startswith(("/", "~")) else key
