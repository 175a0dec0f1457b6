from pathlib import Path

import pytest

from cc_ci.engine import argv
from cc_ci.engine.node import Node
from cc_ci.system.environment import PROXIES

CONFIG = Path("/run/cc-ci/docker-client")


def node(kind: str, docker_host: str) -> Node:
    return Node(
        name="n", kind=kind, docker_host=docker_host, address="10.0.0.1", ci_domain="ci.test", ipvs=True
    )


def test_a_private_node_gets_nothing_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CERT_PATH", "/home/me/certs")
    environment = argv.client_environment(node("private", "unix:///run/cc-ci/n.sock"), config=CONFIG)
    assert environment == {"DOCKER_HOST": "unix:///run/cc-ci/n.sock", "DOCKER_CONFIG": str(CONFIG)}


@pytest.mark.parametrize(
    ("docker_host", "expected"),
    [
        ("ssh://swarm.example", {"DOCKER_HOST": "ssh://swarm.example"}),
        ("my-context", {"DOCKER_CONTEXT": "my-context"}),
    ],
)
def test_a_foreign_node_keeps_the_users_credentials_and_the_way_there(
    docker_host: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*argv.USERS, *PROXIES):
        monkeypatch.delenv(name, raising=False)
    kept = {"SSH_AUTH_SOCK": "/run/agent", "DOCKER_CONFIG": "/home/me/docker", "HTTPS_PROXY": "http://p"}
    for name, value in {**kept, "DOCKER_HOST": "tcp://other", "DOCKER_CONTEXT": "other"}.items():
        monkeypatch.setenv(name, value)
    assert argv.client_environment(node("foreign", docker_host), config=CONFIG) == {**kept, **expected}


def test_on_a_private_node_the_client_has_an_empty_environment_when_it_reads_compose_files() -> None:
    private = node("private", "unix:///n.sock")
    environment = argv.client_environment(private, config=CONFIG)
    assert argv.bare_client(private, environment, program="/bin/docker") == [
        *("env", "-i", "/bin/docker", "--config", str(CONFIG), "--host", "unix:///n.sock")
    ]
    assert argv.looked_up(private, environment) == set()


def test_elsewhere_it_keeps_what_it_needs_to_get_there() -> None:
    foreign = node("foreign", "my-context")
    line = argv.bare_client(foreign, {"DOCKER_CONTEXT": "my-context"}, program="/bin/docker")
    assert (line[0], line[-1]) == ("env", "/bin/docker")
    assert not {"PATH", "HOME"} & set(line)
    assert {"LANG", "TZ", "USER"} <= set(line)
    assert argv.looked_up(foreign, {"DOCKER_CONTEXT": "my-context"}) == {"PATH", "HOME", "DOCKER_CONTEXT"}


def test_a_stack_is_deployed_from_its_files_in_order() -> None:
    client = ("env", "-i", "/bin/docker")
    line = argv.stack_deploy("s", [Path("a.yml"), Path("o.yml")], resolve_image="always", client=client)
    assert line == [
        *("env", "-i", "/bin/docker", "stack", "deploy", "--compose-file", "a.yml"),
        *("--compose-file", "o.yml", "--resolve-image", "always", "s"),
    ]


def test_secrets_and_configs_are_read_from_stdin() -> None:
    labels = {"b": "2", "a": "1"}
    assert argv.create_secret("s", labels) == [
        *("docker", "secret", "create", "--label", "a=1", "--label", "b=2", "s", "-"),
    ]
    assert argv.create_config("c", {}) == ["docker", "config", "create", "c", "-"]


def test_a_command_line_goes_to_the_containers_shell_and_words_do_not() -> None:
    assert argv.execute("c", "a && b", user=None, attach=False) == [
        "docker",
        "exec",
        "c",
        "sh",
        "-c",
        "a && b",
    ]
    assert argv.execute("c", ["a", "b"], user="u", attach=True) == [
        *("docker", "exec", "--interactive", "--user", "u", "c", "a", "b"),
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("container", ["docker", "container", "rm", "--force", "--volumes", "x"]),
        ("volume", ["docker", "volume", "rm", "--force", "x"]),
        ("config", ["docker", "config", "rm", "x"]),
    ],
)
def test_removal(kind: str, expected: list[str]) -> None:
    assert argv.remove(kind, "x") == expected
