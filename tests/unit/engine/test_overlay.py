from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_recipe import COMPOSE, RUN, app, node, recipe

from cc_ci.engine.overlay import CA_CONFIG, CA_TARGET, CA_VARIABLES, Overlay, Tuning, overlay
from cc_ci.engine.overlay_check import check_overlay
from cc_ci.errors import InfrastructureError
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack

ALL = Tuning(health_interval=1, update_monitor=1, restart_delay=0.5, cpus=1.5, memory_bytes=1 << 28)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[App, Stack]:
    return app(recipe(tmp_path_factory.mktemp("recipe"), env="EXTRA=x\n"))


def laid(
    read: tuple[App, Stack], *, ipvs: bool = True, ca: Path | None = None, tuning: Tuning | None = None
) -> Overlay:
    configured, stack = read
    made = overlay(stack, configured, run=RUN, node=node(ipvs=ipvs, ca=ca), proxy_network="p1", tuning=tuning)
    check_overlay(made, stack)
    return made


def test_stock_sets_labels_the_proxy_and_the_apps_environment_and_nothing_else(
    read: tuple[App, Stack],
) -> None:
    services = laid(read).content["services"]
    assert services["db"] == {"labels": RUN.lasting(), "deploy": {"labels": RUN.all()}}
    assert services["app"].keys() == {"labels", "deploy", "environment"}
    assert services["app"]["deploy"].keys() == {"labels"}


def test_all_of_the_apps_variables_reach_app_but_those_that_it_has(read: tuple[App, Stack]) -> None:
    environment = laid(read).content["services"]["app"]["environment"]
    assert environment["EXTRA"] == "x"
    assert environment["STACK_NAME"] == "small-abc_ci_test"
    assert environment["SITE_VERSION"] == "v1"
    assert "DOMAIN" not in environment


def test_abras_labels_are_set_where_the_recipe_has_none(read: tuple[App, Stack]) -> None:
    labels = laid(read).content["services"]["app"]["deploy"]["labels"]
    abras = {key: value for key, value in labels.items() if key.startswith("coop-cloud.")}
    assert abras == {
        "coop-cloud.small-abc_ci_test.recipe": "small",
        "coop-cloud.small-abc_ci_test.chaos": "true",
    }


def test_the_proxy_is_the_deployments_own_for_swarm_and_for_traefik(read: tuple[App, Stack]) -> None:
    content = laid(read).content
    assert content["networks"]["proxy"] == {"external": True, "name": "p1"}
    labels = content["services"]["app"]["deploy"]["labels"]
    named = {key: value for key, value in labels.items() if key.endswith(".network")}
    assert named == {"traefik.swarm.network": "p1"}
    assert "traefik.swarm.network" not in content["services"]["db"]["deploy"]["labels"]


def test_entries_are_said_again_in_full_with_labels(read: tuple[App, Stack]) -> None:
    content = laid(read).content
    assert content["networks"]["internal"] == {"internal": True, "labels": RUN.lasting()}
    assert content["volumes"]["content"] == {"labels": RUN.lasting()}
    assert content["configs"]["site"] == {
        "name": "small-abc_ci_test_site_v1",
        "file": "site.conf",
        "template_driver": "golang",
        "labels": RUN.all(),
    }


def test_the_stage_is_on_no_label_that_would_restart_a_task(read: tuple[App, Stack]) -> None:
    content = laid(read).content
    assert "cc-ci.stage" not in content["services"]["app"]["labels"]
    assert "cc-ci.stage" not in content["volumes"]["content"]["labels"]
    assert content["services"]["app"]["deploy"]["labels"]["cc-ci.stage"] == "install"


def test_without_ipvs_ports_are_host_ports_and_said_so(read: tuple[App, Stack]) -> None:
    made = laid(read, ipvs=False)
    fields = made.content["services"]["app"]
    assert fields["deploy"]["endpoint_mode"] == "dnsrr"
    assert fields["ports"] == [{"target": 80, "published": 8080, "protocol": "tcp", "mode": "host"}]
    assert len(made.warnings) == 2
    assert laid(read).warnings == ()


def test_the_ca_is_a_config_and_variables_of_each_service(read: tuple[App, Stack]) -> None:
    content = laid(read, ca=Path("/ca.pem")).content
    assert content["configs"][CA_CONFIG]["file"] == "/ca.pem"
    for fields in content["services"].values():
        assert fields["configs"][0]["target"] == CA_TARGET
        assert {fields["environment"][name] for name in CA_VARIABLES} == {CA_TARGET}


def test_levers_set_their_fields_and_keep_the_tolerance(read: tuple[App, Stack]) -> None:
    fields = laid(read, tuning=ALL).content["services"]["app"]
    assert fields["healthcheck"] == {"interval": "1000ms", "retries": 300}
    assert fields["deploy"]["update_config"] == {"monitor": "1000ms"}
    assert fields["deploy"]["restart_policy"] == {"delay": "500ms"}
    assert fields["deploy"]["resources"] == {"limits": {"cpus": "1.5", "memory": "268435456b"}}


