"""What a rule of lint is."""

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "unchecked"]
Scope = Literal["tree", "release", "stage"]
"""`tree`: about the files that are deployed, and so part of a run's verdict. `release`: about tags, labels
and papers, which a tree between two releases need not have in order. `stage`: a stage of a run judges it."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`title` says what holds in a sound recipe. A finding may be less severe than its rule."""

    ref: str
    severity: Severity
    title: str
    why: str
    remedy: str
    scope: Scope = "tree"

    @property
    def of_abra(self) -> bool:
        return self.ref.startswith("R")
