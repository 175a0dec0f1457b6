"""A result with something in every part."""

from typing import Any

import msgspec

from cc_ci.levers.arms import choose
from cc_ci.results.old_names import told_by
from cc_ci.results.schema import (
    CacheState,
    Census,
    Environment,
    Harness,
    ImageTransfer,
    Leak,
    RecipeUnderTest,
    RunResult,
    ServiceImage,
    StageResult,
    TestResult,
    Warn,
)
from cc_ci.timing.actions import CONVERGE, POLL_SLACK, SERVICE
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.parts import Part
from cc_ci.timing.resources import Pressure, ResourceSample, SpanResources, Usage
from cc_ci.timing.spans import Span

DIGEST = "sha256:" + "a" * 64
SPANS = (
    Span(
        id=1,
        name="install",
        kind="step",
        action="deploy",
        start=0.0,
        end=8.0,
        stage="install",
        deployment="new",
    ),
    Span(id=2, name="pull", kind="pull", start=0.0, end=3.0, parent=1, phase="images_pull", deployment="new"),
    Span(
        id=3,
        name="converge",
        kind="wait",
        action=CONVERGE,
        start=3.0,
        end=7.9,
        parent=1,
        phase="converge",
        deployment="new",
        attributes={"waits_for": "app healthy"},
    ),
    Span(
        id=4,
        name="poll_slack: converge",
        kind="wait",
        action=POLL_SLACK,
        start=7.7,
        end=7.9,
        parent=3,
        phase="converge",
        deployment="new",
    ),
    Span(id=5, name="plan", kind="step", start=8.0, end=8.5, phase="overhead"),
    Span(
        id=6,
        name="login",
        kind="step",
        action="test",
        start=8.5,
        end=10.0,
        phase="test",
        deployment="old",
        status="failed",
        error="refused",
    ),
)
USAGE = Usage(
    cpu_seconds=1.5,
    read_bytes=10,
    written_bytes=20,
    peak_memory_bytes=1 << 20,
    peak_working_set_bytes=1 << 19,
    mean_resident_bytes=1 << 18,
)


def example(run: str = "cust-0a1b2c") -> RunResult:
    return RunResult(
        run=run,
        cc_ci_version="0.1.0",
        state="finished",
        started_at=1_700_000_000.0,
        recipe=RecipeUnderTest(
            name="custom-html",
            version_from="1.0.0+1.25",
            version_to="1.1.0+1.27",
            commit_from="a" * 40,
            commit_to="b" * 40,
            dirty=False,
            images=(
                ServiceImage(
                    version="1.1.0+1.27",
                    service="app",
                    reference="nginx:1.27",
                    digest=DIGEST,
                    image_id=DIGEST,
                ),
            ),
            suite_hash="c" * 64,
        ),
        environment=Environment(
            node_kind="private",
            cpus=2.0,
            memory_bytes=6 << 30,
            machine_cpus=2,
            machine_memory_bytes=8 << 30,
            kernel="6.1",
            engine="20.10.24",
            engine_api="1.41",
            containerd="1.6.20",
            runc="1.1.5",
            image_store="overlay2",
            client="20.10.24",
            cgroup_version="1",
            ipvs=False,
            images_kind="stand-in",
        ),
        arm=choose().arm,
        levers={"images.keep": False, "health.interval": None},
        cache=CacheState(
            asked="cold",
            proved=True,
            images=(
                ImageTransfer(
                    reference="nginx:1.27",
                    digest=DIGEST,
                    layers=5,
                    layers_present_before=0,
                    layers_extracted=5,
                    pulled_bytes=70_000_000,
                    seconds=3.0,
                ),
            ),
        ),
        stages=(
            StageResult(name="install", outcome="passed", seconds=8.0),
            StageResult(
                name="functional",
                outcome="failed",
                start=8.5,
                seconds=1.5,
                reason="login refused",
                blame="recipe",
                tests=(
                    TestResult(id="test_page", outcome="passed", assertions=3),
                    TestResult(
                        id="test_login", outcome="failed", seconds=1.25, assertions=1, reason="refused"
                    ),
                ),
                evidence=("evidence/login.png",),
            ),
            StageResult(name="sso", outcome="skipped", reason="no suite"),
            StageResult(name="backup", outcome="errored", reason="restic is missing", blame="host"),
            StageResult(name="upgrade", outcome="unverified", reason="1.0.0 does not deploy"),
        ),
        verdict="contaminated",
        exit_code=4,
        because=("volume cust_content: left by the run", "functional failed: login refused"),
        total_seconds=10.0,
        first_verdict_seconds=9.0,
        phases=attribute(SPANS, end=10.0),
        spans=SPANS,
        resources=(
            SpanResources(
                stack=USAGE,
                engine=USAGE,
                suite=USAGE,
                machine=Usage(cpu_seconds=4.0, read_bytes=0, written_bytes=0),
                pressure=Pressure(
                    cpu_some_seconds=0.5,
                    io_some_seconds=0.1,
                    io_full_seconds=0.1,
                    memory_some_seconds=0.0,
                    memory_full_seconds=0.0,
                ),
            ),
        ),
        samples=(
            ResourceSample(at=0.0, stack_cpu_seconds=0.0, stack_memory_bytes=1 << 20),
            ResourceSample(at=2.0, stack_cpu_seconds=1.0, stack_memory_bytes=3 << 20),
        ),
        harness=Harness(cpu_seconds=0.3, cpu_share=0.03, peak_memory_bytes=90 << 20),
        census=Census(
            before={"volume": ()},
            after={"volume": ("cust_content",)},
            leaks=(Leak(kind="volume", name="cust_content"),),
        ),
        warnings=(Warn(code="no-ipvs", message="the node has no ipvs; ports are in host mode"),),
        missing={"resources.*.machine.*_bytes": "not counted for the machine as a whole"},
    )


def part(**fields: Any) -> Part:
    """A part that is of what its name tells, as those of version 1 were."""
    made = Part(**fields)
    return msgspec.structs.replace(made, **told_by(made.name or "", waits_for=made.waits_for)._asdict())


def span(**fields: Any) -> Span:
    """The same for a span."""
    made = Span(**fields)
    told = told_by(made.name, waits_for=None)
    attributes = made.attributes | ({SERVICE: told.service} if told.service else {})
    return msgspec.structs.replace(made, kind=told.kind, action=told.action, attributes=attributes)