def test_a_port_published_twice_is_warned_of(tmp_path: Path) -> None:
    twice = COMPOSE.replace('["8080:80"]', '["53:53/tcp", "53:53/udp"]')
    assert "port 53 is published twice" in laid(app(recipe(tmp_path, compose=twice))).warnings[0]


@given(interval=st.floats(0.05, 60))
def test_any_interval_keeps_the_tolerance(read: tuple[App, Stack], interval: float) -> None:
    laid(read, tuning=Tuning(health_interval=interval))


PERMITTED = ("labels", "deploy", "endpoint_mode", "ports", "configs", "environment", "healthcheck")
FIELDS = st.sampled_from(
    ["image", "command", "entrypoint", "user", "volumes", "secrets", "stop_grace_period", "networks", "init"]
)
DEPLOY_FIELDS = st.sampled_from(["replicas", "mode", "placement", "rollback_config"])
NESTED = st.sampled_from(
    [
        ("healthcheck", "test"), ("healthcheck", "start_period"), ("healthcheck", "timeout"),
        ("healthcheck", "disable"), ("deploy", "update_config", "order"),
        ("deploy", "update_config", "failure_action"), ("deploy", "restart_policy", "condition"),
        ("deploy", "restart_policy", "max_attempts"), ("deploy", "resources", "reservations"),
    ]
)  # fmt: skip


@given(
    path=st.one_of(
        FIELDS.map(lambda field: (field,)), DEPLOY_FIELDS.map(lambda field: ("deploy", field)), NESTED
    ),
    service=st.sampled_from(["app", "db"]),
    value=st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text(), max_size=2)),
)
def test_any_other_field_of_a_service_is_refused(
    read: tuple[App, Stack], path: tuple[str, ...], service: str, value: Any
) -> None:
    refused(read, ("services", service, *path), value)


