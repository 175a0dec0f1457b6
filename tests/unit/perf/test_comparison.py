"""Made-up runs held against each other: what was planted is found, and nothing else."""

import random

import msgspec
import pytest
from example_result import example

from cc_ci.levers.arms import choose
from cc_ci.perf.analysis.comparison import (
    Comparison,
    OutcomeChange,
    RunSample,
    Side,
    alternate,
    compare,
    in_words,
)
from cc_ci.results.schema import ServiceImage, StageResult, TestResult
from cc_ci.timing.parts import Part

RUNS = 10


OTHER = choose("stock", ["readiness.hold=2"]).arm


def side(label: str, *, seed: int, delay: float = 0.0, runs: int = RUNS, outcome: str = "passed") -> Side:
    """Runs of about 100 s with some noise, and `delay` seconds more in the backup."""
    rng = random.Random(seed)
    return Side(label=label, samples=tuple(_sample(rng, delay, outcome) for _ in range(runs)))


def _sample(rng: random.Random, delay: float, outcome: str) -> RunSample:
    parts = (
        Part(seconds=rng.gauss(60, 1.0), name="boot", stage="install", phase="converge"),
        Part(seconds=rng.gauss(5, 0.1) + delay, name="backup", stage="backup", phase="backup"),
        Part(seconds=rng.gauss(30, 0.8), name="suite", stage="functional", phase="test"),
        Part(seconds=rng.gauss(5, 0.2), name="remove", stage="teardown", phase="teardown"),
        Part(seconds=0.01, name="plan", phase="overhead"),
    )
    stage = StageResult(
        name="functional", outcome="passed", tests=(TestResult(id="log in", outcome=outcome),)
    )
    result = msgspec.structs.replace(
        example(), stages=(stage,), total_seconds=sum(part.seconds for part in parts)
    )
    return RunSample(result=result, parts=parts)


def changed(found: Comparison) -> list[str]:
    return [str(one.where) for one in found.changed]


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("share", [0.10, 0.25])
def test_a_planted_delay_is_found_in_the_right_phase(share: float, *, paired: bool) -> None:
    found = compare(side("a", seed=1), side("b", seed=2, delay=100 * share), paired=paired)
    assert found.ratio is not None
    assert found.ratio.low is not None
    assert found.ratio.low > 1
    assert found.ratio.estimate == pytest.approx(1 + share, abs=0.03)
    assert changed(found) == ["backup of backup"]
    assert found.changed[0].shift is not None
    assert found.changed[0].shift.estimate == pytest.approx(100 * share, abs=1)
    assert in_words(found).startswith("B is slower: 1.")
    assert f"{found.changed[0].shift.estimate:+.1f} s in backup of backup" in in_words(found)


def test_the_same_arm_twice_shows_nothing() -> None:
    found = compare(side("a", seed=3), side("b", seed=4), paired=True)
    assert changed(found) == []
    assert found.ratio is not None
    assert found.ratio.within(0.05)
    assert in_words(found).startswith("no difference shown")


def test_single_runs_do_not_tell_a_change_from_noise() -> None:
    found = compare(side("a", seed=5, runs=1), side("b", seed=6, runs=1, delay=50))
    assert found.ratio is None
    assert {one.noise for one in found.phases} == {"too few to tell"}
    assert found.phases[0].where.phase == "backup"
    assert "1 and 1 runs do not tell a change from noise" in in_words(found)


def test_few_runs_say_so() -> None:
    found = compare(side("a", seed=7, runs=3), side("b", seed=8, runs=3, delay=50))
    assert "3 and 3 runs are too few" in in_words(found)


def test_what_was_green_and_is_red_is_named() -> None:
    found = compare(side("a", seed=9), side("b", seed=10, outcome="failed"))
    assert [(one.name, one.a, one.b) for one in found.outcomes] == [
        ("functional: log in", "passed", "failed")
    ]


