"""Names that are claimed before a deploy, and the things that are removed after it."""

import threading
import time
from typing import Any

import pytest
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app

from cc_ci.engine.state import Container
from cc_ci.errors import InfrastructureError, Unverified
from cc_ci.isolation.holdings import HeldName, Holdings, names_of
from cc_ci.system.clock import ManualClock

STACK = "com.docker.stack.namespace"
RUN = {"cc-ci.run": "r1"}
OWN = {**RUN, "cc-ci.deployment": "install"}
VOLUME = HeldName(kind="volume", name="shared", key="volumes.content.name")
ANONYMOUS = "0f" * 32


@pytest.fixture
def holdings(node: Any, clock: ManualClock) -> Holdings:
    return Holdings(node, run="r1", clock=clock)


def claim(holdings: Holdings, *names: HeldName, deployment: str = "install", stack: str = "web") -> None:
    holdings.claim(deployment, stack, names, place=lambda _key: "compose.yml:7: ")


def container(node: Any, name: str, *volumes: str, run: str = "r1", stack: str = "web") -> None:
    node.has(
        "container",
        Container(
            id=name,
            name=name,
            labels={"cc-ci.run": run, STACK: stack},
            created=node.clock.now(),
            state="running",
            image="x",
            image_id="x",
            volumes=volumes,
        ),
    )


def test_all_that_a_stack_makes_is_named_and_nothing_of_others(tmp_path: Any) -> None:
    app, stack = read_app(recipe(tmp_path / "small", compose=COMPOSE))
    names = {(one.kind, one.name): one.key for one in names_of(app, stack)}
    assert names[("volume", "small-abc_ci_test_content")] == "volumes.content.name"
    assert names[("config", "small-abc_ci_test_site_v1")] == "configs.site.name"
    assert ("network", "proxy") not in names
    assert ("network", "small-abc_ci_test_internal") in names


@pytest.mark.attack(
    what="A recipe fixes a name that a volume, secret, config or network on the node already has.",
    before="The app got somebody's data, and the teardown removed it; the run was green.",
    now="The deployment is refused with file and line, and the existing thing is not touched.",
    layer="engine",
)
@pytest.mark.parametrize("kind", ["volume", "secret", "config", "network"])
def test_a_name_that_something_has_is_refused_and_the_thing_left(
    holdings: Holdings, node: Any, kind: Any
) -> None:
    node.add(kind, "shared")
    with pytest.raises(Unverified) as refused:
        claim(holdings, HeldName(kind=kind, name="shared", key=f"{kind}s.content.name"))
    said = str(refused.value)
    assert said.startswith(
        f"compose.yml:7: {kind}s.content.name: {kind} shared: on the node already, made by no run"
    )
    assert "${STACK_NAME}" in said
    holdings.remove("install")
    assert node.removed == []


def test_whose_a_taken_name_is_gets_told(holdings: Holdings, node: Any) -> None:
    node.add("volume", "shared", {"cc-ci.run": "another"})
    with pytest.raises(Unverified, match="made by run another"):
        claim(holdings, VOLUME)


def test_of_several_names_none_is_claimed_unless_all_are_free(holdings: Holdings, node: Any) -> None:
    node.add("volume", "shared")
    with pytest.raises(Unverified):
        claim(holdings, HeldName(kind="secret", name="free"), VOLUME)
    node.add("secret", "free", OWN)
    holdings.remove("install")
    assert node.names("secret") == ["free"]


