"""What a call of a suite costs beside its work: `python benchmarks/suite_calls.py --node NAME`, 2 minutes.

In pairs, each call made when it is wanted and begun ahead (`suite.ahead`, `browser.ahead`): five calls of a
seed module in a row, and a session of one test, without and with a browser. No app is asked: all that is
timed is what comes before and after. Needs root, and a private node that is up.

The seconds in suite-calls/ are of four pairs on a machine that was busy with other work: they say which way
is shorter, and not by how much on a free machine.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cc_ci.lab import node as lab_node
from cc_ci.perf.analysis.statistics import median
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.suite.runner import SuiteRunner
from cc_ci.suite.spares import Ahead
from cc_ci.system.clock import SystemClock
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import LocalRunner

HERE = Path(__file__).resolve().parent
RESULT = HERE / "suite-calls" / "seconds.json"
IN_A_ROW = 5
SEEDS = (
    "def write(app, http, key, value): ...\ndef read(app, http, key): ...\ndef delete(app, http, key): ...\n"
)
TESTS = {
    "session": "def test_it():\n    assert True\n",
    "session with a browser": "def test_it(browser):\n    assert browser.new_page()\n",
}
APP = AppFacts(domain="nobody.ci.test", stack_name="nobody")


def suite(folder: Path, test: str) -> Suite:
    folder.mkdir()
    (folder / "suite.toml").write_text('recipe = "none"\nseeds = "seed.py"\n')
    (folder / "seed.py").write_text(SEEDS)
    (folder / "test_it.py").write_text(test)
    return read_suite(folder)


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def one(name: str, found: Suite, node: str, folder: Path, *, ahead: bool) -> float:
    """Seconds of one arm; what is begun ahead has had the time of a boot."""
    runner = SuiteRunner(
        node=lab_node.load(node), runner=LocalRunner(), clock=SystemClock(), logs=lambda _service: ""
    )
    seeds = name == "seeds"
    if ahead:
        wanted = Ahead(seedings=4 if seeds else 0, sessions=0 if seeds else 1, browser="browser" in name)
        runner.start_ahead(found, wanted, folder=folder / "ahead")
        time.sleep(5.0)
    try:
        if seeds:
            return timed(lambda: [runner.seed_read(found, APP, "k") for _ in range(IN_A_ROW)])
        return timed(lambda: report(runner, found, folder))
    finally:
        runner.close()


def report(runner: SuiteRunner, found: Suite, folder: Path) -> None:
    outcome = runner.run_tests(found, APP, evidence=folder / "evidence")
    if outcome.outcome != "passed":
        raise SystemExit(f"the test did not pass: {outcome.message}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", default="main")
    parser.add_argument("--pairs", type=int, default=6)
    asked = parser.parse_args()
    seconds: dict[str, dict[str, list[float]]] = {}
    for number in range(asked.pairs):
        for name in ("seeds", *TESTS):
            # ABBA
            for ahead in (False, True) if number % 2 == 0 else (True, False):
                with temporary_folder() as folder:
                    found = suite(folder / "suite", TESTS.get(name, TESTS["session"]))
                    took = one(name, found, asked.node, folder, ahead=ahead)
                arm = "begun ahead" if ahead else "made when it is wanted"
                seconds.setdefault(name, {}).setdefault(arm, []).append(round(took, 4))
                sys.stderr.write(f"{name}, {arm}: {took:.3f} s\n")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"in_a_row": IN_A_ROW, "seconds": seconds}, indent=1) + "\n")
    for name, arms in seconds.items():
        for arm, values in arms.items():
            sys.stdout.write(f"{name:24} {arm:24} median {median(values):.3f} s\n")


if __name__ == "__main__":
    main()
