import pytest

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import Answer, get
from cc_ci.probes.helper import MARK, WRITE_OUT, HelperProbe
from cc_ci.system.process import ScriptedRunner

NODE = Node(
    name="far", kind="foreign", docker_host="ssh://far", address="192.0.2.1", ci_domain="ci.test", ipvs=True
)
URL = "https://app-1.ci.test/"
WRITTEN = MARK + "200 0.250000"


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
def probe(runner: ScriptedRunner) -> HelperProbe:
    return HelperProbe(NODE, runner, image="curlimages/curl:8", network="proxy", labels={"cc-ci.run": "r1"})


def test_curl_is_run_on_the_node_and_connects_to_its_address(
    probe: HelperProbe, runner: ScriptedRunner
) -> None:
    head = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Two: a: b\r\n\r\n"
    runner.on("docker", stdout=f"{head}line\r\n\r\nmore{WRITTEN}")
    answer = probe.request("PUT", URL, content="words", headers={"X-Key": "v"}, timeout=5)
    assert answer == Answer(
        url=URL, status=200, headers={"server": "nginx", "x-two": "a: b"}, body="line\n\nmore", seconds=0.25
    )
    assert runner.stdins == ["words"]
    assert runner.calls == [
        (
            *("docker", "run", "--rm", "--interactive", "--label=cc-ci.run=r1"),
            *("--network=proxy", "--entrypoint=curl", "curlimages/curl:8"),
            *("--silent", "--show-error", "--include", "--http1.1", "--write-out", WRITE_OUT),
            *("--connect-to", "::192.0.2.1:", "--max-time", "5", "--request", "PUT"),
            *("--header", "X-Key: v", "--data-binary", "@-", "--", URL),
        )
    ]


@pytest.mark.parametrize(
    ("code", "kind"), [(7, "unreachable"), (28, "timeout"), (60, "certificate"), (52, "protocol")]
)
def test_what_went_wrong_is_told_from_curls_exit_code(
    probe: HelperProbe, runner: ScriptedRunner, code: int, kind: str
) -> None:
    runner.on(
        "docker",
        stdout=MARK + "000 0.250000",
        stderr=f"curl: ({code}) it went wrong\nMore: a page\n",
        returncode=code,
    )
    answer = get(probe, URL)
    assert answer.status is None
    assert answer.problem is not None
    assert (answer.problem.kind, answer.problem.detail) == (kind, f"curl: ({code}) it went wrong")


def test_a_helper_that_does_not_run_is_our_fault(probe: HelperProbe, runner: ScriptedRunner) -> None:
    runner.on("docker", stderr="Unable to find image\ndocker: no such image.\n\nRun help\n", returncode=125)
    with pytest.raises(InfrastructureError, match=r"helper container did not run \(docker: no such image"):
        get(probe, URL)


@pytest.mark.parametrize("written", ["", "abc", "200", "999999 1", "200 nan", "200 0.25 and more"])
def test_what_curl_never_writes_is_no_answer(
    probe: HelperProbe, runner: ScriptedRunner, written: str
) -> None:
    runner.on("docker", stdout=f"HTTP/1.1 200 OK\r\n\r\nhello{MARK}{written}")
    answer = get(probe, URL)
    assert (answer.status, answer.problem and answer.problem.kind) == (None, "protocol")
