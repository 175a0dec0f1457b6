"""The sandbox against real attacks, and suites with a real browser, on a network of the test's own."""

import contextlib
import ctypes
import functools
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psutil
import pytest
import trustme

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.furnishing import furnish
from cc_ci.suite.protocol import AppFacts
from cc_ci.suite.report import TestReport
from cc_ci.suite.runner import SuiteRunner
from cc_ci.suite.sandbox import Sandbox, sandbox_uid
from cc_ci.suite.spares import Ahead
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.redaction import Redactor
from cc_ci.system.waiting import wait_until

pytestmark = pytest.mark.integration

DOMAIN = "tiny-123456.ci.test"
PASSWORD = "correct-horse-battery"
MACHINE = "198.18.77.1"
CONTAINER = "198.18.78.9"
PUBLISHED, STRANGER = "198.18.79.1", "198.18.79.2"
"""Addresses of the node: where the app is, and a proxy of another run."""
IPTABLES = "nsenter --net=/run/netns/{} iptables -w -t nat"
CLONE_NEWNET = 0x40000000
PAGE = f"""<!doctype html>
<title>tiny</title>
<button onclick="keep()">Keep</button>
<p id="said" role="status"></p>
<script>
  console.log('key is {PASSWORD}')
  const keep = async () => {{
    await fetch('/marks/b', {{method: 'PUT', body: 'by hand'}})
    said.textContent = 'kept'
  }}
</script>"""


class Marks(http.server.BaseHTTPRequestHandler):
    """A page with a button, and small texts under /marks/."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes]

    def do_GET(self) -> None:
        page = {"/": PAGE.encode()}.get(self.path) or self.kept.get(self.path)
        self._answer(200 if page else 404, page or b"")

    def do_PUT(self) -> None:
        full = self.path.startswith("/full/")
        self.kept[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self._answer(507 if full else 201, b"")

    def do_DELETE(self) -> None:
        self._answer(204 if self.kept.pop(self.path, None) else 404, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None: ...


@pytest.fixture(scope="module")
def namespace() -> Iterator[Path]:
    missing = [tool for tool in ("bwrap", "setpriv", "nsenter", "ip", "chromium") if not shutil.which(tool)]
    if missing or os.geteuid() != 0:
        reason = f"needs root and {', '.join(missing) or 'nothing else'}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    names = f"suite-{os.getpid()}", f"suite-{os.getpid()}-c"
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    connect(*names)
    yield Path("/run/netns") / names[0]
    for name in names:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def connect(node: str, container: str) -> None:
    """Link the node to the machine, as a node is, and a container to its bridge, with a published port."""
    one, two = f"so{os.getpid()}", f"sc{os.getpid()}"
    commands = f"""
        ip -n {node} link set lo up
        ip link add {one} type veth peer name out netns {node}
        ip address add {MACHINE}/30 dev {one}
        ip link set {one} up
        ip -n {node} address add 198.18.77.2/30 dev out
        ip -n {node} link set out up
        ip -n {node} link add bridge0 type bridge
        ip -n {node} address add 198.18.78.1/24 dev bridge0
        ip -n {node} link set bridge0 up
        ip link add {two} netns {node} type veth peer name eth0 netns {container}
        ip -n {node} link set {two} master bridge0 up
        ip -n {container} address add {CONTAINER}/24 dev eth0
        ip -n {container} link set eth0 up
        ip -n {container} route add default via 198.18.78.1
        ip -n {node} address add {PUBLISHED}/32 dev lo
        ip -n {node} address add {STRANGER}/32 dev lo
        nsenter --net=/run/netns/{node} sysctl -qw net.ipv4.ip_forward=1
        {IPTABLES.format(node)} -A PREROUTING -d {PUBLISHED} -p tcp --dport 80 -j DNAT --to {CONTAINER}:80
        {IPTABLES.format(node)} -A OUTPUT -d {PUBLISHED} -p tcp --dport 80 -j DNAT --to {CONTAINER}:80
        {IPTABLES.format(node)} -A POSTROUTING -o bridge0 -j MASQUERADE
    """
    for command in filter(None, map(str.split, commands.splitlines())):
        subprocess.run(command, check=True)


def listening(namespace: Path, address: tuple[str, int]) -> socket.socket:
    """A socket that listens inside `namespace`: made by a thread that goes there and ends."""
    made: list[socket.socket] = []

    def make() -> None:
        with namespace.open() as entry:
            assert ctypes.CDLL(None, use_errno=True).setns(entry.fileno(), CLONE_NEWNET) == 0
        made.append(socket.create_server(address))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


def serve(listener: socket.socket, *, issuer: trustme.CA) -> http.server.ThreadingHTTPServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(DOMAIN).configure_cert(context)
    handler = type("Kept", (Marks,), {"kept": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def site(namespace: Path) -> Iterator[None]:
    server = serve(listening(namespace, (PUBLISHED, 443)), issuer=authority())
    # the same name at another address, where a certificate of a stranger's is shown
    stranger = serve(listening(namespace, (STRANGER, 443)), issuer=trustme.CA())
    yield
    server.shutdown()
    stranger.shutdown()


@pytest.fixture
def node(namespace: Path, site: None, tmp_path: Path) -> Node:
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    return Node(
        name="test",
        kind="private",
        docker_host="unix:///nowhere",
        address=PUBLISHED,
        ci_domain="ci.test",
        ipvs=False,
        ca_certificate=tmp_path / "ca.pem",
        ca_bundle=tmp_path / "ca.pem",
        network_namespace=namespace,
    )


APP = AppFacts(domain=DOMAIN, stack_name="tiny", services=("app",), secrets={"password": PASSWORD})


@pytest.fixture(params=["made when it is called", "begun ahead"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both values of the levers `suite.ahead` and `browser.ahead`: nothing may hold in one of them only."""
    monkeypatch.setattr(sys.modules[__name__], "BEGUN_AHEAD", request.param == "begun ahead")


