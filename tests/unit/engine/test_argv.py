from pathlib import Path

import pytest

from cc_ci.engine import argv
from cc_ci.engine.node import Node

CONFIG = Path("/run/cc-ci/docker-client")


def node(kind: str, docker_host: str) -> Node:
    return Node(
        name="n", kind=kind, docker_host=docker_host, address="10.0.0.1", ci_domain="ci.test", ipvs=True
    )


def test_a_private_node_gets_nothing_of_the_users_own() -> None:
    environment = argv.client_environment(node("private", "unix:///run/cc-ci/n.sock"), config=CONFIG)
    assert environment == {
        "DOCKER_HOST": "unix:///run/cc-ci/n.sock",
        "DOCKER_CONFIG": str(CONFIG),
        "DOCKER_CONTEXT": "",
        "DOCKER_TLS_VERIFY": "",
        "DOCKER_CERT_PATH": "",
        "DOCKER_API_VERSION": "",
    }


@pytest.mark.parametrize(
    ("docker_host", "expected"),
    [
        ("ssh://swarm.example", {"DOCKER_HOST": "ssh://swarm.example"}),
        ("my-context", {"DOCKER_CONTEXT": "my-context", "DOCKER_HOST": ""}),
    ],
)
def test_a_foreign_node_keeps_the_users_credentials(docker_host: str, expected: dict[str, str]) -> None:
    assert argv.client_environment(node("foreign", docker_host), config=CONFIG) == expected


def test_a_stack_is_deployed_from_its_files_in_order_without_variables_of_ours() -> None:
    line = argv.stack_deploy("s", [Path("a.yml"), Path("o.yml")], resolve_image="always", unset=["LANG", "A"])
    assert line == [
        *("env", "-u", "A", "-u", "LANG"),
        *("docker", "stack", "deploy", "--compose-file", "a.yml", "--compose-file", "o.yml"),
        *("--resolve-image", "always", "s"),
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
