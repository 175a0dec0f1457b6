"""What a deployment needs before it is deployed, and when it is something to remove."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from small_recipe import recipe

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import DEPLOYMENT, RUN
from cc_ci.engine.overlay import CA_CONFIG
from cc_ci.engine.state import Listed
from cc_ci.errors import InfrastructureError
from cc_ci.recipes.recipe import read_recipe
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.preparing import make_secrets, prepare
from cc_ci.testkit.recipes import COMPOSE

DOMAIN = "smal-1a2b3c.ci.test"
STACK = "smal-1a2b3c_ci_test"
ENV = "SECRET_PASSWORD_VERSION=v1\nSECRET_KEY_VERSION=v1\n"
SECRETS = """\
secrets:
  password:
    external: true
    name: ${STACK_NAME}_password_${SECRET_PASSWORD_VERSION}
  key:
    external: true
    name: ${STACK_NAME}_key_${SECRET_KEY_VERSION}
"""


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    text = COMPOSE.format(version="1.0.0+1", image="1").replace(
        "    networks: [proxy]\n", "    networks: [proxy]\n    secrets: [password, key]\n"
    )
    env = f"LETS_ENCRYPT_ENV=production\n{ENV}"
    made = recipe(tmp_path / "small", compose=text + SECRETS, env=env)
    return Candidate(label="1.0.0+1", recipe=read_recipe(made))


Make = Callable[..., Deployed]


@pytest.fixture
def make(bench: Bench, candidate: Candidate) -> Make:
    def call(name: str = "install", *, on: Bench = bench, twin: Deployed | None = None) -> Deployed:
        return prepare(on, name, domain=DOMAIN, candidate=candidate, twin=twin)

    return call


def behind_a_proxy(bench: Bench) -> Bench:
    return replace(bench, node=msgspec.structs.replace(bench.node, proxy_container="proxy-129"))


def test_a_deployment_has_its_place_its_files_and_its_secrets(make: Make, bench: Bench) -> None:
    made = make()
    assert (made.name, made.domain, made.stack.name) == ("install", DOMAIN, STACK)
    assert made.folder == bench.scratch / "install"
    assert sorted(made.secrets) == ["key", "password"]
    assert made.made == {f"{STACK}_password_v1", f"{STACK}_key_v1"}
    assert (made.folder / "compose.yml").exists()
    assert made.since == bench.engine.now()


def test_its_things_are_labelled_as_this_deployment_s(make: Make, bench: Bench, engine: FakeEngine) -> None:
    make("upgrade", on=behind_a_proxy(bench))
    made = [*engine.items["secret"].values(), *engine.items["network"].values()]
    assert {one.name for one in made} == {
        f"{STACK}_password_v1", f"{STACK}_key_v1", f"{STACK}_ccproxy",
    }  # fmt: skip
    assert {(one.labels[RUN], one.labels[DEPLOYMENT]) for one in made} == {("small-1", "upgrade")}


def test_secrets_are_known_to_whoever_writes_evidence(make: Make, bench: Bench) -> None:
    value = make().secrets["password"]
    assert value not in bench.redact(f"it is {value}")


def test_a_twin_has_the_other_s_secret_values(make: Make, bench: Bench, engine: FakeEngine) -> None:
    origin = make()
    engine.items["secret"].clear()
    bench.holdings.remove("install")
    twin = make("fresh", twin=origin)
    assert twin.secrets == origin.secrets
    assert twin.folder != origin.folder


def test_without_a_twin_secrets_are_made_anew(make: Make, bench: Bench, engine: FakeEngine) -> None:
    origin = make()
    engine.items["secret"].clear()
    bench.holdings.remove("install")
    assert make("fresh").secrets["password"] != origin.secrets["password"]


def test_a_secret_that_is_there_is_not_made_again(make: Make, bench: Bench, engine: FakeEngine) -> None:
    made = make()
    before = dict(made.secrets)
    del engine.calls[:]
    make_secrets(bench, made, values={})
    assert made.secrets == before
    assert [call for call, _ in engine.calls if call == "create_secret"] == []


def test_it_is_something_to_remove_from_the_first_thing_on_that_is_made(
    make: Make, bench: Bench, engine: FakeEngine
) -> None:
    begun: list[tuple[str, list[str]]] = []

    def begin(deployed: Deployed) -> None:
        begun.append((deployed.name, [one.name for one in engine.items["network"].values()]))

    engine.fail("create_secret")
    with pytest.raises(Exception, match="told to fail"):
        make(on=replace(behind_a_proxy(bench), begin=begin))
    assert begun == [("install", [])]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("volume", f"{STACK}_content"), ("config", f"{STACK}_{CA_CONFIG}"), ("network", f"{STACK}_ccproxy")],
)
def test_what_is_there_already_is_never_begun(
    make: Make, bench: Bench, engine: FakeEngine, kind: str, name: str
) -> None:
    begun: list[Deployed] = []
    engine.has(kind, Listed(id=name, name=name, labels={}, created=engine.now()))
    with pytest.raises(InfrastructureError, match=f"{kind} {name}: on the node already"):
        make(on=replace(behind_a_proxy(bench), begin=begun.append))
    assert begun == []


def test_a_shared_proxy_s_network_is_not_made_and_not_claimed(make: Make, engine: FakeEngine) -> None:
    made = make()
    assert made.proxy_network == "proxy"
    assert not engine.items["network"]


def test_each_part_has_its_phase_and_a_provider_s_all_have_one(
    bench: Bench, candidate: Candidate, make: Make, engine: FakeEngine
) -> None:
    make()
    assert [(span.name, span.phase) for span in bench.trace.spans()] == [
        ("configure the app", "app_new"),
        ("make secrets", "secrets"),
        ("write the stack's files", "app_new"),
    ]
    engine.items["secret"].clear()
    bench.holdings.remove("install")
    prepare(bench, "keycloak", domain=DOMAIN, candidate=candidate, twin=None, phase="provider_setup")
    assert {span.phase for span in bench.trace.spans()[3:]} == {"provider_setup"}