BEGUN_AHEAD = False


@contextlib.contextmanager
def called(node: Node, tmp_path: Path, suite: Suite) -> Iterator[SuiteRunner]:
    """Whoever calls the suite; where calls are begun ahead, they have to be."""
    argv: list[str] = []
    runner = suite_runner(node, tmp_path, log=argv.append)
    if BEGUN_AHEAD:
        ahead = Ahead(seedings=2 if suite.seeds else 0, sessions=1, browser=True)
        runner.start_ahead(suite, ahead, folder=tmp_path / "run")
    try:
        yield runner
    finally:
        runner.close()
    kinds = {word for line in argv for word in line.split() if word.startswith("cc_ci.suite.inside.")}
    assert not BEGUN_AHEAD or kinds == {"cc_ci.suite.inside.ahead"}


def suite_runner(node: Node, tmp_path: Path, *, log: Callable[[str], None] | None = None) -> SuiteRunner:
    return SuiteRunner(
        node=node,
        runner=LocalRunner(log=log),
        clock=SystemClock(),
        logs=lambda service: f"{service} began, {PASSWORD}",
        redact=Redactor(),
        scratch_root=tmp_path / "scratch",
    )


def write_suite(tmp_path: Path, **files: str) -> Suite:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "suite.toml").write_text(
        'recipe = "tiny"\nsecrets = ["password"]\n' + ('seeds = "seed.py"\n' if "seed" in files else "")
    )
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    return read_suite(folder)


def run(
    node: Node, tmp_path: Path, *, timeout: float = 60, select: str | None = None, **files: str
) -> TestReport:
    suite = write_suite(tmp_path, **files)
    with called(node, tmp_path, suite) as runner:
        return runner.run_tests(suite, APP, evidence=tmp_path / "evidence", timeout=timeout, select=select)


