"""A look that hangs does not hold up the sign: the next one may be answered at once."""

import threading

import pytest

from cc_ci.errors import InfrastructureError, Interrupted
from cc_ci.probes.hedging import Hedged
from cc_ci.probes.ready import Sight
from cc_ci.system.stopping import StopToken, under


class Signs:
    """Looks that are over as told: at once, or never."""

    name = "app"
    waits_for = "/ through the proxy"

    def __init__(self, *looks: Sight | Exception | None) -> None:
        self._looks = list(looks)
        self.looked = 0
        self.never = threading.Event()

    def look(self) -> Sight:
        found = self._looks[self.looked]
        self.looked += 1
        if found is None:
            self.never.wait(10.0)
            return Sight(unmet="too late")
        if isinstance(found, Exception):
            raise found
        return found


def look(signs: Signs, *joined_after: float) -> Sight:
    return Hedged(of=signs, joined_after=joined_after).look()


def test_a_look_that_is_over_is_the_only_one() -> None:
    signs = Signs(Sight(unmet="404"))
    assert look(signs, 1.0).unmet == "404"
    assert signs.looked == 1


def test_one_that_hangs_is_joined_by_another() -> None:
    signs = Signs(None, None, Sight())
    assert look(signs, 0.01, 0.01).unmet is None
    assert signs.looked == 3
    signs.never.set()


def test_what_a_look_raises_is_raised() -> None:
    with pytest.raises(InfrastructureError, match="gone"):
        look(Signs(InfrastructureError("gone")), 1.0)


def test_a_stop_is_heard_while_all_hang() -> None:
    signs, token = Signs(None, None), StopToken()
    threading.Timer(0.1, token.stop, [Interrupted("by hand")]).start()
    with under(token), pytest.raises(Interrupted):
        look(signs, 0.02)
    signs.never.set()
