import dataclasses
import threading
from collections.abc import Sequence

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Image, PullReport
from cc_ci.errors import InfrastructureError, StageFailed, Unverified, UsageError
from cc_ci.isolation.holdings import Holdings
from cc_ci.isolation.kept_images import ImageUse, Pruned
from cc_ci.stages.bench import Bench
from cc_ci.stages.images import Cache, absent, drop, layers_before, make_room
from cc_ci.stages.images import bring_images as bring
from cc_ci.system.units import EpochSeconds


def image(name: str, *layers: str) -> Image:
    return Image(
        id=f"id-{name}", tags=(name,), digests=(f"{name}@sha256:1",), diff_ids=layers, size_bytes=100
    )


def bring_images(bench: Bench, *pulls: list[str], cache: Cache | None) -> None:
    """One pull after the other, of one run."""
    before = layers_before(bench, [one for pull in pulls for one in pull], cache=cache)
    for references in pulls:
        bring(bench, references, before=before, cache=cache)


@pytest.fixture(autouse=True)
def registry(engine: FakeEngine) -> None:
    engine.in_registry = {"a:1": image("a:1", "base", "a"), "b:1": image("b:1", "base", "b")}


def test_images_are_pulled_once_each_and_said(bench: Bench) -> None:
    bring_images(bench, ["b:1", "a:1", "a:1"], cache=None)
    transfers = {one.reference: one.layers_extracted for one in bench.findings.transfers}
    assert transfers == {"a:1": 2, "b:1": 1}
    assert bench.findings.cache_proved is None