ATTACKS = """
import os, socket, stat, subprocess, tempfile

def read_the_password_file():
    open("/etc/shadow").read()

def read_anothers_file():
    open(SECRET_FILE).read()

def list_the_runs_state():
    assert os.listdir(STATE)

def reach_the_engine():
    socket.socket(socket.AF_UNIX).connect(ENGINE)

def reach_a_service_on_the_machines_loopback():
    socket.create_connection(("127.0.0.1", PORT), timeout=2)

def change_the_suite():
    open(SUITE + "/suite.toml", "a").close()

def change_the_python():
    open(PYTHON + "/x", "w").close(); os.unlink(PYTHON + "/x")

def become_root():
    os.setuid(0)

def become_root_by_a_setuid_program():
    os.setresuid(*3 * [os.stat("/usr/bin/su").st_uid])

def take_a_group():
    os.setgroups([0])

def signal_the_run():
    os.kill(RUN, 0)

def make_a_device():
    with tempfile.TemporaryDirectory() as folder:
        os.mknod(folder + "/disk", stat.S_IFBLK | 0o600, os.makedev(1, 1))

def read_the_runs_environment():
    with open(f"/proc/{RUN}/environ", "rb") as stream:
        stream.read()

def mount_something():
    subprocess.run(["mount", "-t", "tmpfs", "none", "/mnt"], check=True, capture_output=True)
    subprocess.run(["umount", "/mnt"], check=True)
"""
NAMES = [line[4:-3] for line in ATTACKS.splitlines() if line.startswith("def ")]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """Things on the machine that an attack would reach if nothing stood in its way."""
    folder = tmp_path_factory.mktemp("target")
    (folder / "secret").write_text("s")
    (folder / "suite.toml").write_text("")
    os.chown(folder / "secret", 12345, 12345)
    (folder / "secret").chmod(0o600)
    with socket.socket(socket.AF_UNIX) as engine, socket.create_server(("127.0.0.1", 0)) as service:
        engine.bind(str(folder / "docker.sock"))
        (folder / "docker.sock").chmod(0o666)
        engine.listen()
        yield {
            "SECRET_FILE": str(folder / "secret"),
            "STATE": str(folder),
            "ENGINE": str(folder / "docker.sock"),
            "PORT": service.getsockname()[1],
            "SUITE": str(folder),
            "PYTHON": sys.prefix,
            "RUN": os.getpid(),
        }


def attack_source(target: dict[str, object], **changed: object) -> str:
    return "".join(f"{name} = {value!r}\n" for name, value in {**target, **changed}.items()) + ATTACKS


@pytest.mark.usefixtures("way")
def test_no_attack_gets_out_of_the_sandbox(node: Node, tmp_path: Path, target: dict[str, object]) -> None:
    source = attack_source(target, SUITE="/suite")
    tests = "".join(f"def test_{name}(): {name}()\n" for name in NAMES)
    report = run(node, tmp_path, test_attacks=source + tests)
    succeeded = [test.id for test in report.tests if test.outcome == "passed"]
    assert len(report.tests) == len(NAMES)
    assert succeeded == []


@pytest.mark.parametrize("name", NAMES)
def test_each_attack_is_a_real_one_without_the_sandbox(name: str, target: dict[str, object]) -> None:
    source = attack_source(target) + f"\n{name}()\n"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


