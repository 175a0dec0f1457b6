"""The reader of compose files: merging, faults with their places, and nothing but one clear line."""

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.recipes.compose import Merged, read_compose
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.plain import duration_text, nanoseconds, shell_words
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack


def merged(*texts: str, **env: str) -> Merged:
    files = [(f"{index}.yml", text) for index, text in enumerate(texts)]
    return read_compose(files, env=env, folder=Path("/r"))


def stack(folder: Path, text: str, **files: str) -> Stack:
    for name, content in {"compose.yml": text, **files}.items():
        (folder / name).write_text(content)
    return read_stack(configure(read_recipe(folder), domain="a.ci.test"))


def refusal(text: str) -> str | None:
    try:
        merged(text)
    except RecipeError as error:
        return str(error)
    return None


VALUES = st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["1", "2"]), max_size=3)
APPS = st.fixed_dictionaries(
    {"image": st.sampled_from(["a:1", "b:2"])},
    optional={
        "labels": VALUES,
        "environment": VALUES,
        "deploy": st.just({"placement": {"constraints": ["node.role == manager"]}}),
        "user": st.sampled_from("uv"),
    },
)


def tree(*services: dict[str, Any]) -> dict[str, Any]:
    texts = [yaml.safe_dump({"services": {"app": service}}) for service in services]
    found: dict[str, Any] = merged(*texts).tree["services"]["app"]
    return found


def constraints(service: dict[str, Any]) -> list[str]:
    found: list[str] = service.get("deploy", {}).get("placement", {}).get("constraints", [])
    return found


@given(APPS, APPS)
def test_the_later_file_wins_and_nothing_of_the_earlier_is_lost(
    base: dict[str, Any], over: dict[str, Any]
) -> None:
    both = tree(base, over)
    assert both["image"] == over["image"]
    for part in ("labels", "environment"):
        assert both.get(part, {}) == {**base.get(part, {}), **over.get(part, {})}
    assert constraints(both) == constraints(base) + constraints(over)


