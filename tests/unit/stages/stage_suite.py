"""A suite whose seeds are kept in memory."""

from pathlib import Path

import msgspec

from cc_ci.errors import StageFailed
from cc_ci.stages.bench import Candidate
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts


def with_seeds(candidate: Candidate) -> Candidate:
    suite = Suite(recipe="small", seeds="seed.py", folder=Path("/suite"), hash="0")
    return msgspec.structs.replace(candidate, suite=suite)


class MemorySuites:
    """What an app holds, as its suite sees it; `read_only`: it takes nothing more."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.read_only = False

    def seed_write(self, _suite: Suite, _app: AppFacts, key: str, value: str) -> None:
        if self.read_only:
            raise StageFailed("seed write: status 500")
        self.data[key] = value

    def seed_read(self, _suite: Suite, _app: AppFacts, key: str) -> str | None:
        return self.data.get(key)

    def seed_delete(self, _suite: Suite, _app: AppFacts, key: str) -> None:
        self.data.pop(key, None)