@pytest.mark.attack(
    what="A suite connects to the machine, to a container past its proxy, and to another run's proxy.",
    before="Another run's proxy answered; the others were closed to the suite's uid.",
    now="It has a network of its own, with routes only to its run's proxy and name server.",
    layer="sandbox",
)
@pytest.mark.usefixtures("way")
def test_tests_reach_the_nodes_published_ports_and_nothing_beyond(node: Node, tmp_path: Path) -> None:
    behind = Path(f"{node.network_namespace}-c")
    with socket.create_server((MACHINE, 0)) as service, listening(behind, (CONTAINER, 80)):
        places = {
            "machine": (MACHINE, service.getsockname()[1]),
            "direct": (CONTAINER, 80),
            "stranger": (STRANGER, 443),
            "published": (PUBLISHED, 80),
        }
        probes = {
            name: f"import socket; socket.create_connection({place!r}, timeout=3)"
            for name, place in places.items()
        }
        report = run(
            node, tmp_path, test_it="".join(f"def test_{name}(): {probes[name]}\n" for name in probes)
        )
        for probe in probes.values():
            # on the node itself each is in reach
            enter = ["nsenter", f"--net={node.network_namespace}", sys.executable, "-c", probe]
            assert subprocess.run(enter, check=False).returncode == 0
    said = {test.id.split("test_")[-1]: test.message for test in report.tests}
    away = "OSError: [Errno 101] Network is unreachable"
    assert said == {"machine": away, "direct": away, "stranger": away, "published": None}


PORT = 18231
LISTENER = f"""
import os, socket
def test_listens():
    tcp, abstract = socket.create_server(("0.0.0.0", {PORT})), socket.socket(socket.AF_UNIX)
    abstract.bind("\\0cc-ci-neighbour")
    abstract.listen()
    with socket.socket(type=socket.SOCK_DGRAM) as out:
        out.connect(("{PUBLISHED}", 9))
        address = out.getsockname()[0]
    for connect in (("127.0.0.1", {PORT}), (address, {PORT})):
        socket.create_connection(connect, timeout=3)
    socket.socket(socket.AF_UNIX).connect("\\0cc-ci-neighbour")
    os.mkfifo("/evidence/end")
    open("/evidence/new", "w").write(address)
    os.rename("/evidence/new", "/evidence/address")
    assert open("/evidence/end").read() == ""
"""
NEIGHBOUR = f"""
import socket
def test_loopback(): socket.create_connection(("127.0.0.1", {PORT}), timeout=3)
def test_address(): socket.create_connection(("ADDRESS", {PORT}), timeout=3)
def test_abstract(): socket.socket(socket.AF_UNIX).connect("\\0cc-ci-neighbour")
"""


