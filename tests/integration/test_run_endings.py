"""How runs end: by a signal, a deadline, a kill, a fault of the recipe; and what they find in the caches."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from calling import LONGEST, QUICK, Cli, until_it_says

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.labels import SERVES
from cc_ci.engine.node import Node
from cc_ci.isolation.census import NodeCensus, lasting_difference, take
from cc_ci.lab.sources import repository
from cc_ci.probes.http import Probe
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner

DEBIANS_OWN_CLIENT = {"PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]


@pytest.fixture(scope="module")
def cli(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(node, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def nothing_left(node: Node) -> Iterator[None]:
    """What is on the node after the test is what was there before it."""
    engine = connect(node, LocalRunner())
    clock = SystemClock()
    # what an earlier test had removed may show for seconds
    empty = NodeCensus(items=tuple(item for item in take(engine).items if item.run is None))
    assert lasting_difference(engine, empty, clock=clock)[0].leaks == ()
    yield
    assert lasting_difference(engine, empty, clock=clock)[0].leaks == ()


@pytest.mark.usefixtures("nothing_left")
class TestEndings:
    """Whatever ends a run, its things are taken away once."""

    def test_a_signal(self, cli: Cli) -> None:
        process = cli.start("run", "pocket", "--stage", "install", *QUICK)
        until_it_says(process, "install: deploy")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONGEST)
        assert process.returncode == 130
        assert cli.latest().verdict == "interrupted"

    def test_a_deadline(self, cli: Cli) -> None:
        # converged for a minute: so it comes while the app is deployed, however busy the machine is
        held = ("--lever", "readiness.stability=60")
        called = cli("run", "pocket", "--stage", "install", "--deadline", "20", *held)
        assert called.returncode == 3
        assert "--deadline" in called.stdout

    def test_kill_9_leaves_what_reap_removes_and_a_live_run_is_spared(self, cli: Cli) -> None:
        process = cli.start("run", "pocket", "--stage", "install", *QUICK)
        until_it_says(process, "waiting for all tasks")
        spared = cli("reap")
        assert spared.stdout.startswith("left     run pocket-")
        process.kill()
        process.communicate(timeout=LONGEST)
        reaped = cli("reap")
        assert reaped.returncode == 0, reaped.stderr
        assert "removed  service" in reaped.stdout
        assert "nothing of any run" in cli("reap").stdout

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
    def test_two_apps_of_one_domain_alive(self, cli: Cli, node: Node, number: signal.Signals) -> None:
        """Ctrl-C removes both; after a kill, reap does, with the proxy that each has."""
        process = cli.start("run", "pocket", "--profile", "fast")
        until_it_says(process, "functional: test (install)")
        proxies = connect(node, LocalRunner()).containers({"cc-ci.role": "proxy"})
        assert {one.labels.get(SERVES) for one in proxies} >= {"upgrade", "install"}
        process.send_signal(number)
        process.communicate(timeout=LONGEST)
        assert process.returncode == (130 if number == signal.SIGINT else -9)
        if number == signal.SIGKILL:
            assert "removed  service" in cli("reap").stdout
        proxies = connect(node, LocalRunner()).containers({"cc-ci.role": "proxy"})
        assert not [one.name for one in proxies if one.labels.get(SERVES)]

    def test_a_kept_app_serves_until_it_is_reaped_by_name(self, cli: Cli) -> None:
        called = cli("run", "pocket", "--stage", "install", "--keep", *QUICK)
        run = cli.latest()
        assert called.returncode == 0, called.stdout
        url = called.stderr.partition("kept: ")[2].splitlines()[0]
        at = called.stderr.partition("--resolve ")[2].split()[0].rpartition(":")[2]
        with Probe(msgspec.structs.replace(cli.node, address=at)) as probe:
            assert probe.request("GET", url).status == 200
        assert "it was kept" in cli("reap").stdout
        assert "removed  service" in cli("reap", "--run", run.run).stdout


@pytest.mark.usefixtures("nothing_left")
class TestCaches:
    def test_cold_is_proved_empty_and_then_warm_proved_full_by_either_client(self, cli: Cli) -> None:
        install = ("run", "pocket", "--stage", "install", *QUICK)
        assert cli(*install, "--cache", "cold", env=DEBIANS_OWN_CLIENT).returncode == 0
        cold = cli.latest().cache
        assert cold.proved is True
        assert all(image.layers_present_before == 0 and image.pulled_bytes for image in cold.images)
        assert cli(*install, "--cache", "warm").returncode == 0
        warm = cli.latest().cache
        assert warm.proved is True
        assert all(image.layers_extracted == 0 for image in warm.images)


Change = tuple[str, str]


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., str]:
    """A copy of the small recipe in which texts of compose.yml are others; its path."""

    def alter(*changes: Change) -> str:
        copy = tmp_path / "pocket"
        shutil.copytree(repository("pocket", runner=LocalRunner()), copy)
        compose = copy / "compose.yml"
        text = compose.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        compose.write_text(text)
        return str(copy)

    return alter


@pytest.mark.usefixtures("nothing_left")
class TestBrokenRecipes:
    """The recipe is to blame, by file and key where there is one, and soon."""

    def test_a_router_without_a_certificate(self, cli: Cli, altered: Callable[..., str]) -> None:
        shorter = (".timeout=${TIMEOUT:-60}", ".timeout=15")
        path = altered(("tls.certresolver=${LETS_ENCRYPT_ENV}", "tls=true"), shorter)
        called = cli("run", path, "--stage", "install", *QUICK)
        assert called.returncode == 1, called.stdout
        assert "certresolver" in called.stdout

    def test_a_crash_loop_is_not_waited_out(self, cli: Cli, altered: Callable[..., str]) -> None:
        path = altered(("entrypoint: /entrypoint.sh", 'entrypoint: ["sh", "-c", "exit 3"]'))
        called = cli("run", path, "--stage", "install", *QUICK)
        assert called.returncode == 1, called.stdout
        assert "service app: ended" in called.stdout

    def test_an_image_that_no_stand_in_is_of(self, cli: Cli, altered: Callable[..., str]) -> None:
        path = altered(("busybox:1.37.0", "busybox:0.0.1"))
        called = cli("run", path, "--stage", "install", *QUICK)
        assert called.returncode == 3, called.stdout
        assert "busybox:0.0.1: neither built nor loaded here" in called.stdout