def others(_read: tuple[App, Stack]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield ("services", "app", "environment", "OWN"), "2"
    yield ("services", "app", "environment", "DOMAIN"), "other"
    yield ("services", "db", "environment", "ANY"), "1"
    yield ("services", "db", "environment", "SSL_CERT_FILE"), "/elsewhere"
    yield ("services", "app", "labels", "other"), "1"
    yield ("services", "app", "deploy", "labels", "traefik.enable"), "false"
    yield ("services", "app", "deploy", "labels", "coop-cloud.small-abc_ci_test.version"), "9"
    yield ("services", "db", "deploy", "labels", "coop-cloud.small-abc_ci_test.chaos"), "true"
    yield ("services", "app", "deploy", "endpoint_mode"), "vip"
    yield ("services", "app", "ports"), [{"target": 81, "published": 8080, "protocol": "tcp", "mode": "host"}]
    yield (
        ("services", "app", "ports"),
        [{"target": 80, "published": 8080, "protocol": "tcp", "mode": "ingress"}],
    )
    yield ("services", "app", "configs"), [{"source": "site", "target": "/other"}]
    yield ("services", "app", "healthcheck", "retries"), 300
    yield ("services", "db", "healthcheck", "interval"), "1000ms"
    yield ("services", "more", "labels", "cc-ci.run"), "r"
    yield ("networks", "internal", "internal"), False
    yield ("networks", "proxy", "driver"), "overlay"
    yield ("networks", "more", "external"), True
    yield ("volumes", "content", "driver"), "other"
    yield ("volumes", "content", "labels", "other"), "1"
    yield ("configs", "site", "file"), "other.conf"
    yield ("configs", "site", "name"), "other"
    yield ("secrets", "more", "file"), "x"
    yield ("x-more", "a"), {"b": 1}


@pytest.mark.parametrize("number", range(24))
def test_values_beyond_what_is_allowed_are_refused(read: tuple[App, Stack], number: int) -> None:
    cases = list(others(read))
    assert len(cases) == 24
    refused(read, *cases[number])


def refused(read: tuple[App, Stack], path: tuple[str, ...], value: Any) -> None:
    content = msgspec.json.decode(msgspec.json.encode(laid(read).content))
    place = content
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    with pytest.raises(InfrastructureError, match=r"^overlay: "):
        check_overlay(Overlay(content=content), read[1])


def started(
    tmp_path: Path, check: str, *, every: float = 0.5, image_start: float = 0.0, **more: float
) -> Overlay:
    compose = COMPOSE.replace('test: ["CMD", "true"]\n      interval: 30s\n      retries: 10', check)
    assert check in compose
    configured, stack = app(recipe(tmp_path / "early", compose=compose))
    tuning = Tuning(start_interval=every, **more)
    periods = {"nginx:1.26.3": image_start}
    made = overlay(
        stack, configured, run=RUN, node=node(), proxy_network="p1", tuning=tuning, start_periods=periods
    )
    check_overlay(made, stack)
    return made


def health(made: Overlay) -> dict[str, Any]:
    return dict(made.content["services"]["app"].get("healthcheck", {}))


TRUE = 'test: ["CMD", "true"]'


def test_within_a_start_period_of_its_own_a_check_looks_more_often_and_nothing_else_changes(
    tmp_path: Path,
) -> None:
    made = started(tmp_path, f"{TRUE}\n      interval: 30s\n      start_period: 1m")
    assert health(made) == {"start_interval": "500ms"}
    assert made.schedules == {}


def test_without_one_it_gets_one_and_is_judged_by_the_recipes_own_schedule(tmp_path: Path) -> None:
    made = started(tmp_path, f"{TRUE}\n      interval: 20s\n      timeout: 5s\n      retries: 4")
    assert health(made) == {"start_interval": "500ms", "start_period": "100000ms"}
    own = made.schedules["app"]
    assert (own.check.interval, own.check.timeout, own.check.retries) == (20.0, 5.0, 4)
    assert own.place == "compose.yml:15: "
    assert own.last_look(2.0) == 86.0


def test_a_start_period_of_the_image_is_the_services_own(tmp_path: Path) -> None:
    made = started(tmp_path, f"{TRUE}\n      interval: 20s", image_start=30.0)
    assert health(made) == {"start_interval": "500ms"}
    assert made.schedules == {}


@pytest.mark.parametrize(
    "own",
    [
        "interval: 500ms",
        "interval: 200ms",
        "interval: 30s\n      start_period: 9s\n      start_interval: 100ms",
    ],
)
def test_a_check_that_looks_as_often_by_itself_is_left_alone(tmp_path: Path, own: str) -> None:
    text = f"{TRUE}\n      {own}"
    compose_version = "3.12"
    compose = COMPOSE.replace('"3.8"', f'"{compose_version}"').replace(
        'test: ["CMD", "true"]\n      interval: 30s\n      retries: 10', text
    )
    configured, stack = app(recipe(tmp_path / "quick", compose=compose))
    made = overlay(
        stack, configured, run=RUN, node=node(), proxy_network="p1", tuning=Tuning(start_interval=0.5)
    )
    assert health(made) == {}
    assert made.schedules == {}


@pytest.mark.parametrize("disabled", ["disable: true", 'test: ["NONE"]'])
def test_a_check_that_is_switched_off_stays_so(tmp_path: Path, disabled: str) -> None:
    assert health(started(tmp_path, disabled)) == {}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"start_period": "299000ms"}, "start_period"),
        ({"start_period": "1m"}, "start_period"),
        ({"start_interval": "31000ms"}, "start_interval"),
        ({"start_interval": "0ms"}, "start_interval"),
        ({"timeout": "1000ms"}, "timeout"),
        ({"test": ["NONE"]}, "test"),
    ],
)
def test_no_overlay_may_make_a_check_more_patient_than_its_recipe_or_slower(
    read: tuple[App, Stack], fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InfrastructureError, match=fault):
        check_overlay(Overlay(content={"services": {"app": {"healthcheck": fields}}}), read[1])


def test_a_start_period_of_the_recipe_is_never_replaced(tmp_path: Path) -> None:
    compose = COMPOSE.replace("retries: 10", "start_period: 5s")
    _, stack = app(recipe(tmp_path / "own", compose=compose))
    laid_over = Overlay(content={"services": {"app": {"healthcheck": {"start_period": "900000ms"}}}})
    with pytest.raises(InfrastructureError, match=r"app\.healthcheck\.start_period"):
        check_overlay(laid_over, stack)


@pytest.mark.parametrize(
    ("policy", "told", "own"),
    [
        ("", {"delay": "500ms"}, 5.0),
        ("restart_policy: {condition: any, delay: 20s}", {"delay": "500ms"}, 20.0),
        ("restart_policy: {delay: 200ms}", None, None),
        ("restart_policy: {delay: 5s, max_attempts: 3}", None, None),
    ],
)
def test_a_delay_is_shortened_where_no_attempts_are_counted(
    tmp_path: Path, policy: str, told: dict[str, str] | None, own: float | None
) -> None:
    compose = COMPOSE.replace("replicas: 2", f"replicas: 2\n      {policy}")
    configured, stack = app(recipe(tmp_path / "again", compose=compose))
    made = overlay(
        stack, configured, run=RUN, node=node(), proxy_network="p1", tuning=Tuning(restart_delay=0.5)
    )
    check_overlay(made, stack)
    assert made.content["services"]["app"]["deploy"].get("restart_policy") == told
    assert made.own_delays.get("app") == own