@pytest.mark.attack(
    what="A suite connects to what another run's suite listens on: loopback, an address, an abstract socket.",
    before="All suites of a node shared one loopback interface and one space of abstract sockets.",
    now="Each call has a network of its own.",
    layer="sandbox",
)
@pytest.mark.usefixtures("way")
def test_a_suite_reaches_nothing_of_another_s(node: Node, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    def left() -> list[Path]:
        """Where it says its address: its evidence is where its call wants it when that is over."""
        return [*(tmp_path / "one").glob("*/address"), *(tmp_path / "one").glob("*/*/address")]

    with ThreadPoolExecutor(1) as threads:
        listens = threads.submit(run, node, tmp_path / "one", test_it=LISTENER)
        wait_until(
            lambda: listens.done() or left(),
            name="the first suite to listen",
            ready=bool,
            timeout=60,
            clock=SystemClock(),
        )
        assert not listens.done(), listens.result()
        (address,) = left()
        report = run(node, tmp_path / "two", test_it=NEIGHBOUR.replace("ADDRESS", address.read_text()))
        address.with_name("end").write_text("")
        assert [test.outcome for test in listens.result().tests] == ["passed"]
    said = {test.id.split("test_")[-1]: (test.message or "").partition("]")[0] for test in report.tests}
    refused = "ConnectionRefusedError: [Errno 111"
    assert said == {"loopback": refused, "address": "OSError: [Errno 101", "abstract": refused}


@pytest.mark.usefixtures("way")
def test_what_a_suite_does_is_told_test_by_test(node: Node, tmp_path: Path) -> None:
    report = run(
        node,
        tmp_path,
        seed="def write(app, http, key, value): assert http.put(f'/marks/{key}', content=value).is_success",
        test_some="""
def test_good(app, http, seed):
    assert http.get("/").status_code == 200
    seed.write("a", "1")
    assert http.get("/marks/a").text == "1"
    assert app.logs("app").startswith("tiny_app began")

def test_bad(app, http):
    print(app.secret("password"))
    assert http.get("/none").status_code == 200, app.secret("password")

def test_ours(app): app.secret("other")
""",
    )
    told = {test.id.split("::")[1]: (test.outcome, test.assertions) for test in report.tests}
    assert told == {"test_good": ("passed", 4), "test_bad": ("failed", 0), "test_ours": ("errored", 0)}
    assert report.outcome == "errored"
    evidence = tmp_path / "evidence"
    kept = (evidence / "pytest.log").read_text() + (evidence / "report.jsonl").read_text() + repr(report)
    assert "[redacted]" in kept
    assert PASSWORD not in kept


BROWSE = """
from playwright.sync_api import expect

def test_a_click_has_its_effect(browser, http):
    page = browser.new_page()
    page.goto("/")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status")).to_have_text("kept")
    assert http.get("/marks/b").text == "by hand"
"""


@pytest.mark.usefixtures("way")
def test_a_real_browser_acts_and_leaves_its_evidence(node: Node, tmp_path: Path) -> None:
    report = run(node, tmp_path, test_browse=BROWSE)
    (test,) = report.tests
    answered = f"https://{DOMAIN}/ (test_browse.py::test_a_click_has_its_effect), in line 6,"
    assert f"{answered} shows the secret password" in map(str, report.shown)
    assert (test.outcome, test.assertions, test.message) == ("passed", 2, None)
    assert (test.browser or "").startswith("chromium ")
    (folder,) = (tmp_path / "evidence" / "browser").iterdir()
    assert (folder / "page-1.png").read_bytes().startswith(b"\x89PNG")
    assert "key is [redacted]" in (folder / "console.jsonl").read_text()


ASKING = """
def test_asked_by_a_stranger(http):
    assert http.get("/").status_code == 200

def test_asked_by_a_member(http, app):
    http.put("/marks/own", content=app.secret("password"), headers={"authorization": "Bearer x"})
    assert app.secret("password") in http.get("/marks/own", headers={"authorization": "Bearer x"}).text
"""


def test_secrets_in_answers_and_on_pages_are_told_by_test_and_address(node: Node, tmp_path: Path) -> None:
    report = run(node, tmp_path, test_asking=ASKING, test_browse=BROWSE)
    assert report.outcome == "passed"
    told = {str(one) for one in report.shown}
    where = "in line 6, shows the secret password"
    asked = "test_asking.py::test_asked_by_a_stranger"
    assert f"https://{DOMAIN}/ ({asked}), {where}" in told
    browsed = {one.partition(" (test_browse.py::test_a_click_has_its_effect), ")[0] for one in told}
    # what the browser was answered was there before, and is told once
    assert f"the page https://{DOMAIN}/" in browsed
    assert not [one for one in told if "member" in one or PASSWORD in one]
    assert not list((tmp_path / "evidence").glob("answers*"))


def test_a_certificate_of_a_strangers_is_refused_by_browser_and_client(node: Node, tmp_path: Path) -> None:
    elsewhere = msgspec.structs.replace(node, address=STRANGER)
    simple = "def test_client(http): http.get('/')\n"
    tests = run(elsewhere, tmp_path, test_browse=BROWSE + simple).tests
    said = {test.id.split("::")[1]: (test.outcome, test.message or "") for test in tests}
    assert [outcome for outcome, _message in said.values()] == ["failed", "failed"]
    assert "ERR_CERT_AUTHORITY_INVALID" in said["test_a_click_has_its_effect"][1]
    assert "CERTIFICATE_VERIFY_FAILED" in said["test_client"][1]


@pytest.mark.usefixtures("way")
def test_a_suite_that_hangs_is_ended_and_says_where(node: Node, tmp_path: Path) -> None:
    report = run(
        node,
        tmp_path,
        timeout=6,
        test_hang="""
import subprocess, threading

def test_first(): assert True

def test_stuck():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    threading.Event().wait()
""",
    )
    assert [test.outcome for test in report.tests] == ["passed", "errored"]
    assert (report.tests[1].message or "").startswith("still running after")
    assert report.problems == ("suite tiny: not done after 6 s; pytest.log says where it hangs",)
    assert "in test_stuck" in (tmp_path / "evidence" / "pytest.log").read_text()
    assert_gone(running_as_tests())


def running_as_tests() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["uids"]) if one.info["uids"].real == sandbox_uid()]


