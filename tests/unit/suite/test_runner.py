import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cc_ci.suite.sandboxes
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.suite import inside
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.suite.runner import SuiteRunner
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import Completed, Runner, ScriptedRunner
from cc_ci.system.redaction import Redactor

APP = AppFacts(domain="tiny-1.ci.test", stack_name="tiny-1_ci_test", further_hosts=("www.tiny.test",))
LAB = Node(
    name="lab",
    kind="private",
    docker_host="unix:///lab.sock",
    address="10.9.9.2",
    ci_domain="ci.test",
    ipvs=False,
    network_namespace=Path("/run/netns/lab"),
    mount_namespace=Path("/run/lab/mnt"),
)
FOREIGN = Node(
    name="f", kind="foreign", docker_host="ssh://f", address="192.0.2.7", ci_domain="ci.test", ipvs=True
)
IN_LAB = ("nsenter", "--mount=/run/lab/mnt", "--", "cat")


class Peeking(ScriptedRunner):
    """Also keeps what the sandbox would find in its /etc."""

    etc: Mapping[str, str]

    def __call__(self, argv: Sequence[str], **options: Any) -> Completed:
        if argv[0] == "env":
            folder = next(Path(word) for word in argv if word.endswith("/etc") and word != "/etc")
            self.etc = {name: (folder / name).read_text() for name in ("hosts", "resolv.conf", "passwd")}
        return super().__call__(argv, **options)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "suite.toml").write_text('recipe = "tiny"\ntimeouts = { seed = 7 }\n')
    return read_suite(tmp_path / "tiny")


@pytest.fixture(autouse=True)
def _files_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # sockets given to another uid need root, which unit tests do without
    monkeypatch.setattr("os.chown", lambda *_arguments, **_options: None)
    monkeypatch.setattr(cc_ci.suite.sandboxes, "sandbox_uid", lambda: 1_900_000_001)


def suite_runner(
    node: Node,
    runner: Runner,
    tmp_path: Path,
    clock: ManualClock | None = None,
    redact: Redactor | None = None,
) -> SuiteRunner:
    return SuiteRunner(
        node=node,
        runner=runner,
        clock=clock or ManualClock(),
        logs=lambda service: service,
        redact=redact,
        scratch_root=tmp_path / "scratch",
    )


def test_names_resolve_as_they_do_in_the_lab(suite: Suite, tmp_path: Path) -> None:
    runner = Peeking().on("env", stdout='{"value":"marker"}')
    runner.on(*IN_LAB, "/etc/resolv.conf", stdout="nameserver 127.0.0.5\n")
    runner.on(*IN_LAB, "/etc/hosts", stdout="127.0.0.1 lab\n")
    assert suite_runner(LAB, runner, tmp_path).seed_read(suite, APP, "k") == "marker"
    assert runner.etc["resolv.conf"] == "nameserver 127.0.0.5\n"
    # the app's own names ask no name server, which may be late on a busy machine
    assert runner.etc["hosts"].splitlines() == [
        "127.0.0.1 localhost",
        "10.9.9.2 tiny-1.ci.test",
        "10.9.9.2 www.tiny.test",
        "127.0.0.1 lab",
    ]
    assert runner.etc["passwd"].startswith("suite:x:1900000001:")


def test_the_names_of_an_app_with_a_proxy_of_its_own_lead_there_first(suite: Suite, tmp_path: Path) -> None:
    """Another app of the same domain is there at the same time, and the lab's names may lead to it."""
    runner = Peeking().on("env", stdout='{"value":"marker"}')
    runner.on(*IN_LAB, "/etc/resolv.conf", stdout="nameserver 127.0.0.5\n")
    runner.on(*IN_LAB, "/etc/hosts", stdout="192.0.2.1 tiny-1.ci.test\n")
    own = msgspec.structs.replace(APP, address="192.0.2.9")
    suite_runner(LAB, runner, tmp_path).seed_read(suite, own, "k")
    lines = runner.etc["hosts"].splitlines()
    assert lines[1:3] == ["192.0.2.9 tiny-1.ci.test", "192.0.2.9 www.tiny.test"]
    assert lines[-1] == "192.0.2.1 tiny-1.ci.test"


