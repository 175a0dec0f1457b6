"""The health check of a recipe that has no start_period, of a service to which the overlay gives one."""

import msgspec

from cc_ci.engine.state import HealthCheck
from cc_ci.recipes.stack import Service
from cc_ci.system.units import Seconds


class OwnSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """The health check of a service as its recipe has it, without a start_period."""

    check: HealthCheck
    looked_every: Seconds
    """The overlay's start_interval."""
    place: str = ""
    """Where the recipe says so, such as `compose.yml:12: `."""

    def last_look(self, each: Seconds) -> Seconds:
        """How long after its start a container's last look begins, if each look takes `each`."""
        return self.check.tolerance + each * (self.check.retries - 1)


def own_schedule(service: Service, *, looked_every: Seconds, place: str) -> OwnSchedule | None:
    """None for a service that has no health check, or a start_period of its own."""
    check = service.healthcheck
    if check is None or check.start_period:
        return None
    own = HealthCheck(
        interval=check.interval or HealthCheck().interval,
        timeout=check.timeout or HealthCheck().timeout,
        retries=check.retries or HealthCheck().retries,
    )
    return OwnSchedule(check=own, looked_every=looked_every, place=place)