def assert_gone(processes: list[psutil.Process]) -> None:
    _gone, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def test_a_run_that_is_killed_takes_its_tests_along(node: Node, tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "broker.sock").touch()
    furnish(tmp_path, uid=1, resolver="", hosts="", ca_bundle=node.ca_bundle, ca_certificate=None)
    sandbox = Sandbox(scratch=tmp_path, evidence=None, uid=sandbox_uid(), network_namespace=None)
    program = sandbox.argv(["sh", "-c", "setsid sleep 1000 & echo up; wait"])
    source = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    with subprocess.Popen([sys.executable, "-c", source, *program], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        started = running_as_tests()
        assert len(started) >= 2
        killed.kill()
    assert_gone(started)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise RuntimeError('at import')", "test_it.py: can't be collected: RuntimeError: at import"),
        ("", "suite tiny: no test found"),
        ("import pytest\ndef test(): pytest.skip('later')", "suite tiny: all 1 tests were skipped"),
        ("import os\ndef test(): os._exit(9)", "suite tiny: pytest exit 9; see pytest.log"),
        ("import os\ndef test(): os._exit(0)", "suite tiny: it went away before its tests were done"),
        ("import pytest\ndef test(): pytest.exit('x', 0)", "suite tiny: 0 of 1 tests were run"),
    ],
)
@pytest.mark.usefixtures("way")
def test_a_suite_that_tests_nothing_is_never_green(
    node: Node, tmp_path: Path, source: str, problem: str
) -> None:
    report = run(node, tmp_path, test_it=source)
    assert (report.problems, report.outcome) == ((problem,), "errored")


def test_evidence_that_would_lead_elsewhere_is_dropped(node: Node, tmp_path: Path) -> None:
    report = run(
        node,
        tmp_path,
        test_it="""
import os
def test():
    os.symlink("/etc/shadow", "/evidence/shadow")
    os.mkfifo("/evidence/pipe")
    os.mkdir("/evidence/kept")
    open("/evidence/kept/note", "w").write("x")
""",
    )
    evidence = tmp_path / "evidence"
    assert sorted(path.name for path in evidence.iterdir()) == ["kept", "pytest.log", "report.jsonl"]
    assert {path.stat().st_uid for path in (evidence, *evidence.rglob("*"))} == {0}
    dropped, empty = report.warnings
    assert dropped.startswith("suite tiny: of its evidence 'pipe', 'shadow' was dropped")
    assert empty == "test_it.py::test: passed without an assertion"


def test_a_second_run_does_not_read_the_first_ones_report(node: Node, tmp_path: Path) -> None:
    runner = suite_runner(node, tmp_path)
    suite = write_suite(tmp_path, test_it="def test_a(): assert 1\ndef test_b(): assert 1")
    first, second = (
        runner.run_tests(suite, APP, evidence=tmp_path / "evidence", select=name)
        for name in ("test_a", "test_b")
    )
    assert [test.id for test in (*first.tests, *second.tests)] == ["test_it.py::test_a", "test_it.py::test_b"]


