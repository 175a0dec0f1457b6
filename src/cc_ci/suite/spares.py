"""Calls of a suite that are begun ahead: sandbox and program are there before the app is.

A spare is for one call, as every sandbox is: what one call leaves behind, no other finds. Nothing of the
suite is run before its order is there. Whoever finds no spare makes a sandbox as if there were none.
"""

import contextlib
import itertools
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import msgspec

from cc_ci.errors import DeadlinePassed, Stopped
from cc_ci.suite.evidence import prepare
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts, CallKind, CallOrder
from cc_ci.suite.sandboxes import Sandboxes, Standing
from cc_ci.system import stopping
from cc_ci.system.clearing import clear_away
from cc_ci.system.process import Completed, Runner
from cc_ci.system.stopping import StopToken
from cc_ci.system.units import Bytes, Seconds

PIPE_ROOM: Bytes = 60_000
"""What a pipe takes without a reader; a longer order is none for a spare."""
LOADING: Seconds = 60.0
"""How long a program may take to load what it needs, a browser among it, before it has to work as it is."""
FAREWELL: Seconds = 30.0
NOT_NEEDED = "the call was begun ahead, and nobody needs it any more"


class Spare:
    """One call that waits for its order. Its thread makes the sandbox, runs the program, and clears up."""

    def __init__(
        self,
        sandboxes: Sandboxes,
        runner: Runner,
        *,
        suite: Suite,
        program: tuple[str, ...],
        evidence: Path | None,
    ) -> None:
        self.suite = suite
        self._sandboxes = sandboxes
        self._runner = runner
        self._program = program
        self._evidence = evidence
        self._scope = StopToken()
        self._stands: Future[Standing] = Future()
        self._ended: Future[Completed] = Future()
        self._over = threading.Event()
        self._pipe = -1
        self._wanted_at: Path | None = None
        # the program is told to die with the thread that started it, so that one waits for it to the end
        self._thread = threading.Thread(target=self._serve, name="cc-ci-spare", daemon=True)
        self._thread.start()

    @property
    def standing(self) -> Standing:
        return self._stands.result()

    def fits(self, suite: Suite, *, evidence: Path | None) -> bool:
        """Whether it waits for an order for this suite; once it is over, its evidence is at `evidence`."""
        if suite.hash != self.suite.hash or suite.folder != self.suite.folder:
            return False
        with stopping.current().passed_on(self._scope):
            broke = self._stands.exception() is not None
        if broke or self._ended.done():
            return False
        self._wanted_at = evidence
        return evidence is None or self._can_go_to(evidence)

    def run(self, order: CallOrder, *, timeout: Seconds) -> Completed | None:
        """Give it its order; None if it outlasted `timeout`. Raises Stopped where its caller is to stop."""
        outer, late = stopping.current(), DeadlinePassed(f"not done after {timeout:g} s")
        with outer.watched(self.standing.told.loaded.set):
            # its time is that of its work
            self.standing.told.loaded.wait(LOADING)
        with outer.passed_on(self._scope), self._scope.within(timeout, late):
            os.write(self._pipe, encoded(order))
            try:
                return self._ended.result()
            except Stopped:
                outer.check()
                return None

    def close(self) -> None:
        """End it, and all that is left of it but for the evidence that is wanted."""
        self._scope.stop(Stopped(NOT_NEEDED))
        self._over.set()
        # what it started is dead; what hangs in the kernel is not waited for
        self._thread.join(FAREWELL)
        if self._evidence is not None and self._wanted_at is not None and self._can_go_to(self._wanted_at):
            self._evidence.rename(self._wanted_at)
        elif self._evidence is not None:
            clear_away(self._evidence)

    def _can_go_to(self, folder: Path) -> bool:
        """Whether its evidence can be moved there whole: what an untrusted call wrote is never copied."""
        assert self._evidence is not None  # noqa: S101 - it was made with one
        return self._evidence.stat().st_dev == folder.stat().st_dev and not any(folder.iterdir())

    def _serve(self) -> None:
        try:
            with (
                stopping.under(self._scope),
                self._sandboxes.stand(self.suite, evidence=self._evidence, ahead=True) as standing,
                _opened(standing.sandbox.order) as self._pipe,
            ):
                self._ended.add_done_callback(lambda _: standing.told.loaded.set())
                self._stands.set_result(standing)
                try:
                    self._ended.set_result(self._runner(standing.sandbox.argv(self._program)))
                except BaseException as error:  # noqa: BLE001 - it is raised where the end is asked for
                    self._ended.set_exception(error)
                # the caller looks at its limits before they go
                self._over.wait()
        except BaseException as error:  # noqa: BLE001 - as above
            for future in (self._stands, self._ended):
                if not future.done():
                    future.set_exception(error)


def encoded(order: CallOrder) -> bytes:
    return msgspec.json.encode(order) + b"\n"


@contextlib.contextmanager
def _opened(pipe: Path | None) -> Iterator[int]:
    """Open for reading, too, so that it waits for nobody at the other end, and what is in it stays."""
    assert pipe is not None  # noqa: S101 - it was made with one
    descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept ready for a suite: so many calls of its seed module, and one of its tests.

    `sessions` is how many calls of its tests there will be. `browser`: theirs have one running.
    """

    seedings: int = 0
    sessions: int = 0
    browser: bool = False


class Spares:
    """The spares of one run's suite; safe to share between threads."""

    def __init__(
        self, sandboxes: Sandboxes, runner: Runner, *, suite: Suite, ahead: Ahead, folder: Path
    ) -> None:
        self._sandboxes = sandboxes
        self._runner = runner
        self._suite = suite
        self._ahead = ahead
        self._folder = folder
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._closed = False
        self._to_come = ahead.sessions
        self._ready: dict[CallKind, list[Spare]] = {"session": [], "seeding": []}
        with self._lock:
            self._fill()

    def take(
        self, kind: CallKind, suite: Suite, app: AppFacts, order: CallOrder, *, evidence: Path | None
    ) -> Spare | None:
        """One for this order; None where there is none, and the call has to make its sandbox itself."""
        if len(encoded(order)) > PIPE_ROOM:
            return None
        if app.address and kind == "session" and self._ahead.browser:
            # a browser that runs may have read already where the app's names led before
            return None
        with self._lock:
            spare = self._ready[kind].pop(0) if self._ready[kind] else None
            self._fill()
        if spare is None or spare.fits(suite, evidence=evidence):
            return spare
        spare.close()
        return None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            left = [spare for spares in self._ready.values() for spare in spares]
            self._ready = {kind: [] for kind in self._ready}
        for spare in left:
            spare.close()

    def _fill(self) -> None:
        """Under the lock: no two threads start the same."""
        if self._closed:
            return
        while len(self._ready["seeding"]) < self._ahead.seedings:
            self._ready["seeding"].append(self._spare("seeding"))
        while self._to_come and not self._ready["session"]:
            self._to_come -= 1
            self._ready["session"].append(self._spare("session"))

    def _spare(self, kind: CallKind) -> Spare:
        evidence = None
        if kind == "session":
            evidence = self._folder / f"suite-{next(self._numbers)}"
            prepare(evidence, uid=self._sandboxes.uid)
        browser = ("--browser",) if kind == "session" and self._ahead.browser else ()
        program = (sys.executable, "-m", "cc_ci.suite.inside.ahead", kind, *browser)
        return Spare(self._sandboxes, self._runner, suite=self._suite, program=program, evidence=evidence)
