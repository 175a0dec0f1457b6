"""Telling how a run goes on, which must never end it: a closed terminal is no reason to leave an app up."""

import contextlib
from collections.abc import Callable


def quiet(tell: Callable[[str], None]) -> Callable[[str], None]:
    """`tell`, but what goes wrong in it is nobody's trouble."""

    def told(line: str) -> None:
        with contextlib.suppress(Exception):
            tell(line)

    return told
