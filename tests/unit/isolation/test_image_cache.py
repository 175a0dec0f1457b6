"""What a node's images are before a run that has to prove it."""

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Image
from cc_ci.isolation.image_cache import prepare


def image(name: str) -> Image:
    return Image(id=f"sha256:{name}", tags=(name,), digests=(), diff_ids=("base", name), size_bytes=1)


def node() -> FakeEngine:
    engine = FakeEngine()
    engine.on_node = {name: image(name) for name in ("app:1", "other:2", "cc-ci/proxy:1")}
    engine.in_registry = {name: image(name) for name in ("app:1", "app:2")}
    return engine


def test_cold_leaves_nothing_that_a_recipe_could_share() -> None:
    engine = node()
    prepare(engine, ["app:1"], cache="cold")
    assert list(engine.on_node) == ["cc-ci/proxy:1"]


def test_warm_brings_what_is_missing_and_no_more() -> None:
    engine = node()
    prepare(engine, ["app:2", "app:1", "app:2"], cache="warm")
    assert [name for call, name in engine.calls if call == "pull"] == ["app:2"]
    assert "other:2" in engine.on_node