def test_cold_removes_the_images_first_and_is_proved(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = dict(engine.in_registry)
    bring_images(bench, ["a:1", "b:1"], cache="cold")
    assert bench.findings.cache_proved is True
    assert bench.findings.transfers[0].layers_present_before == 0


def test_cold_is_not_claimed_when_another_image_holds_a_layer(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = {"other:1": image("other:1", "base")}
    with pytest.raises(Unverified, match="1 of 2 layers were there"):
        bring_images(bench, ["a:1"], cache="cold")


def test_warm_is_proved_when_all_layers_were_there(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = dict(engine.in_registry)
    bring_images(bench, ["a:1"], cache="warm")
    assert bench.findings.cache_proved is True


def test_warm_needs_the_images(bench: Bench) -> None:
    with pytest.raises(UsageError, match="a:1 is not on the node"):
        bring_images(bench, ["a:1"], cache="warm")


def test_warm_is_not_claimed_when_the_tag_moved_on(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = {"a:1": image("a:1", "base", "older")}
    with pytest.raises(Unverified, match="the tag has moved on"):
        bring_images(bench, ["a:1"], cache="warm")


def test_an_image_that_does_not_exist_is_the_recipe_s_fault(bench: Bench) -> None:
    with pytest.raises(StageFailed, match="gone:1"):
        bring_images(bench, ["gone:1"], cache=None)


def test_cold_is_proved_over_two_pulls_that_share_a_layer(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = dict(engine.in_registry)
    bring_images(bench, ["a:1"], ["b:1"], cache="cold")
    assert bench.findings.cache_proved is True
    assert [one.layers_extracted for one in bench.findings.transfers] == [2, 1]


def test_what_one_pull_can_t_prove_the_next_one_does_not(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = {"other:1": image("other:1", "a")}
    before = layers_before(bench, ["a:1", "b:1"], cache="cold")
    with pytest.raises(Unverified, match="1 of 2 layers were there"):
        bring(bench, ["a:1"], before=before, cache="cold")
    bring(bench, ["b:1"], before=before, cache="cold")
    assert bench.findings.cache_proved is None


def test_no_image_is_removed_from_a_node_that_is_not_ours(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = dict(engine.in_registry)
    object.__setattr__(bench, "node", msgspec.structs.replace(bench.node, kind="foreign"))
    with pytest.raises(UsageError, match="not cc-ci's own"):
        layers_before(bench, ["a:1"], cache="cold")
    assert engine.on_node


def test_images_that_the_run_brought_are_dropped_and_those_that_were_there_stay(
    bench: Bench, engine: FakeEngine
) -> None:
    engine.on_node = {"a:1": image("a:1", "base", "a")}
    new = absent(bench, ["a:1", "b:1", "b:1"])
    bring_images(bench, ["a:1", "b:1"], cache=None)
    assert new == ("b:1",)
    drop(bench, new)
    assert set(engine.on_node) == {"a:1"}


def beside(bench: Bench, pulls: int) -> Bench:
    return dataclasses.replace(bench, waits=msgspec.structs.replace(bench.waits, pulls=pulls))


class Meeting(FakeEngine):
    """Its pulls wait for each other: each ends when `together` are at it."""

    def __init__(self, together: int) -> None:
        super().__init__()
        self.together = threading.Barrier(together)

    def pull(self, reference: str) -> PullReport:
        self.together.wait(10)
        found = super().pull(reference)
        layers = self.in_registry[reference].diff_ids
        return msgspec.structs.replace(
            found,
            bytes_pulled=10 * len(layers),
            downloaded=dict.fromkeys(layers, 10),
            extracted=layers,
            layers_extracted=len(layers),
        )


def test_pulls_go_beside_each_other_and_a_layer_that_they_share_counts_once(
    bench: Bench, engine: FakeEngine
) -> None:
    meeting = Meeting(2)
    meeting.in_registry = engine.in_registry
    bring_images(dataclasses.replace(beside(bench, 2), engine=meeting), ["a:1", "b:1"], cache=None)
    moved = bench.findings.transfers
    assert [one.reference for one in moved] == ["a:1", "b:1"]
    assert sum(one.pulled_bytes for one in moved) == 30
    assert sum(one.layers_extracted for one in moved) == 3
    spans = [span for span in bench.trace.spans() if span.name.startswith("pull ")]
    assert sum(int(span.attributes["bytes"] or 0) for span in spans) == 30


def test_one_that_does_not_exist_is_the_recipes_fault_beside_others_too(bench: Bench) -> None:
    with pytest.raises(StageFailed, match="no:1: does not exist"):
        bring_images(beside(bench, 3), ["a:1", "b:1", "no:1"], cache=None)


def test_more_pulls_than_images_are_no_more(bench: Bench) -> None:
    bring_images(beside(bench, 4), ["a:1"], cache=None)
    assert [one.reference for one in bench.findings.transfers] == ["a:1"]


def test_what_a_run_needs_is_noted_before_it_is_pulled(bench: Bench, engine: FakeEngine) -> None:
    noted: list[tuple[Sequence[str], Sequence[str], bool]] = []
    engine.on_node["b:1"] = engine.in_registry["b:1"]

    def note(images: Sequence[str], *, brought: Sequence[str]) -> None:
        noted.append((images, brought, "a:1" in engine.on_node))

    bring_images(dataclasses.replace(bench, note_images=note), ["b:1", "a:1"], cache=None)
    assert noted == [(("a:1", "b:1"), ("a:1",), False)]


def test_images_are_not_dropped_beside_another_run(bench: Bench, engine: FakeEngine) -> None:
    engine.on_node = {"b:1": image("b:1", "base", "b")}
    beside = dataclasses.replace(
        bench,
        holdings=Holdings(engine, run="r", clock=bench.clock, neighbours=lambda: frozenset({"other-1"})),
    )
    drop(beside, ("b:1",))
    assert set(engine.on_node) == {"b:1"}
    assert [one.message for one in bench.findings.warnings] == [
        "images.keep=no: run other-1 was on the node, so that its images stay"
    ]


def test_what_went_for_lack_of_room_is_told(bench: Bench) -> None:
    use = ImageUse(image="old:1", recipe="blog", at=EpochSeconds(0.0), ours=True)
    pruned = (Pruned(use=use), Pruned(use=use, because="a container is made from it"))
    make_room(dataclasses.replace(bench, make_room=lambda: pruned))
    assert [(one.code, "so old:1 went" in one.message) for one in bench.findings.warnings] == [
        ("images-pruned", True)
    ]


def test_a_prune_that_fails_spoils_no_run(bench: Bench) -> None:
    def fail() -> tuple[Pruned, ...]:
        raise InfrastructureError("list: can't be read")

    make_room(dataclasses.replace(bench, make_room=fail))
    assert [one.message for one in bench.findings.warnings] == ["images.keep=active: list: can't be read"]