SEED = """
def write(app, http, key, value):
    print("noise on stdout")
    assert http.put(f"/{key}", content=value).is_success

def read(app, http, key):
    answer = http.get(f"/{key}")
    return answer.text if answer.is_success else None

def delete(app, http, key):
    None.nothing
"""


@pytest.mark.usefixtures("way")
def test_a_marker_goes_in_and_comes_back_through_the_app(node: Node, tmp_path: Path) -> None:
    suite, key = write_suite(tmp_path, seed=SEED), f"marks/{tmp_path.name}"
    with called(node, tmp_path, suite) as runner:
        assert runner.seed_read(suite, APP, key) is None
        runner.seed_write(suite, APP, key, "välue\n2")
        assert runner.seed_read(suite, APP, key) == "välue\n2"
        with pytest.raises(StageFailed, match=r"seed write 'full/s': seed\.py:4: assert .*: AssertionError"):
            runner.seed_write(suite, APP, "full/s", "v")
        with pytest.raises(
            InfrastructureError, match=r"seed delete 'x': seed\.py:11: None\.nothing: AttributeError"
        ):
            runner.seed_delete(suite, APP, "x")
    assert list((tmp_path / "scratch").iterdir()) == []


LEAVING = """
import builtins, os, subprocess

def write(app, http, key, value):
    open("/tmp/left", "w").write(value)
    open("/dev/shm/left", "w").write(value)
    builtins.left = value
    subprocess.Popen(["sleep", "600"])

def read(app, http, key):
    found = [path for path in ("/tmp/left", "/dev/shm/left") if os.path.exists(path)]
    running = [pid for pid in os.listdir("/proc") if pid.isdecimal() and "sleep" in comm(pid)]
    return repr((found, getattr(builtins, "left", None), running))

def comm(pid):
    return open(f"/proc/{pid}/comm").read()

def delete(app, http, key): ...
"""


@pytest.mark.attack(
    what="A seed keeps its marker in the sandbox (a file, a module, a process) and reads it back from there.",
    before="Each call had a sandbox of its own.",
    now="It still has, even if sandboxes are made before the app exists.",
    layer="sandbox",
)
@pytest.mark.usefixtures("way")
def test_a_call_finds_nothing_that_another_left(node: Node, tmp_path: Path) -> None:
    suite = write_suite(tmp_path, seed=LEAVING)
    with called(node, tmp_path, suite) as runner:
        runner.seed_write(suite, APP, "k", "kept here")
        assert runner.seed_read(suite, APP, "k") == "([], None, [])"


ORDERS = """
import os, stat

def test_it_is_a_pipe_that_can_only_be_read():
    assert stat.S_ISFIFO(os.stat("/run/cc-ci/order").st_mode)
    try:
        os.open("/run/cc-ci/order", os.O_WRONLY | os.O_NONBLOCK)
    except PermissionError:
        pass
    else:
        assert False, "it was opened for writing"

def test_there_is_no_other_order_in_it():
    pipe = os.open("/run/cc-ci/order", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert os.read(pipe, 100) == b""
    except BlockingIOError:
        pass
    assert os.listdir("/run/cc-ci") != []
"""


@pytest.mark.attack(
    what="A suite writes into the pipe that tells prepared calls what to do.",
    before="There was no such pipe.",
    now="Each call has a pipe of its own, which it can only read.",
    layer="sandbox",
)
def test_a_suite_gives_no_orders(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "BEGUN_AHEAD", True)
    report = run(node, tmp_path, test_orders=ORDERS)
    assert [(test.outcome, test.message) for test in report.tests] == [("passed", None)] * 2


def test_a_sandbox_that_cannot_be_made_is_our_error(node: Node, tmp_path: Path) -> None:
    gone = msgspec.structs.replace(node, network_namespace=tmp_path / "none")
    with pytest.raises(InfrastructureError, match=r"its sandbox can't be made: nsenter: .*No such file"):
        run(gone, tmp_path, test_it="def test(): assert 1")
