"""What a node's programs are called with; pure."""

import shutil
import signal
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from cc_ci.engine.node import Node
from cc_ci.errors import UsageError
from cc_ci.lab import certificates, proxy, upstream
from cc_ci.lab.addresses import choose
from cc_ci.lab.daemons import Daemon
from cc_ci.lab.engine_daemons import dockerd_environment, engine_configuration, swarm_argv
from cc_ci.lab.names import dnsmasq_argv
from cc_ci.lab.places import places
from cc_ci.system.clock import SystemClock
from cc_ci.system.files import RUNTIME_VARIABLE, STATE_VARIABLE
from cc_ci.system.identity import Identity

ADDRESSES = choose([])
KINDS = (("cert", "pem"), ("key", "key"))


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setenv(RUNTIME_VARIABLE, "/run/x")


@pytest.mark.parametrize("name", ["", "Main", "a/b", "a" * 17, "-a"])
def test_a_name_that_can_be_no_node_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 16"):
        places(name)


def test_a_path_too_long_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNTIME_VARIABLE, "/" + "x" * 100)
    with pytest.raises(UsageError, match="CC_CI_RUNTIME"):
        places("main")


def test_interface_names_fit_and_differ() -> None:
    assert len(places("a" * 16).link("h")) <= 15
    assert places("a").link("h") != places("b").link("h")


def test_the_engine_has_everything_of_its_own() -> None:
    node = places("main")
    configuration = engine_configuration(node, ADDRESSES)
    assert configuration["hosts"] == ["unix:///run/x/main/docker.sock", "unix:///run/x/main/app.sock"]
    assert configuration["cgroup-parent"] == "/cc-ci/main/stack"
    assert configuration["dns"] == [ADDRESSES.node]
    own = {str(configuration[key]) for key in ("data-root", "exec-root", "pidfile", "containerd")}
    assert all(path.startswith((str(node.state), str(node.runtime))) for path in own)


def test_dockerd_asks_no_proxy_of_the_user_s_and_trusts_the_lab() -> None:
    environment = dockerd_environment(Path("/ca.pem"))
    assert environment["SSL_CERT_FILE"] == "/ca.pem"
    # else an engine from 29 on refuses Debian 12's own client, and older Traefiks
    assert environment["DOCKER_MIN_API_VERSION"] == "1.24"
    assert environment["HTTPS_PROXY"] == ""


def test_the_swarm_listens_on_loopback_only() -> None:
    argv = swarm_argv(ADDRESSES)
    assert "--listen-addr=127.0.0.1" in argv
    assert f"--default-addr-pool={ADDRESSES.overlays}" in argv


def test_ci_names_are_asked_for_as_they_come_and_hub_names_lead_to_the_registry() -> None:
    argv = dnsmasq_argv(ci_domain="ci.test", upstreams={"docker.io": "10.1.0.66"}, listen=("10.1.0.2",))
    assert "--server=/ci.test/127.0.0.1#5399" in argv
    assert "--no-negcache" in argv
    assert "--address=/registry-1.docker.io/10.1.0.66" in argv
    assert "--conf-file=/dev/null" in argv


def test_the_proxy_is_as_recipes_expect_it_with_its_refresh_a_parameter() -> None:
    stock = proxy.traefik_argv(refresh=15, throttle=2)
    assert "--entrypoints.web-secure.address=:443" in stock
    assert "--providers.swarm.exposedbydefault=false" in stock
    assert "--providers.swarm.refreshseconds=15s" in stock
    assert "--providers.swarm.refreshseconds=1s" in proxy.traefik_argv(refresh=1, throttle=0.1)
    assert "defaultrulesyntax" not in " ".join(stock)
    assert "--core.defaultrulesyntax=v2" in proxy.traefik_argv(refresh=1, throttle=0.1, syntax="v2")


def test_the_link_is_shaped_as_tc_takes_it() -> None:
    assert upstream.shape_argv("100mbit")[-6:] == ("rate", "100mbit", "burst", "256k", "latency", "50ms")
    assert upstream.shape_argv(None)[:3] == ("tc", "qdisc", "del")


def test_the_usual_upstreams_are_served_even_when_empty() -> None:
    (upstream.storages() / "codeberg.org").mkdir(parents=True)
    assert upstream.upstream_names() == ("codeberg.org", "docker.io", "ghcr.io", "quay.io")
    assert len(set(upstream.assigned(ADDRESSES.upstreams, before={}).values())) == 4


def test_what_is_served_keeps_its_address_when_another_registry_comes() -> None:
    before = upstream.assigned(ADDRESSES.upstreams, before={})
    (upstream.storages() / "codeberg.org").mkdir(parents=True)
    later = upstream.assigned(ADDRESSES.upstreams, before=before)
    assert before.items() < later.items()
    assert later["codeberg.org"] not in before.values()


def test_a_certificate_is_laid_where_the_proxy_looks_and_taken_away(tmp_path: Path) -> None:
    certificates.lab_authority().create()
    node = Node(
        name="n",
        kind="private",
        docker_host="unix:///s",
        address="10.1.0.2",
        ci_domain="ci.test",
        ipvs=True,
        certificates=tmp_path / "certificates",
    )
    folder = tmp_path / "certificates"
    folder.mkdir()
    certificates.certify(node, "App.ci.test")
    (told,) = folder.glob("*.yml")
    (pair,) = msgspec.json.decode(told.read_bytes())["tls"]["certificates"]
    assert pair == {f"{kind}File": f"/certificates/{told.stem}.{end}" for kind, end in KINDS}
    assert (folder / f"{told.stem}.key").stat().st_mode & 0o077 == 0
    shown = x509.load_pem_x509_certificate((folder / f"{told.stem}.pem").read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.ci.test"]
    certificates.uncertify(node, "app.ci.test")
    certificates.uncertify(node, "app.ci.test")
    assert list(folder.iterdir()) == []


def test_the_authority_outlives_a_second_creation() -> None:
    authority = certificates.lab_authority()
    authority.create()
    first = authority.certificate.read_bytes()
    authority.create()
    assert authority.certificate.read_bytes() == first
    assert first in authority.bundle.read_bytes()


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon("sleeper", folder=tmp_path, log=tmp_path / "log", clock=SystemClock())


def test_a_daemon_is_started_once_known_again_and_ended(daemon: Daemon, tmp_path: Path) -> None:
    program = shutil.which("sleep") or "sleep"
    assert daemon.start([program, "1000"])
    again = Daemon("sleeper", folder=tmp_path, log=tmp_path / "log", clock=SystemClock())
    assert again.identity == daemon.identity
    assert not again.start([program, "1000"])
    again.stop(patience=5)
    again.stop(patience=5)
    assert daemon.identity is None


def test_a_daemon_that_ignores_a_signal_is_killed(daemon: Daemon) -> None:
    daemon.start(["sh", "-c", f"trap '' {signal.SIGTERM.value}; while :; do sleep 0.05; done"])
    daemon.stop(patience=0.2)
    assert daemon.identity is None


def test_a_pid_of_another_boot_is_nobody_s(daemon: Daemon, tmp_path: Path) -> None:
    stranger = Identity(boot="another", pid=1, started=0)
    (tmp_path / "sleeper.process.json").write_bytes(msgspec.json.encode(stranger))
    assert daemon.identity is None


def test_what_a_daemon_said_last_is_told(daemon: Daemon, tmp_path: Path) -> None:
    assert daemon.last_words() == "it said nothing"
    (tmp_path / "log").write_text("one\ntwo\n")
    assert daemon.last_words() == "two"
