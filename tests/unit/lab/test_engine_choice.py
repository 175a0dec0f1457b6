"""Which engine a node gets when none is asked for, when a suite is, and when it can't be had."""

from pathlib import Path

import msgspec
import pytest

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.lab.engine_choice import by_default, exact_name
from cc_ci.lab.engine_roots import RECORD, EngineRoot, engine_name
from cc_ci.lab.node_records import SYSTEM


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))


def keep(suite: str, version: str = "28.5.2+dfsg4-5") -> EngineRoot:
    packages = {"docker.io": version, "containerd": "2.1.9", "runc": "1.3.6"}
    made = EngineRoot(
        name=engine_name(packages), suite=suite, packages=packages, size_bytes=400_000_000, seconds=14.0
    )
    made.root.mkdir(parents=True)
    (made.root.parent / RECORD).write_bytes(msgspec.json.encode(made))
    return made


def never(suite: str) -> EngineRoot:
    raise AssertionError(suite)


def no_network(_suite: str) -> EngineRoot:
    raise InfrastructureError("forky: apt-get update: exit 100: could not resolve host")


@pytest.mark.parametrize("version", ["28.0.1", "29.1.0", "28"])
def test_the_machines_own_is_taken_from_28_on(version: str) -> None:
    assert by_default(version, build=never, say=print) == SYSTEM


@pytest.mark.parametrize(
    ("version", "own"),
    [("20.10.24", "'s own is 20.10.24"), ("27.5.1", "'s own is 27.5.1"), (None, " has none")],
)
def test_an_older_one_gives_way_to_forkys_and_it_is_said(version: str | None, own: str) -> None:
    kept, told = keep("forky"), list[str]()
    assert by_default(version, build=never, say=told.append) == kept.name
    why = f"this machine{own}, and operators run 28 and newer"
    assert told == [f"engine: 28.5.2 of Debian forky; {why}"]


@pytest.mark.parametrize("asked", ["trixie", "forky"])
def test_an_engine_that_is_not_kept_yet_is_built_and_its_cost_told(asked: str) -> None:
    told = list[str]()
    name = exact_name(asked, build=keep, say=told.append)
    assert name.startswith("docker-28.5.2")
    assert told[0].startswith(f"engine of Debian {asked}: is not kept yet; building it takes")
    assert told[1:] == [f"engine {name}: made in 14 s, 400 MB"]
    assert exact_name(asked, build=never, say=print) == name


def test_where_it_cant_be_built_no_other_takes_its_place() -> None:
    with pytest.raises(InfrastructureError) as refused:
        by_default("20.10.24", build=no_network, say=print)
    assert str(refused.value) == (
        "engine of Debian forky: can't be built: forky: apt-get update: exit 100: could not resolve host;"
        " `--engine system` goes on with the machine's own"
    )
    with pytest.raises(
        InfrastructureError, match=r"engine of Debian trixie: can't be built: .*`--engine system`"
    ):
        exact_name("trixie", build=no_network, say=print)


def test_an_engine_that_there_is_not_is_refused() -> None:
    assert exact_name("system", build=never, say=print) == SYSTEM
    with pytest.raises(UsageError, match="engine bookworm: is not kept"):
        exact_name("bookworm", build=never, say=print)
