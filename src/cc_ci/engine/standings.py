"""What stacks that come up wait for right now, for whoever looks at a run; safe to share between threads."""

import threading

from cc_ci.system.units import EpochSeconds


class Standings:
    """By the stack's name, a line that was true at the last look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, str] = {}

    def say(self, stack: str, line: str) -> None:
        """Keep the line; an empty one says that there is nothing to wait for any more."""
        with self._lock:
            if line:
                self._lines[stack] = line
            else:
                self._lines.pop(stack, None)

    def of(self, stack: str) -> str:
        with self._lock:
            return self._lines.get(stack, "")


def standing(
    service: str,
    *,
    started: EpochSeconds | None,
    interval: float | None,
    looked: EpochSeconds | None,
    last: str | None,
    now: EpochSeconds,
) -> str:
    """`app: starting 22 s, looks every 30 s, next in 8 s; last: curl refused`."""
    if started is None:
        return f"{service}: no container yet"
    said = f"{service}: starting {now - started:.0f} s"
    if interval:
        due = (looked or started) + interval - now
        said += f", looks every {interval:g} s" + (f", next in {due:.0f} s" if due >= 0.5 else "")  # noqa: PLR2004 - it is due
    return said + (f"; last: {last}" if last else "")
