"""A lease for as long as a test lasts."""

import contextlib
from collections.abc import Iterator

from cc_ci.isolation.leases import Keeper


@contextlib.contextmanager
def leased(keeper: Keeper) -> Iterator[None]:
    keeper.take()
    try:
        yield
    finally:
        keeper.give_back()