@pytest.mark.attack(
    what="Two apps of one run are deployed side by side, and the recipe fixes the name of a volume.",
    before="Both found it free before either had made it, and worked on one volume.",
    now="One gets the name, and the other is refused with file and line.",
    layer="engine",
)
def test_of_many_that_claim_a_fixed_name_at_once_one_gets_it(holdings: Holdings, node: Any) -> None:
    everyone = threading.Barrier(8)
    got, refused = list[str](), list[str]()
    real = node.volumes

    def volumes(labels: Any = None) -> Any:
        found = real(labels)
        time.sleep(0.002)  # the look takes as long as an engine's answer
        return found

    node.volumes = volumes

    def one(number: int) -> None:
        everyone.wait()
        try:
            claim(holdings, VOLUME, deployment=f"d{number}", stack=f"web{number}")
            got.append(f"d{number}")
        except Unverified as error:
            refused.append(str(error))

    threads = [threading.Thread(target=one, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert len(refused) == 7
    assert refused[0].startswith(
        "compose.yml:7: volumes.content.name: volume shared: claimed by deployment d"
    )
    assert "${STACK_NAME}" in refused[0]


def test_a_name_that_is_claimed_and_not_made_yet_is_taken_until_its_claimant_is_removed(
    holdings: Holdings,
) -> None:
    claim(holdings, VOLUME)
    with pytest.raises(Unverified, match="claimed by deployment install of this run, which is up beside"):
        claim(holdings, VOLUME, deployment="upgrade", stack="other")
    with pytest.raises(InfrastructureError, match="stack web: claimed by deployment install of this run"):
        claim(holdings, HeldName(kind="volume", name="else"), deployment="upgrade")
    holdings.remove("install")
    claim(holdings, VOLUME, deployment="upgrade", stack="other")


def test_a_removal_that_failed_gives_no_name_to_others(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "shared", OWN)
    node.refuse["shared"] = 1000
    with pytest.raises(InfrastructureError, match="in use"):
        holdings.remove("install")
    with pytest.raises(Unverified):
        claim(holdings, VOLUME, deployment="upgrade", stack="other")


@pytest.mark.parametrize("kind", ["service", "config", "container"])
def test_a_stack_of_that_name_is_refused(holdings: Holdings, node: Any, kind: str) -> None:
    if kind == "container":
        container(node, "web_app.1", run="kept")
    else:
        node.add(kind, "web_x", {STACK: "web", "cc-ci.run": "kept"})
    with pytest.raises(
        InfrastructureError, match="stack web: on the node already, made by run kept; run again"
    ):
        claim(holdings, VOLUME)


def test_a_name_of_the_apps_own_that_is_taken_is_no_fault_of_the_recipe(
    holdings: Holdings, node: Any
) -> None:
    node.add("volume", "web_content", OWN)
    with pytest.raises(InfrastructureError, match="made by deployment install of this run"):
        claim(holdings, HeldName(kind="volume", name="web_content"), deployment="fresh")


def test_a_second_deployment_gets_the_names_that_the_first_has_given_up(
    holdings: Holdings, node: Any
) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "shared", OWN)
    holdings.remove("install")
    claim(holdings, VOLUME, deployment="fresh")
    assert node.removed == ["shared"]


def test_what_any_version_made_goes_and_a_second_time_there_is_nothing(holdings: Holdings, node: Any) -> None:
    claim(holdings, HeldName(kind="secret", name="web_old_v1"), HeldName(kind="volume", name="web_old"))
    for kind, name in (("secret", "web_old_v1"), ("volume", "web_old")):
        node.add(kind, name, OWN)
    claim(holdings, HeldName(kind="secret", name="web_new_v1"), HeldName(kind="volume", name="web_old"))
    node.add("secret", "web_new_v1", OWN)
    holdings.remove("install")
    holdings.remove("install")
    assert sorted(node.removed) == ["web_new_v1", "web_old", "web_old_v1"]


@pytest.mark.attack(
    what="Somebody makes a volume with the same name between the check and the deployment.",
    before="cc-ci took it for the app's and removed it at the end.",
    now="It lacks the run's label: the run ends with an error, and the volume stays.",
    layer="engine",
)
def test_what_came_between_the_look_and_the_deploy_is_told_and_left(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "shared")
    with pytest.raises(InfrastructureError, match="volume shared: made by no run while this run deployed"):
        holdings.confirm("install")
    holdings.remove("install")
    assert node.removed == []


def test_what_the_deploy_made_is_confirmed(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "shared", OWN)
    node.add("volume", "anything else")
    holdings.confirm("install")
    holdings.confirm("never deployed")


@pytest.mark.attack(
    what="A thing carries this run's label and has a name that the run never asked for.",
    before="A teardown looked only at names, and `reap` only at labels.",
    now="A teardown removes what has both; anything else is reported as a leak.",
    layer="engine",
)
def test_a_label_without_a_claim_is_not_enough(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "production", OWN)
    holdings.remove("install")
    assert node.removed == []


def test_what_another_program_made_under_the_apps_own_name_is_the_runs(
    holdings: Holdings, node: Any, clock: ManualClock
) -> None:
    claim(holdings, HeldName(kind="secret", name="web_password_v1"))
    clock.advance(1)
    node.add("secret", "web_password_v1")
    holdings.remove("install")
    assert node.removed == ["web_password_v1"]


def test_an_anonymous_volume_of_its_container_goes_with_the_deployment(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("volume", ANONYMOUS)
    container(node, "web_app.1", ANONYMOUS, "named")
    holdings.see_mounts("install")
    assert holdings.mounted == {ANONYMOUS: "r1"}
    node.remove_container("web_app.1")
    holdings.remove("install")
    assert node.removed == ["web_app.1", ANONYMOUS]


@pytest.mark.parametrize("who", ["mounted by another", "labelled by another", "older"])
def test_an_anonymous_volume_that_may_be_somebody_elses_stays(
    holdings: Holdings, node: Any, clock: ManualClock, who: str
) -> None:
    labels = {"cc-ci.run": "r2"} if who == "labelled by another" else {}
    if who == "older":
        node.add("volume", ANONYMOUS)
        clock.advance(10)
    claim(holdings, VOLUME)
    if who != "older":
        node.add("volume", ANONYMOUS, labels)
    container(node, "web_app.1", ANONYMOUS)
    holdings.see_mounts("install")
    node.remove_container("web_app.1")
    if who == "mounted by another":
        container(node, "postgres", ANONYMOUS, run="r2", stack="blog")
    holdings.remove("install")
    assert ANONYMOUS in node.names("volume")


def test_what_does_not_go_at_once_is_tried_again_and_told_in_the_end(
    holdings: Holdings, node: Any, clock: ManualClock
) -> None:
    claim(holdings, VOLUME)
    node.add("volume", "shared", OWN)
    node.refuse = {"shared": 2}
    holdings.remove("install")
    assert node.removed == ["shared"]
    node.add("volume", "shared", OWN)
    node.refuse = {"shared": 10_000}
    with pytest.raises(InfrastructureError, match="volume shared: volume shared is in use"):
        holdings.remove("install")
    assert sum(clock.slept) >= 30


@pytest.mark.attack(
    what="Somebody deploys a service of theirs into the stack of a run.",
    before="The run's `docker stack rm` removed it.",
    now="In that case the run's own services are removed one by one.",
    layer="engine",
)
def test_a_stranger_in_the_stack_is_left(holdings: Holdings, node: Any) -> None:
    claim(holdings, VOLUME)
    node.add("service", "web_app", {**OWN, STACK: "web"})
    assert holdings.strangers("install") == ()
    node.add("service", "web_theirs", {STACK: "web"})
    assert holdings.strangers("install") == ("web_theirs",)
    holdings.remove_stack("install")
    assert node.removed == ["web_app"]
