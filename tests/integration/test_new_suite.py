"""A suite made by `cc-ci suite new`, run as it was made and then extended, on a real node."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from calling import QUICK

from cc_ci.engine.node import Node
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.images import read_images, select
from cc_ci.lab.sources import lab_folder
from cc_ci.lab.workshop import workshop
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner

pytestmark = pytest.mark.integration

LONGEST = 400
VERSION = "1.1.0+1.26.3"

SILENT = """
[timeouts]
ready = 3

[[readiness]]
name = "management"
service = "app"
port = 9000
path = "/"
"""

SIGNS = """
[[readiness]]
name = "listening"
service = "app"
run = ["nginx", "-t", "-q"]

[[readiness]]
name = "direct"
service = "app"
port = 80
path = "/"

[[readiness]]
name = "editor"
path = "/edit"
contains = "Publish"
"""


FILLED_IN = """

def put(app, http, name, content):
    http.put(f"/pages/{name}", content=content, auth=editor(app)).raise_for_status()


def get(app, http, name):
    answer = http.get(f"/pages/{name}")
    return None if answer.status_code == 404 else answer.raise_for_status().content


def remove(app, http, name):
    if get(app, http, name) is not None:
        http.delete(f"/pages/{name}", auth=editor(app)).raise_for_status()


def editor(app):
    return app.env["UPLOAD_USER"], app.secret("upload_password")
"""
KNOWN = """
seeds = "seed.py"
secrets = ["upload_password"]
env = { UPLOAD_USER = "editor" }
"""


@pytest.fixture(scope="module")
def nginx() -> None:
    """See that the image is in the lab's registry."""
    if due := outdated(select(read_images(), ["nginx"])):
        with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
            build(due, builder=builder)


class Newcomer:
    """A recipe under a name that nobody has a suite for."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.recipe = folder / "recipes" / "house-page"
        self.suites = folder / "suites"
        self.suite = self.recipe / "tests" / "cc-ci"
        self.env = {
            **os.environ,
            "CC_CI_NODE": node.name,
            "CC_CI_RUNS": str(folder / "runs"),
            "CC_CI_SUITES": str(self.suites),
        }
        shutil.copytree(lab_folder() / "recipes" / "custom-html" / VERSION, self.recipe)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cc_ci", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )


@pytest.fixture(scope="module")
def newcomer(node: Node, nginx: None, tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer(node, tmp_path_factory.mktemp("newcomer"))


def test_a_new_suite_is_green_as_it_was_made(newcomer: Newcomer) -> None:
    made = newcomer("suite", "new", str(newcomer.recipe))
    assert made.returncode == 0, made.stderr
    assert made.stdout.split() == [
        str(newcomer.suite / name) for name in ("suite.toml", "test_front.py", "seed.py")
    ]
    assert f"cc-ci run {newcomer.recipe} --stage functional" in made.stderr
    assert newcomer("suite", "check", str(newcomer.recipe)).returncode == 0
    ran = newcomer("run", str(newcomer.recipe), "--stage", "functional", "--json", *QUICK)
    assert ran.returncode == 0, ran.stderr
    stages = {stage["name"]: stage for stage in json.loads(ran.stdout)["stages"]}
    tests = [test for test in stages["functional"]["tests"] if test["id"].startswith("test_front")]
    assert [(test["outcome"], test["assertions"]) for test in tests] == [("passed", 1)] * 4


def test_a_suite_that_is_there_is_not_overwritten(newcomer: Newcomer) -> None:
    again = newcomer("suite", "new", str(newcomer.recipe))
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_further_signs_of_readiness_have_times_of_their_own(newcomer: Newcomer) -> None:
    facts = newcomer.suite / "suite.toml"
    as_made = facts.read_text()
    facts.write_text(as_made + SIGNS)
    ran = newcomer("run", str(newcomer.recipe), "--stage", "install", "--json", *QUICK)
    facts.write_text(as_made)
    assert ran.returncode == 0, ran.stderr
    spans = {span["name"]: span for span in json.loads(ran.stdout)["spans"]}
    ready = spans["ready"]
    signs = [spans[f"ready: {name}"] for name in ("app", "listening", "direct", "editor")]
    assert all(sign["parent"] == ready["id"] and sign["phase"] == "ready" for sign in signs)
    assert [sign["attributes"]["waits_for"] for sign in signs] == [
        "/ through the proxy",
        "nginx in service app",
        "/ at port 80 of service app",
        "/edit through the proxy",
    ]
    assert max(sign["end"] for sign in signs) == spans["hold: still ready"]["start"] < ready["end"]


def test_a_sign_that_never_comes_true_is_named_with_what_it_last_said(newcomer: Newcomer) -> None:
    facts = newcomer.suite / "suite.toml"
    as_made = facts.read_text()
    facts.write_text(as_made + SILENT)
    ran = newcomer("run", str(newcomer.recipe), "--stage", "install", "--json", *QUICK)
    facts.write_text(as_made)
    assert ran.returncode == 1, ran.stderr
    result = json.loads(ran.stdout)
    (reason,) = [stage["reason"] for stage in result["stages"] if stage["name"] == "install"]
    # the proxy may not have seen the app yet: then that is named as well
    assert reason.startswith("readiness: not there after 3 s; last: ")
    assert re.search(r"management: http://\S+:9000/: unreachable: .*refused", reason)
    (failed,) = [span for span in result["spans"] if span["name"] == "ready: management"]
    assert failed["status"] == "failed"


def test_the_made_seed_is_good_for_a_backup_once_three_functions_are_filled_in(newcomer: Newcomer) -> None:
    facts, seed = newcomer.suite / "suite.toml", newcomer.suite / "seed.py"
    as_made = facts.read_text(), seed.read_text()
    facts.write_text(KNOWN + as_made[0])
    seed.write_text(as_made[1] + FILLED_IN)
    checked = newcomer("suite", "check", str(newcomer.recipe))
    ran = newcomer("run", str(newcomer.recipe), "--stage", "backup", "--json", *QUICK)
    facts.write_text(as_made[0])
    seed.write_text(as_made[1])
    assert checked.returncode == 0, checked.stdout
    assert ran.returncode == 0, ran.stderr
    assert "volume-markers" not in {warning["code"] for warning in json.loads(ran.stdout)["warnings"]}
