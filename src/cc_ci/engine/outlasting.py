"""What Swarm would make of a health check that is looked at more often than its recipe says; pure.

Swarm kills a container whose check says no `retries` times in a row, at looks an `interval` apart, each begun
that long after the last was over. Where the recipe has no start_period the overlay gives it one, within which
no look counts. So the recipe's own schedule decides here: a container that outlasts it is as good as killed.
"""

from cc_ci.engine.history import EngineHistory, Marks
from cc_ci.engine.own_schedule import OwnSchedule
from cc_ci.system.units import EpochSeconds, Seconds


def outlasted(service: str, history: EngineHistory, *, now: EpochSeconds) -> str | None:
    """Why Swarm would have killed the service's container by now; None while it might not have.

    A kill is excused while another service is not ready: Swarm starts anew what it ends for lack of that.
    """
    schedule, marks = history.schedules.get(service), history.marks.get(service)
    if schedule is None or marks is None or marks.started is None:
        return None
    each = _each(schedule, marks)
    if (since := _alone_since(service, history, marks.started, schedule.last_look(each))) is None:
        return None
    last = since + schedule.last_look(each)
    asked = None if marks.refused is None else marks.refused - each
    hangs = marks.healthy is None and now > last + schedule.check.timeout + schedule.looked_every
    if not hangs and (asked is None or asked < last):
        return None
    check = schedule.check
    return (
        f"{schedule.place}services.{service}.healthcheck: not healthy in time: Swarm kills it "
        f"{last + each - marks.started:.0f} s after its start, by its interval of {check.interval:g} s and "
        f"{check.retries} retries; give it a start_period"
    )


def _each(schedule: OwnSchedule, marks: Marks) -> Seconds:
    """How long a look takes, by the looks so far; the longest that it may take where there were none."""
    if marks.refused is None or marks.first_refused is None or marks.started is None:
        return schedule.check.timeout
    several = marks.refusals > 1
    begun = marks.first_refused if several else marks.started
    apart = (marks.refused - begun) / (marks.refusals - 1 if several else 1)
    return min(max(apart - schedule.looked_every, 0.0), schedule.check.timeout)


def _alone_since(
    service: str, history: EngineHistory, started: EpochSeconds, patience: Seconds
) -> EpochSeconds | None:
    """From when on nothing else of the stack was missing; None where something still is."""
    others = history.names - {service}
    if others - history.ready:
        return None
    healthy = [mark.healthy for name, mark in history.marks.items() if name in others and mark.healthy]
    late = [at for at in healthy if at > started + patience]
    return EpochSeconds(max([started, *late]))
