"""Whether a run has a realm of a warm provider, and why not where one was asked for."""

from pathlib import Path

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import Image
from cc_ci.errors import InfrastructureError
from cc_ci.levers.arms import choose
from cc_ci.pipeline.needs import Need
from cc_ci.pipeline.warmth import Warmth, warmth
from cc_ci.providers.known import planned
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import read_stack
from cc_ci.stages.bench import Candidate
from cc_ci.stages.preparing import configured
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import ScriptedRunner

NODE = Node(
    name="n", kind="private", docker_host="unix:///x", address="10.0.0.2", ci_domain="ci.test", ipvs=True
)
COMPOSE = """
services:
  app: {image: "keycloak/keycloak:1"}
  db: {image: "postgres:15"}
"""


class ScriptedWarm:
    """A warm provider of which is known what is wrong with it, and who uses it."""

    def __init__(self, folder: Path, *, record: object = "there", fault: str | None = None) -> None:
        self.lock = folder / "lock"
        self.record = record
        self.fault_is = fault
        self.used_by: tuple[str, ...] = ()
        self.made: list[str] = []
        self.broken: Exception | None = None

    def __call__(self, *_: object, **__: object) -> "ScriptedWarm":
        return self

    def fault(self, *, version: str, images: object) -> str | None:
        del images
        return self.fault_is and f"{version}: {self.fault_is}"

    def users(self, _known: object) -> tuple[str, ...]:
        return self.used_by

    def up(self, *, version: str, images: object) -> None:
        del images
        if self.broken:
            raise self.broken
        self.made.append(version)

    def memory_bytes(self) -> int:
        return 650


@pytest.fixture
def need(tmp_path: Path) -> Need:
    root = tmp_path / "keycloak"
    root.mkdir()
    (root / "compose.yml").write_text(COMPOSE)
    (root / ".env.sample").write_text("TYPE=keycloak\n")
    candidate = Candidate(label="1.0.0+1", recipe=read_recipe(root))
    app = configured(candidate, domain="k.ci.test")
    sign_on = planned("keycloak", domain="k.ci.test", run="r")
    return Need(
        name="keycloak",
        domain="k.ci.test",
        candidate=candidate,
        app=app,
        stack=read_stack(app),
        sign_on=sign_on,
    )


def found(need: Need | None, warm: ScriptedWarm, *, node: Node = NODE, lever: str = "yes") -> Warmth:
    engine = FakeEngine()
    for name in ("keycloak/keycloak:1", "postgres:15"):
        engine.in_registry[name] = Image(id=name, tags=(name,), digests=(), diff_ids=(), size_bytes=1)
    return warmth(
        need,
        choose("stock", [f"provider.warm={lever}"]),
        run="r",
        node=node,
        engine=engine,
        runner=ScriptedRunner(),
        clock=ManualClock(),
        say=str,
        make=warm,  # type: ignore[arg-type]
    )


def test_one_that_is_as_it_was_made_is_used_and_told(need: Need, tmp_path: Path) -> None:
    warm = ScriptedWarm(tmp_path)
    used = found(need, warm)
    assert used.warm is warm
    told = used.told(need)
    assert (told.warm, told.because, told.memory_bytes, told.version) == (True, None, 650, "1.0.0+1")
    assert warm.made == []


def test_one_that_failed_its_check_is_made_anew(need: Need, tmp_path: Path) -> None:
    warm = ScriptedWarm(tmp_path, fault="changed")
    assert found(need, warm).warm is warm
    assert warm.made == ["1.0.0+1"]


def test_one_that_another_run_uses_is_left_to_it(need: Need, tmp_path: Path) -> None:
    warm = ScriptedWarm(tmp_path, fault="changed")
    warm.used_by = ("r", "other-1")
    left = found(need, warm)
    assert left.because == "the warm one is not as it was made, and run other-1 uses it: 1.0.0+1: changed"
    assert (warm.made, left.told(need).warm) == ([], False)


def test_where_none_is_or_none_can_be_made_the_run_is_told_why(need: Need, tmp_path: Path) -> None:
    none = found(need, ScriptedWarm(tmp_path, record=None))
    assert none.because == "there is no warm one; `cc-ci provider up keycloak` makes it"
    assert none.told(need).because == none.because
    broken = ScriptedWarm(tmp_path, fault="changed")
    broken.broken = InfrastructureError("provider keycloak: not ready")
    assert found(need, broken).because == "provider keycloak: not ready"
    foreign = msgspec.structs.replace(NODE, kind="foreign")
    assert found(need, broken, node=foreign).because == "node n is not cc-ci's own"
    other = msgspec.structs.replace(need, name="authentik")
    assert found(other, broken).because == "none of authentik is kept"


def test_who_asks_for_none_has_none(need: Need, tmp_path: Path) -> None:
    warm = ScriptedWarm(tmp_path, fault="changed")
    assert found(need, warm, lever="no") == found(None, warm) == Warmth()
    assert warm.made == []
