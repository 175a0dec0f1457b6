"""What a proxy may ask of the engine."""

import json
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from cc_ci.lab.socket_filter import Refused, Served, question


def filters(target: str) -> dict[str, list[str]]:
    (text,) = parse_qs(urlsplit(question(target, served=Served("r1"))).query)["filters"]
    found: dict[str, list[str]] = json.loads(text)
    return found


@pytest.mark.parametrize(
    "target", ["/_ping", "/v1.41/version", "/v1.50/nodes/43mevsimmirv3nlgi50h2izjb", "/version"]
)
def test_what_is_of_no_run_is_asked_as_it_is(target: str) -> None:
    assert question(target, served=Served("r1")) == target
    assert question(f"{target}?all=1", served=Served("r1")) == target


def test_lists_are_the_run_s_part_of_them() -> None:
    assert filters("/v1.41/services") == {"label": ["cc-ci.run=r1"]}
    swarm = quote('{"scope":{"swarm":true}}')
    assert filters(f"/v1.41/networks?filters={swarm}") == {"scope": ["swarm"], "label": ["cc-ci.run=r1"]}
    tasks = quote('{"service":{"abc":true},"desired-state":{"running":true}}')
    assert filters(f"/v1.41/tasks?filters={tasks}") == {"service": ["abc"], "label": ["cc-ci.run=r1"]}


def test_a_proxy_of_one_deployment_sees_that_one_s_part() -> None:
    target = question("/v1.50/services", served=Served("r1", "install"))
    (text,) = parse_qs(urlsplit(target).query)["filters"]
    assert json.loads(text) == {"label": ["cc-ci.run=r1", "cc-ci.deployment=install"]}


@pytest.mark.attack(
    what="A compromised proxy asks the engine for another run's services.",
    before="It had the engine's own socket, and saw all of them with their variables.",
    now="Its own run's label is added to the filter of every list, whatever filter it sends.",
    layer="engine",
)
@pytest.mark.parametrize(
    "sent",
    [
        '{"label":["cc-ci.run=r2"]}',
        '{"label":{"cc-ci.run=r2":true}}',
        '{"name":["a"]}',
        "{}",
        '{"service":[]}',
    ],
)
@pytest.mark.parametrize("what", ["services", "tasks", "networks"])
def test_no_filter_leads_to_another_run_s(sent: str, what: str) -> None:
    assert filters(f"/{what}?filters={quote(sent)}")["label"] == ["cc-ci.run=r1"]
    twice = f"/{what}?filters={quote(sent)}&filters={quote('{}')}&label=x"
    assert filters(twice)["label"] == ["cc-ci.run=r1"]


@pytest.mark.parametrize(
    "sent", ["[", "5", '"service"', '["service"]', '{"service":5}', "[" * 100_000, "\x00"]
)
def test_filters_that_are_none_are_refused(sent: str) -> None:
    with pytest.raises(Refused, match="not understood"):
        question(f"/tasks?filters={quote(sent)}", served=Served("r1"))


@pytest.mark.attack(
    what="A compromised proxy asks the engine for containers, secrets or configs, also by odd paths.",
    before="It had the engine's own socket, which means root on the node.",
    now="Six kinds of request are allowed by their whole path; everything else is refused.",
    layer="engine",
)
@pytest.mark.parametrize(
    "target",
    [
        "/containers/json",
        "/v1.41/containers/json",
        "/v1.41/secrets",
        "/v1.41/configs",
        "/v1.41/services/abc",
        "/v1.41/services/../containers/json",
        "/v1.41//services",
        "//v1.41/services",
        "/v1.41/%73ervices",
        "/v1.41/services/",
        "/v1.41/services#x",
        "/v1.41/nodes/../containers/json",
        "/v1.41/nodes/a/update",
        "/v1.41/version/../events",
        "http://docker/v1.41/services",
        "/v1.41/services\r\nX: y",
        "/v1.9999/services",
        "services",
        "*",
        "",
    ],
)
def test_all_else_is_refused(target: str) -> None:
    with pytest.raises(Refused, match="not for a proxy"):
        question(target, served=Served("r1"))
