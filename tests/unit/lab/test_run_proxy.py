"""Who has which place for a proxy, without Docker."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import Container
from cc_ci.errors import InfrastructureError, Interrupted
from cc_ci.lab import proxy
from cc_ci.lab.addresses import choose
from cc_ci.lab.node_records import Record, Wanted
from cc_ci.lab.places import Places, places
from cc_ci.lab.proxy import ProxyPlace
from cc_ci.lab.run_proxy import RunProxy, forget
from cc_ci.system.clock import ManualClock
from cc_ci.system.files import write_atomic
from cc_ci.system.identity import Identity
from cc_ci.system.process import Completed, ScriptedRunner
from cc_ci.system.stopping import StopToken, current, under


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A node whose services run, by what is known of it."""
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "s"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "r"))
    found = places("n")
    found.runtime.mkdir(parents=True)
    record = Record(name="n", wanted=Wanted(), addresses=choose([]))
    write_atomic(found.record, msgspec.json.encode(record))
    alive = msgspec.json.encode(Identity.of(os.getpid()))
    write_atomic(found.runtime / "proxy-services.process.json", alive)
    return found


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(ManualClock())


NODE = Node(
    name="n", kind="private", docker_host="unix:///s", address="10.213.0.2", ci_domain="ci.test", ipvs=False
)


def run_proxy(engine: FakeEngine, run: str = "r1") -> RunProxy:
    return RunProxy(NODE, engine, ScriptedRunner(), labels={"cc-ci.run": run}, clock=ManualClock())


def has(engine: FakeEngine, number: int, *, run: str) -> None:
    labels = {"cc-ci.run": run, "cc-ci.role": "proxy"}
    name = f"cc-ci-proxy-{number}"
    engine.has(
        "container",
        Container(id=name, name=name, labels=labels, created=0.0, state="running", image="", image_id=""),
    )


def furnished(here: Places, number: int) -> Path:
    folder = here.proxies / str(number)
    (folder / "certificates").mkdir(parents=True)
    return folder


def test_addresses_of_proxies_are_the_node_s_and_no_one_else_s() -> None:
    chosen = choose([])
    assert str(chosen.proxies) == "10.213.0.128/25"
    others = (chosen.host, chosen.node, chosen.uplink, *chosen.upstreams)
    assert not any(proxy_address in others for proxy_address in map(str, chosen.proxies))


@pytest.mark.attack(
    what="Runs that died, or run at once, take every address that a node has for proxies.",
    before="There was one proxy for all runs.",
    now="The next run reports this before it deploys anything, with the command that frees addresses.",
    layer="engine",
)
def test_when_all_places_are_taken_it_is_said_with_the_remedy(engine: FakeEngine) -> None:
    for number in range(129, 255):
        has(engine, number, run="r2")
    with pytest.raises(InfrastructureError, match="all addresses for proxies are taken; `cc-ci reap`"):
        run_proxy(engine).start()


def test_a_node_whose_services_ended_is_ours_to_mend_and_no_recipe_s_fault(
    engine: FakeEngine, here: Places
) -> None:
    (here.runtime / "proxy-services.process.json").unlink()
    with pytest.raises(
        InfrastructureError, match=r"proxy-services ended: .*`cc-ci node up --name n` repairs"
    ):
        run_proxy(engine).start()


def test_an_end_before_the_start_removes_nothing_of_others(engine: FakeEngine, here: Places) -> None:
    has(engine, 129, run="r2")
    folder = furnished(here, 129)
    mine = run_proxy(engine)
    mine._place = place_of(here, 129)
    mine.remove()
    assert folder.exists()
    assert [container.name for container in engine.containers()] == ["cc-ci-proxy-129"]


def test_an_end_gives_the_place_back_and_a_second_one_is_no_trouble(engine: FakeEngine, here: Places) -> None:
    has(engine, 129, run="r1")
    folder = furnished(here, 129)
    mine = run_proxy(engine)
    mine._place = place_of(here, 129)
    mine.remove()
    mine.remove()
    assert not folder.exists()
    assert engine.containers() == ()


class StoppedAsItCreates:
    """A docker client; while it makes the container, the run is told to stop, and the engine goes on."""

    def __init__(self, engine: FakeEngine, token: StopToken) -> None:
        self._engine = engine
        self._token = token

    def __call__(self, argv: Sequence[str], **_options: object) -> Completed:
        if argv[1] == "create":
            self._token.stop(Interrupted("ended by SIGTERM"))
        current().check()
        if argv[1] == "create":
            has(self._engine, 129, run="r1")
        return Completed(argv=tuple(argv), returncode=0, stdout="cc-ci/proxy:1\n", stderr="")


def test_a_stop_as_its_container_is_made_leaves_none(engine: FakeEngine) -> None:
    token = StopToken()
    docker = StoppedAsItCreates(engine, token)
    mine = RunProxy(NODE, engine, docker, labels={"cc-ci.run": "r1"}, clock=ManualClock())
    with pytest.raises(Interrupted), under(token):
        mine.start()
    mine.remove()
    assert ("remove_container", "cc-ci-proxy-129") in engine.calls
    assert engine.containers() == ()


def test_a_kept_one_stays(engine: FakeEngine, here: Places) -> None:
    has(engine, 129, run="r1")
    mine = run_proxy(engine)
    mine._place = place_of(here, 129)
    mine.leave_kept()
    mine.remove()
    assert len(engine.containers()) == 1


def test_the_dead_s_keys_go_and_those_of_nobody_and_no_others(engine: FakeEngine, here: Places) -> None:
    has(engine, 129, run="dead")
    has(engine, 130, run="live")
    dead, live, nobody = (furnished(here, number) for number in (129, 130, 131))
    assert forget(NODE, engine, {"dead"}) == (dead, nobody)
    assert [folder.exists() for folder in (dead, live, nobody)] == [False, True, False]


def test_a_foreign_node_has_none(engine: FakeEngine) -> None:
    assert forget(msgspec.structs.replace(NODE, kind="foreign"), engine, {"dead"}) == ()


def place_of(here: Places, number: int) -> ProxyPlace:
    addresses = choose([]).proxies
    return ProxyPlace(node=here, number=number, address=addresses[number - 128])


def test_its_container_may_do_little_and_sees_its_own(here: Places) -> None:
    line = proxy.create_argv(place_of(here, 130), image="i", flags=("--x",), labels={"cc-ci.run": "r1"})
    assert {"--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges"} <= set(line)
    assert "--user=1700000130:1700000130" in line
    assert [word for word in line if word.startswith("--publish")] == [
        f"--publish=10.213.0.130:{port}:{port}" for port in (80, 443)
    ]
    sources = [word.split("source=")[1].split(",")[0] for word in line if word.startswith("--mount")]
    own = here.proxies / "130"
    assert sources == [str(here.runtime / "filtered"), str(own / "certificates"), str(own / "tmp")]