def test_a_red_run_has_tests_but_no_time() -> None:
    ours, theirs = side("a", seed=13), side("b", seed=14)
    red = side("c", seed=15, outcome="failed", runs=1).samples[0].result
    found = compare(ours, msgspec.structs.replace(theirs, red=(red,)))
    assert [(one.name, one.b) for one in found.outcomes] == [("functional: log in", "failed or passed")]
    assert len(found.b.totals) == RUNS
    none = compare(ours, Side(label="d", samples=(), red=(red,)))
    assert in_words(none) == "B has no green run, so that there is no time to compare"
    assert none.phases == ()


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("passed", "failed", True),
        ("passed", "failed or passed", True),
        ("green", "contaminated", True),
        ("passed", None, False),
        ("failed", "errored", False),
        ("failed or passed", "failed", True),
        ("failed or passed", "failed or passed", False),
        ("passed or skipped", "failed", True),
        ("skipped", "passed", False),
        ("passed", "skipped", True),
    ],
)
def test_green_before_and_red_now_is_lost(before: str, after: str | None, *, lost: bool) -> None:
    assert OutcomeChange(name="x", a=before, b=after).lost is lost


def test_an_image_that_its_tag_no_longer_means_is_told() -> None:
    def pulled(digest: str) -> Side:
        ours = side("x", seed=11, runs=1)
        images = (ServiceImage(version="1", service="app", reference="nginx:1", digest=digest),)
        result = ours.samples[0].result
        recipe = msgspec.structs.replace(result.recipe, images=images)
        sample = msgspec.structs.replace(
            ours.samples[0], result=msgspec.structs.replace(result, recipe=recipe)
        )
        return msgspec.structs.replace(ours, samples=(sample,))

    found = compare(pulled("sha256:" + "a" * 64), pulled("sha256:" + "b" * 64))
    assert found.setting == ("digest of nginx:1: aaaaaaaaaaaa in A, bbbbbbbbbbbb in B",)


def test_what_confounds_comes_first() -> None:
    ours, theirs = side("a", seed=11), side("b", seed=12)
    moved = [msgspec.structs.replace(one, result=msgspec.structs.replace(one.result, arm=OTHER))
             for one in theirs.samples]  # fmt: skip
    found = compare(ours, msgspec.structs.replace(theirs, samples=tuple(moved)))
    assert found.setting == (
        f"arm: stock ({example().arm.digest}) in A, stock readiness.hold=2 ({OTHER.digest}) in B",
    )


def on_engine(label: str, **parts: str | None) -> Side:
    ours = side(label, seed=11)
    samples = []
    for one in ours.samples:
        where = msgspec.structs.replace(one.result.environment, **parts)
        result = msgspec.structs.replace(one.result, environment=where)
        samples.append(msgspec.structs.replace(one, result=result))
    return msgspec.structs.replace(ours, samples=tuple(samples))


def test_another_engine_is_told_by_each_part_that_is_known() -> None:
    older = on_engine("a", engine="20.10.24", containerd=None, runc=None, image_store=None)
    newer = on_engine("b", engine="28.5.2", containerd="2.1.9", image_store="containerd overlayfs")
    assert compare(older, newer).setting == ("engine: 20.10.24 in A, 28.5.2 in B",)
    assert compare(on_engine("a"), newer).setting == (
        "engine: 20.10.24 in A, 28.5.2 in B",
        "containerd: 1.6.20 in A, 2.1.9 in B",
        "image store: overlay2 in A, containerd overlayfs in B",
    )


def test_what_was_kept_without_stages_is_compared_by_phase() -> None:
    a, b = side("a", seed=1), side("b", seed=2)
    bare = [
        msgspec.structs.replace(
            one, parts=tuple(msgspec.structs.replace(part, stage=None) for part in one.parts)
        )
        for one in a.samples
    ]
    found = compare(msgspec.structs.replace(a, samples=tuple(bare)), b)
    assert {str(one.where) for one in found.phases} == {"converge", "backup", "test", "teardown"}
    assert changed(found) == []
    assert found.setting == ("stages of phases: unknown in A, known in B",)


def test_another_state_of_the_code_is_told() -> None:
    before, after = side("a", seed=1), msgspec.structs.replace(side("b", seed=2), code="c0de")
    before = msgspec.structs.replace(before, code="0ld")
    assert compare(before, after).setting == ("code: 0ld in A, c0de in B",)


def test_runs_are_pairs_only_where_they_alternate() -> None:
    def placed(*places: int) -> Side:
        sample = side("x", seed=1, runs=1).samples[0]
        return Side(
            label="x", samples=tuple(msgspec.structs.replace(sample, place=place) for place in places)
        )

    assert alternate(placed(1, 4, 5), placed(2, 3, 6))
    assert not alternate(placed(1, 4), placed(2, 3, 6))
    # some of each side are missing, at other places: the rest are as many, and no pairs
    assert not alternate(placed(5, 8), placed(2, 3))
