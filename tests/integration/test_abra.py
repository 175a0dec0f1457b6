"""Runs by the driver abra against a scripted abra, on a real node: the real one can't be had everywhere."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from calling import QUICK

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import take
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

FAKE = Path(__file__).parent / "fake_abra"


class Called:
    def __init__(self, runs: Path, log: Path, process: subprocess.CompletedProcess[str]) -> None:
        self.process = process
        self.result: RunResult = Store(runs).load()
        self.commands = log.read_text().splitlines()


def through_abra(node: Node, folder: Path, *flags: str, breaks: str = "") -> Called:
    """Run the small recipe through abra; nothing of it may stay on the node."""
    log, runs = folder / "abra.log", folder / "runs"
    # cc-ci hands abra nothing of its own environment, so what the fake is to do is said here
    abra = folder / "bin/abra"
    abra.parent.mkdir(exist_ok=True)
    told = f"FAKE_ABRA_LOG={shlex.quote(str(log))} FAKE_ABRA_BREAKS={shlex.quote(breaks)}"
    abra.write_text(f'#!/bin/sh\n{told} exec {FAKE}/abra "$@"\n')
    abra.chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{abra.parent}:{os.environ['PATH']}",
        "CC_CI_NODE": node.name,
        "CC_CI_RUNS": str(runs),
    }
    before = take(connect(node, LocalRunner()))
    asked = ("--lever", "deploy.driver=abra", *QUICK, *flags)
    argv = [sys.executable, "-m", "cc_ci", "run", "pocket", *asked]
    process = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert take(connect(node, LocalRunner())).names() == before.names()
    return Called(runs, log, process)


@pytest.fixture(scope="module")
def upgraded(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Called:
    return through_abra(node, tmp_path_factory.mktemp("abra"), "--stage", "upgrade")


def test_an_upgrade_through_abra_ends_as_it_does_without(upgraded: Called) -> None:
    called = upgraded
    assert called.process.returncode == 0, called.process.stdout + called.process.stderr
    assert called.result.levers["deploy.driver"] == "abra"
    commands = [" ".join(one.split()[:2]) for one in called.commands]
    assert commands == [
        *("server add", "app new", "app secret", "app deploy", "app deploy"),
        *("app undeploy", "app volume", "app secret", "app rm"),
    ]
    # chaos ignores a version that is given, so none is
    deploys = [one for one in called.commands if one.startswith("app deploy")]
    assert all(re.fullmatch(r"app deploy \S+ -n -o -C -c( -f)?", one) for one in deploys)
    assert [one.endswith(" -f") for one in deploys] == [False, True]


def test_each_call_is_a_span_in_the_phase_that_it_belongs_to(upgraded: Called) -> None:
    result = upgraded.result
    spans = {span.id: span for span in result.spans}
    found = [
        (span.name, spans[span.parent or 0].phase) for span in result.spans if span.name.startswith("abra ")
    ]
    assert found == [
        ("abra server add", "secrets"),
        ("abra app new", "secrets"),
        ("abra app secret generate", "secrets"),
        ("abra app deploy", "deploy"),
        ("abra app deploy", "upgrade"),
        ("abra app undeploy", "teardown"),
        ("abra app volume rm", "teardown"),
        ("abra app secret rm", "teardown"),
        ("abra app rm", "teardown"),
    ]


def test_what_breaks_in_abra_is_no_fault_of_the_recipe(node: Node, tmp_path: Path) -> None:
    called = through_abra(node, tmp_path, "--stage", "install", breaks="app secret generate")
    assert called.process.returncode == 3
    assert "abra app secret generate" in called.process.stdout
    assert "FATA the disk is full" in called.process.stdout


def test_without_abra_the_driver_is_refused_in_one_line(node: Node, tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "cc_ci",
        "run",
        "pocket",
        "--lever",
        "deploy.driver=abra",
        "--node",
        node.name,
    ]
    env = {**os.environ, "CC_CI_RUNS": str(tmp_path)}
    called = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert called.returncode == 2
    assert "abra is not on PATH" in called.stderr