@given(APPS, APPS, APPS)
def test_merging_is_associative(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    assert tree(tree(one, two), three) == tree(one, tree(two, three)) == tree(one, two, three)


@given(st.integers(0, 10**15))
def test_durations_come_back(value: int) -> None:
    assert nanoseconds(duration_text(value)) == value


@given(st.text(max_size=30))
def test_any_text_is_a_compose_file_or_one_line(text: str) -> None:
    said = refusal(text)
    assert said is None or re.fullmatch(r"0\.yml:\d+: .*\S", said)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "x", "external", "name"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [
    "image",
    "environment",
    "ports",
    "volumes",
    "deploy",
    "healthcheck",
    "networks",
    "configs",
    "ulimits",
    "logging",
    "build",
    "command",
]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=3),
    st.sampled_from(["volumes", "networks", "configs", "x-a"]),
    JSON,
)
def test_any_value_of_any_key_is_understood_or_refused_in_one_line(
    service: dict[str, Any], section: str, value: Any
) -> None:
    said = refusal(yaml.safe_dump({"services": {"app": service}, section: value}))
    assert said is None or re.fullmatch(r"0\.yml:\d+: .*\S", said)


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2))
def test_any_service_is_one_of_a_stack_or_refused_in_one_line(service: dict[str, Any]) -> None:
    text = yaml.safe_dump({"services": {"app": {"image": "x:1", **service}}})
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert list(stack(Path(folder), text).services) == ["app"]
        except RecipeError as error:
            said = str(error)
    assert not said or re.fullmatch(r"compose\.yml:\d+: .*\S", said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services:\n  app:\n    imag: x\n", "0.yml:3: services.app.imag: no such key"),
        (
            "services:\n  app:\n    image: 5\n",
            "0.yml:3: services.app.image: must be text; put it in quotes, and is 5",
        ),
        (
            "services:\n  app:\n    image: a\n    image: b\n",
            "0.yml:4: services.app.image: given twice|0.yml:3: services.app.image: given twice",
        ),
        (
            "services:\n  app:\n    image: '$'\n",
            r"0.yml:3: services.app.image: '\$' has a `\$` that begins no variable",
        ),
        (
            "services:\n  app:\n    image: ${TAG?which}\n",
            "0.yml:3: .*needs the variable TAG, which is not set: which",
        ),
        (
            "services:\n  app:\n    healthcheck:\n      interval: ${X}\n",
            "0.yml:4: .*interval: must be a duration",
        ),
        ("services:\n  app: [\n", "0.yml:2: not YAML|0.yml:3: not YAML"),
        ("services:\n\tapp: 1\n", "0.yml:2: not YAML"),
        ("version: '2.4'\nservices: {}\n", "0.yml:1: version: '2.4' is not one of 3"),
        ("version: 3.8\nservices: {}\n", "0.yml:1: version: must be text; put it in quotes, and is 3.8"),
        ("a: &a\n  b: *a\n", "0.yml:.*holds itself"),
        (
            "volumes:\n  v:\n    driver_opts: [a=b]\n",
            "0.yml:3: volumes.v.driver_opts: must be a mapping, and is a",
        ),
        ("- 1\n", "0.yml:1: not a mapping"),
        ("", "0.yml:1: empty"),
        ("services:\n  app:\n    extends: x\n", "0.yml:3: services.app.extends: not understood by a stack"),
        (
            "services:\n  app:\n    environment:\n      - A: 1\n",
            r"0.yml:4: services.app.environment.0: must be text such as KEY=value",
        ),
        (
            "services:\n  app:\n    environment:\n      A: true\n",
            "0.yml:4: services.app.environment.A: must be text or a number",
        ),
        ("services:\n  app:\n    ports: ['x:y']\n", "0.yml:3: services.app.ports.0: 'x:y' is no port"),
        ("services:\n  app:\n    ports: ['٣:80']\n", "0.yml:3: services.app.ports.0: .* is no port"),
        (
            "services:\n  app:\n    volumes: ['d:/d']\n",
            "0.yml:3: services.app.volumes.0: .* takes for a drive",
        ),
        (
            "services:\n  app:\n    deploy: {replicas: -1}\n",
            "0.yml:3: .*replicas: must be a number of at least 0",
        ),
        (
            "services:\n  app:\n    deploy: {replicas: .nan}\n",
            r"0.yml:3: .*replicas: \.nan is read as a number",
        ),
        ("services:\n  app:\n    deploy: {x-note: 1}\n", "0.yml:3: services.app.deploy.x-note: no such key"),
        (
            "services:\n  app:\n    extra_hosts: [name]\n",
            "0.yml:3: .*extra_hosts.0: 'name' is not name:address",
        ),
        (
            "services:\n  app:\n    build: {dockerfile: 1}\n",
            "0.yml:3: services.app.build.dockerfile: must be text",
        ),
        (
            "networks:\n  n:\n    ipam: {config: [1]}\n",
            "0.yml:3: networks.n.ipam.config.0: must be a mapping",
        ),
        (
            "services:\n  app:\n    stop_grace_period: 9999999h\n",
            "0.yml:3: .*stop_grace_period: must be a duration",
        ),
    ],
)
def test_a_fault_names_file_line_and_key(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        merged(text)


def test_the_place_of_a_label_is_the_line_of_the_file_that_gave_it_last() -> None:
    base = "services:\n  app:\n    image: x\n    deploy:\n      labels:\n        - a.${S}=1\n        - b=1\n"
    found = merged(base, "services:\n  app:\n    deploy: {labels: {b: 2}}\n", S="s").sources
    assert str(found["services.app.deploy.labels.a.s"]) == "0.yml:6"
    assert str(found["services.app.deploy.labels.b"]) == "1.yml:3"


def test_merge_keys_take_what_is_not_given() -> None:
    text = (
        "x: 1\n".replace("x:", "x-a:")
        + "x-b: &b {image: a:1, user: me}\nservices: {app: {<<: *b, image: b:2}}\n"
    )
    assert merged(text).tree["services"]["app"] == {"image": "b:2", "user": "me"}


def test_files_outside_of_the_recipe_are_refused(tmp_path: Path) -> None:
    text = "services: {app: {image: x:1}}\nconfigs:\n  c:\n    file: ../../etc/passwd\n"
    with pytest.raises(RecipeError, match=r"compose.yml:4: configs.c.file: .*outside of the recipe"):
        stack(tmp_path, text)


def test_a_link_out_of_the_recipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.conf").symlink_to("/etc/passwd")
    with pytest.raises(RecipeError, match="outside of the recipe"):
        stack(tmp_path, "services: {app: {image: x:1}}\nconfigs: {c: {file: c.conf}}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "services: {app: {image: x:1, volumes: [no:/d]}}",
            "services.app.volumes./d: no is not under volumes",
        ),
        (
            "services: {app: {image: x:1, secrets: [{target: t}]}}",
            "services.app.secrets: an entry has no source",
        ),
        (
            "services: {app: {image: x:1, ports: [{published: 1}]}}",
            "services.app.ports: an entry has no target",
        ),
        (
            "services: {app: {image: x:1, volumes: [{type: '$NONE', target: /d}]}}",
            "services.app.volumes: an entry has no type",
        ),
        (
            "services: {app: {image: x:1, volumes: [{type: disk, target: /d}]}}",
            "services.app.volumes./d: disk is not one of volume, bind",
        ),
        ("services: {app: {image: x:1, networks: [n]}}", "services.app.networks.n: n is not under networks"),
        ("services: {app: {image: x:1, ports: [{}]}}", "services.app.ports: an entry has no target"),
        ("services: {app: {build: .}}", "services.app: has no image"),
        ("services: {}", "services: there are none"),
    ],
)
def test_what_no_stack_can_be_made_of_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        stack(tmp_path, text)


