from pathlib import Path

from cc_ci.cli.reap import lines
from cc_ci.isolation.items import Item
from cc_ci.isolation.leases import Liveness
from cc_ci.isolation.reaper import Reaped, ReapingPlan

VOLUME = Item(kind="volume", id="v", name="web_content", run="r1")
SECRET = Item(kind="secret", id="s", name="web_password", run="r1")
DEAD = Liveness(run="r1", live=False, reason="its process 12 is gone")
LIVE = Liveness(run="r2", live=True, reason="its process 13 runs")
KEPT = Liveness(run="r3", live=True, reason="it was kept 60 s ago, for 86400 s", kept=True)
PLAN = ReapingPlan(dead=(DEAD,), spared=(LIVE, KEPT), items=(VOLUME, SECRET))


def test_each_run_and_each_thing_has_a_line() -> None:
    reaped = Reaped(
        plan=PLAN, removed=(VOLUME,), folders=(Path("/scratch/r1"),), failed=("secret x: in use",)
    )
    assert list(lines(reaped, dry_run=False)) == [
        "left     run r2: its process 13 runs",
        "left     run r3: it was kept 60 s ago, for 86400 s; `cc-ci reap --run r3` removes it",
        "dead     run r1: its process 12 is gone",
        "removed  volume web_content",
        "removed  folder /scratch/r1",
        "failed   secret x: in use",
    ]


def test_a_dry_run_says_what_would_go() -> None:
    assert list(lines(Reaped(plan=PLAN), dry_run=True))[-2:] == [
        "would go volume web_content",
        "would go secret web_password",
    ]


def test_a_clean_node_is_said_to_be_clean() -> None:
    empty = Reaped(plan=ReapingPlan(dead=(), spared=(), items=()))
    assert list(lines(empty, dry_run=False)) == ["nothing of any run is on the node"]