def test_what_seeds_remember_goes_with_the_data(suite: Suite, tmp_path: Path) -> None:
    """Two apps have one domain: a token of the one is none of the other's, whose data is another."""
    given: list[object] = []

    class Answering(Peeking):
        def __call__(self, argv: Any, **options: Any) -> Any:
            if options.get("stdin"):
                given.append(json.loads(options["stdin"])["kept"])
            return super().__call__(argv, **options)

    runner = Answering().on("env", stdout='{"value":"marker","kept":{"token":"of the first"}}')
    runner.on(*IN_LAB, "/etc/resolv.conf", stdout="").on(*IN_LAB, "/etc/hosts", stdout="")
    runs = suite_runner(LAB, runner, tmp_path)
    first, second = (msgspec.structs.replace(APP, data_of=name) for name in ("upgrade", "install"))
    for app in (first, second, first):
        runs.seed_read(suite, app, "k")
    assert given == [{}, {}, {"token": "of the first"}]


def test_on_a_foreign_node_the_apps_names_lead_to_its_address(suite: Suite, tmp_path: Path) -> None:
    runner = Peeking().on("env", stdout="{}")
    runs = suite_runner(FOREIGN, runner, tmp_path)
    assert runs.seed_read(suite, APP, "k") is None
    assert runner.etc["hosts"].splitlines()[1:] == ["192.0.2.7 tiny-1.ci.test", "192.0.2.7 www.tiny.test"]
    assert runs.warnings == ("suite: its tests see this machine's network, loopback included",)


def test_a_key_and_a_value_go_in_by_stdin_alone(suite: Suite, tmp_path: Path) -> None:
    runner = Peeking().on("env", stdout="{}")
    suite_runner(FOREIGN, runner, tmp_path).seed_write(suite, APP, "the key", "the value")
    assert runner.stdins == ['{"verb":"write","key":"the key","value":"the value","kept":{}}\n']
    assert not any("the value" in word for word in runner.calls[0])


def test_what_a_seed_keeps_is_given_to_the_next_call_on_the_same_app(suite: Suite, tmp_path: Path) -> None:
    runner = Peeking().on("env", stdout='{"kept":{"token":"a-token-of-16-chars"}}')
    redact = Redactor()
    seeds = suite_runner(FOREIGN, runner, tmp_path, redact=redact)
    seeds.seed_write(suite, APP, "k", "v")
    seeds.seed_read(suite, APP, "k")
    seeds.seed_read(suite, msgspec.structs.replace(APP, domain="other.test"), "k")
    assert [msgspec.json.decode(line)["kept"] for line in runner.stdins] == [
        {},
        {"token": "a-token-of-16-chars"},
        {},
    ]
    assert "a-token" not in redact("it said a-token-of-16-chars")


def test_a_seed_that_hangs_is_named_with_its_limit(suite: Suite, tmp_path: Path) -> None:
    clock = ManualClock()

    def hanging(*_argv: object, **_options: object) -> Completed:
        clock.advance(7)
        raise CommandFailed("a very long line", returncode=None)

    with pytest.raises(InfrastructureError, match=r"^suite tiny: seed read 'k': not done after 7 s"):
        suite_runner(FOREIGN, hanging, tmp_path, clock).seed_read(suite, APP, "k")


def test_an_answer_that_is_none_is_ours(suite: Suite, tmp_path: Path) -> None:
    runner = ScriptedRunner().on("env", stdout="Hello")
    with pytest.raises(InfrastructureError, match="seed read 'k': answer not understood"):
        suite_runner(FOREIGN, runner, tmp_path).seed_read(suite, APP, "k")


def test_a_sandbox_that_says_nothing_of_itself_is_ours(suite: Suite, tmp_path: Path) -> None:
    runner = ScriptedRunner().on(
        "env", returncode=1, stderr="bwrap: No permissions to create new namespace\n"
    )
    with pytest.raises(InfrastructureError, match="sandbox can't be made: bwrap: No permissions"):
        suite_runner(FOREIGN, runner, tmp_path).run_tests(suite, APP, evidence=tmp_path / "evidence")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_inside_the_sandbox_nothing_of_the_engine_is_imported() -> None:
    folder = Path(inside.__file__).parent
    names = ", ".join(
        f"cc_ci.suite.inside.{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__"
    )
    source = f"import sys, {names}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", source], check=True, capture_output=True, text=True
    ).stdout.split()
    layers = {name.split(".")[1] for name in loaded if name.startswith("cc_ci.")}
    assert layers == {"suite", "system", "providers"}
    beside = {name for name in loaded if re.match(r"cc_ci\.suite\.(?!inside)", name)}
    assert beside == {f"cc_ci.suite.{name}" for name in ("answers", "protocol", "report")}
    assert "cc_ci.providers.known" not in loaded
    assert not {"docker", "playwright"} & set(loaded)