def test_names_are_swarms(tmp_path: Path) -> None:
    made = stack(
        tmp_path,
        "services: {app: {image: x:1, volumes: [data:/d, other:/e], "
        "stop_grace_period: 1m, healthcheck: {test: a, interval: 5s}}}\n"
        "volumes: {data: , other: {name: mine}}\nnetworks: {proxy: {external: true}, i: }\n",
    )
    assert {key: volume.name for key, volume in made.volumes.items()} == {
        "data": "a_ci_test_data",
        "other": "mine",
    }
    assert {key: network.name for key, network in made.networks.items()} == {
        "proxy": "proxy",
        "i": "a_ci_test_i",
        "default": "a_ci_test_default",
    }
    app = made.services["app"]
    assert app.healthcheck
    assert (app.healthcheck.interval, app.healthcheck.timeout, app.stop_grace_period) == (5.0, 30.0, 60.0)
    assert [(mount.volume, mount.source) for mount in app.mounts] == [
        ("data", "a_ci_test_data"),
        ("other", "mine"),
    ]


def test_what_dockers_schema_does_not_look_at_has_no_effect() -> None:
    text = (
        "services: {app: {image: x:1, configs: [{source: c, file: ./c}], "
        "volumes: [{type: bind, source: /a, target: /b, bind: {create: 1}}]}}\n"
    )
    app = merged(text).tree["services"]["app"]
    assert app["configs"] == [{"source": "c"}]
    assert app["volumes"] == [{"type": "bind", "source": "/a", "target": "/b", "bind": {}}]


def test_a_fault_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    text = 'services: {app: {image: x:1}}\nconfigs: {c: {file: "a\\nb"}}\n'
    with pytest.raises(RecipeError, match=r"compose.yml:2: configs.c.file: 'a\\nb': has characters"):
        stack(tmp_path, text)


def test_an_unclosed_quote_is_no_command() -> None:
    assert shell_words('a \'b c\' "d\\"e" # f') == ["a", "b c", 'd"e']
    assert shell_words("a 'b") is None
