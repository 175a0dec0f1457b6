"""What to say of a name that is not known: which one was meant, and which there are."""

import difflib
from collections.abc import Iterable

from cc_ci.errors import UsageError
from cc_ci.system.printable import one_line

MOST = 12
"""Names in one line."""
LIKE = 0.6
"""How alike two names have to be, from 0 to 1; below this difflib's guesses are no help."""


def alike(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`; None where none is."""
    by_letters = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_letters, n=1, cutoff=LIKE)
    return by_letters[found[0]] if found else None


def meant(name: str, known: Iterable[str]) -> str:
    """`; did you mean healthcheck?`, or nothing where no known name is like it."""
    found = alike(name, known)
    return f"; did you mean {found}?" if found and found != name else ""


def listed(known: Iterable[str]) -> str:
    """The names in one line, a few of many."""
    names = list(dict.fromkeys(known))
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more if names else "none"


def unknown(what: str, name: str, known: Iterable[str], *, mend: str = "") -> UsageError:
    """The error for a name of a `what` that is not known; `mend` is what else helps."""
    names = list(known)
    hint = f"; {mend}" if mend else ""
    said = f"{what} {one_line(name, most=100)}: not known{meant(name, names)}"
    return UsageError(f"{said}{' ' if said.endswith('?') else '; '}there is {listed(names)}{hint}")
