"""What ends a run before its end: the tokens that its steps look at, and how long a closing step may take."""

from typing import NamedTuple

from cc_ci.system.stopping import StopToken
from cc_ci.system.units import Seconds

CLOSING_DEADLINE: Seconds = 600.0
"""Of each closing step. The longest removal is a stack's longest grace and a minute of Swarm's own."""


class Stops(NamedTuple):
    """`run` ends what is not closing, `teardown` that, too."""

    run: StopToken
    teardown: StopToken
