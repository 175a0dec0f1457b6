"""The guard's own census: what the engine and the machine have, whose it is, and what was left."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from cc_ci_guard import census, engine, machine
from cc_ci_guard.census import Taken, Thing, difference
from cc_ci_guard.command import guard
from cc_ci_guard.errors import GuardBlindError, GuardUsageError

NOW = 1_800_000_000.0
MADE = "2027-01-15T07:59:00.123456789Z"
LABELS = {"cc-ci.run": "pocket-1"}
ANSWERS: dict[str, Any] = {
    "/services": [
        {
            "ID": "s",
            "CreatedAt": MADE,
            "Spec": {"Name": "app", "Labels": {**LABELS, "traefik.http.routers.app.rule": "Host(`a`)"}},
        }
    ],
    "/containers/json?all=1": [
        {"Names": ["/app.1"], "Created": int(NOW) - 5, "Labels": LABELS, "State": "running"}
    ],
    "/networks": [{"Name": "bridge", "Created": "2027-01-15T09:00:00+01:00", "Labels": None}],
    "/volumes": {"Volumes": [{"Name": "notes", "CreatedAt": "2027-01-15T08:00:00Z", "Labels": LABELS}]},
    "/secrets": [{"Spec": {"Name": "password", "Labels": LABELS}, "CreatedAt": "odd"}],
    "/configs": None,
}


class ScriptedEngine:
    def __init__(self, **answers: Any) -> None:
        self.answers = {**ANSWERS, **answers}
        self.asked: list[str] = []

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:  # noqa: ARG002 - as an engine is asked
        self.asked.append(f"{method} {path}")
        found = self.answers[path]
        if isinstance(found, int):
            return found, b'{"message": "no"}'
        return 200, found if isinstance(found, bytes) else json.dumps(found).encode()


def test_all_that_the_engine_has_is_told_with_its_owner_and_age() -> None:
    told = [thing.line for thing in engine.things(ScriptedEngine(), now=NOW)]
    assert told == [
        "service app: of run pocket-1, 60 s old",
        "router Host(`a`): of run pocket-1, 60 s old",
        "container app.1: of run pocket-1, 5 s old",
        "network bridge: of no run, 0 s old",
        "volume notes: of run pocket-1, 0 s old",
        "secret password: of run pocket-1, of unknown age",
    ]


def test_an_engine_that_refuses_leaves_the_guard_blind() -> None:
    with pytest.raises(GuardBlindError, match="GET /networks: 500"):
        list(engine.things(ScriptedEngine(**{"/networks": 500}), now=NOW))


DATABASE = "cc-ci-provider-keycloak-db"


def with_provider(state: str, *, code: int = 0) -> ScriptedEngine:
    return ScriptedEngine(
        **{
            "/containers/json?all=1": [{"Names": [f"/{DATABASE}"], "State": state}],
            f"/containers/{DATABASE}/exec": {"Id": "e"},
            "/exec/e/start": b"master\r\nrun-1\r\n",
            "/exec/e/json": {"ExitCode": code},
        }
    )


def test_realms_are_read_from_the_providers_database() -> None:
    found, unseen = engine.realms(with_provider("running"))
    assert [(one.kind, one.name) for one in found] == [("realm", "master"), ("realm", "run-1")]
    assert unseen == ()


def test_a_provider_that_can_t_be_asked_is_told() -> None:
    assert engine.realms(with_provider("paused"))[1] == (f"realms of {DATABASE}: it is paused",)
    with pytest.raises(GuardBlindError, match="psql exit 2"):
        engine.realms(with_provider("running", code=2))


class AtSocket(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([self.path]).encode())

    def log_message(self, *words: object) -> None:
        pass

    def address_string(self) -> str:
        return "here"


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "docker.sock"
    with socketserver.UnixStreamServer(str(path), AtSocket) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


def test_the_engine_is_asked_at_its_socket(socket: Path) -> None:
    assert engine.at_socket(socket)("GET", "/services") == (200, b'["/services"]')


def test_a_socket_at_which_nobody_listens_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(GuardBlindError, match="is the node up"):
        engine.at_socket(tmp_path / "none")("GET", "/services")


@pytest.fixture
def places(tmp_path: Path) -> machine.Places:
    for folder in (
        "proc/self",
        "netns",
        "state/nodes/mine/docker/volumes",
        "run/mine",
        "tmp",
        "state/scratch",
    ):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/uptime").write_text("1000.0 1.0\n")
    (tmp_path / "proc/self/mountinfo").write_text("")
    (tmp_path / "proc/locks").write_text("")
    return machine.Places(
        node="mine",
        state=tmp_path / "state",
        runtime=tmp_path / "run",
        proc=tmp_path / "proc",
        netns=tmp_path / "netns",
        temporary=tmp_path / "tmp",
    )


def process(places: machine.Places, pid: int, *, group: str, words: str) -> None:
    folder = places.proc / str(pid)
    folder.mkdir()
    (folder / "cgroup").write_text(f"4:memory:{group}\n0::/\n")
    (folder / "cmdline").write_text(words.replace(" ", "\0"))
    (folder / "stat").write_text(f"{pid} (a) b) S {' '.join(['0'] * 18)} 99000 0")


def nothing_said(argv: Sequence[str]) -> str:
    return "[]" if "-json" in argv else ""


def kept(places: machine.Places, said: machine.Said = nothing_said) -> Taken:
    nothing = ScriptedEngine(**dict.fromkeys(ANSWERS))
    return machine.take(places, ask=nothing, said=said, now=NOW)


def names(places: machine.Places, kind: str) -> list[str]:
    return [thing.name for thing in kept(places).things if thing.kind == kind]


def test_processes_are_the_nodes_by_their_group_or_their_arguments(places: machine.Places) -> None:
    process(places, 1, group="/cc-ci/mine/volumes/suite", words="sleep 9")
    process(places, 2, group="/cc-ci/mine2/engine", words="sleep 9")
    process(places, 3, group="/user", words=f"dnsmasq --conf {places.runtime}/mine/names.conf")
    process(places, 4, group="/user", words=f"dnsmasq --conf {places.runtime}/mine2/names.conf")
    process(places, 5, group="/cc-ci/mine", words="dockerd")
    found = [thing for thing in kept(places).things if thing.kind == "process"]
    told = [thing.name for thing in found]
    assert told == ["sleep 9", f"dnsmasq --conf {places.runtime}/mine/names.conf", "dockerd"]
    assert found[0].age == pytest.approx(10.0, abs=1)


def test_namespaces_mounts_and_files_are_the_nodes(places: machine.Places) -> None:
    for name in ("cc-ci-mine", "cc-ci-mine-up", "cc-ci-mine2"):
        (places.netns / name).touch()
    (places.proc / "self/mountinfo").write_text(
        f"1 2 0:1 / {places.runtime}/mine/ns/mnt rw\n1 2 0:1 / {places.runtime}/mine2/ns rw\n"
    )
    (places.state / "nodes/mine/docker/volumes/a").touch()
    (places.state / "nodes/mine/proxies").mkdir()
    (places.temporary / "cc-ci-left").touch()
    (places.temporary / "others").touch()
    assert names(places, "namespace") == ["cc-ci-mine", "cc-ci-mine-up"]
    assert names(places, "mount") == [f"{places.runtime}/mine/ns/mnt"]
    assert names(places, "file") == [
        f"{places.state}/nodes/mine/proxies",
        f"{places.temporary}/cc-ci-left",
    ]


def test_the_folder_of_a_run_is_residue_once_nobody_holds_it(places: machine.Places) -> None:
    left, live = (places.state / f"scratch/pocket-20261126-04461{number}-4fce" for number in (1, 2))
    for folder in (left, live):
        folder.mkdir()
        (folder / "inside").touch()
    (places.proc / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE 77 fe:00:{live.stat().st_ino} 0 EOF\n")
    found = [thing for thing in kept(places).things if thing.kind == "file"]
    assert [(thing.name, thing.owner) for thing in found] == [(str(left), left.name)]


def test_a_lock_counts_while_somebody_holds_it(places: machine.Places) -> None:
    held, free = places.runtime / "mine.lock", places.runtime / "mine/free.lock"
    others = places.runtime / "other.lock"
    for path in (held, free, others):
        path.touch()
    (places.proc / "locks").write_text(
        "".join(f"1: FLOCK  ADVISORY  WRITE 77 00:17:{path.stat().st_ino} 0 EOF\n" for path in (held, others))
    )
    assert names(places, "lock") == [str(held)]


def test_links_routes_and_rules_are_those_of_the_nodes_namespace(places: machine.Places) -> None:
    def said(argv: Sequence[str]) -> str:
        assert argv[:2] == ["nsenter", f"--net={places.netns}/cc-ci-mine"]
        if "link" in argv:
            return '[{"ifname": "lo"}]'
        if "route" in argv:
            return '[{"dst": "default", "dev": "tap0"}]'
        return "# made\n:INPUT ACCEPT [1:2]\n-A INPUT -j CC-CI-IN\nCOMMIT\n" if "filter" in argv else ""

    told = [(thing.kind, thing.name) for thing in kept(places, said).things]
    assert told == [
        ("link", "lo"),
        ("route", "default by tap0"),
        ("firewall rule", "filter: -A INPUT -j CC-CI-IN"),
    ]


def test_what_could_not_be_looked_at_is_told(places: machine.Places) -> None:
    def said(argv: Sequence[str]) -> str:
        raise GuardBlindError("nsenter: no such file")

    assert kept(places, said).unseen == (
        "links and routes: nsenter: no such file",
        "firewall rules: nsenter: no such file",
    )


def taken(*things: Thing, unseen: tuple[str, ...] = ()) -> Taken:
    return Taken(node="mine", things=things, unseen=unseen)


VOLUME = Thing(kind="volume", name="notes", owner="pocket-1", age=3.0)


@pytest.mark.parametrize("kind", census.THING_KINDS)
def test_residue_of_every_kind_is_found(kind: census.ThingKind) -> None:
    thing = Thing(kind=kind, name="left", age=1.0)
    found = difference(taken(VOLUME), taken(VOLUME, thing))
    assert found.left == (thing,)
    assert list(census.lines(found)) == [f"left: {kind} left: of no run, 1 s old"]
    assert difference(taken(VOLUME, thing), taken(VOLUME)).lost == (thing,)


def test_of_two_with_one_name_the_new_one_is_the_residue() -> None:
    old, new = (Thing(kind="process", name="sleep 9", age=age) for age in (100.0, 2.0))
    assert difference(taken(old), taken(new, old)).left == (new,)


def test_age_and_owner_tell_nothing_apart() -> None:
    assert difference(taken(VOLUME), taken(msgspec.structs.replace(VOLUME, age=9.0))).clean


def test_what_can_t_be_seen_any_more_is_residue() -> None:
    found = difference(taken(), taken(unseen=("realms: it is paused",)))
    assert not found.clean
    assert difference(taken(unseen=("a",)), taken(unseen=("a",))).clean


def test_two_nodes_are_not_compared() -> None:
    other = msgspec.structs.replace(taken(), node="other")
    with pytest.raises(GuardUsageError, match="take both of one node"):
        difference(taken(), other)


def test_a_census_is_kept_and_read_again(tmp_path: Path) -> None:
    census.save(taken(VOLUME), tmp_path / "before.json")
    assert census.load(tmp_path / "before.json") == taken(VOLUME)
    (tmp_path / "before.json").write_text("[]")
    with pytest.raises(GuardUsageError, match="no census"):
        census.load(tmp_path / "before.json")


def test_the_command_exits_4_where_something_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc_ci_guard.command._census", lambda _: taken(VOLUME))
    before = tmp_path / "before.json"
    assert CliRunner().invoke(guard, ["census", "--save", str(before)]).exit_code == 0
    assert CliRunner().invoke(guard, ["census", "--against", str(before)]).exit_code == 0
    census.save(taken(), before)
    found = CliRunner().invoke(guard, ["census", "--against", str(before)])
    assert (found.exit_code, found.output) == (4, "left: volume notes: of run pocket-1, 3 s old\n")


def test_a_node_that_is_not_up_ends_in_one_line(tmp_path: Path) -> None:
    run = CliRunner(env={"CC_CI_RUNTIME": str(tmp_path), "CC_CI_STATE": str(tmp_path)})
    found = run.invoke(guard, ["census", "--node", "none"])
    assert (found.exit_code, found.output.count("\n")) == (3, 1)
