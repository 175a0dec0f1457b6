import itertools
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cc_ci.errors import UsageError
from cc_ci.levers.arms import Chosen, choose
from cc_ci.levers.registry import PROFILES
from cc_ci.pipeline.known import MIB, Known
from cc_ci.pipeline.plan import STAGES, Deployment, Keep, Plan, Step
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.room import Room
from cc_ci.pipeline.soundness import plan_faults, require_sound
from cc_ci.results.schema import StageName

FULL = Known(previous_version="1.0.0+1.22.1", has_suite=True, backed_up=True)


def plan_stock(known: Known, *, only: StageName | None = None, keep: bool = False) -> Plan:
    return make_plan(known, choose(), only=only, keep=keep)


def outcomes(plan: Plan) -> dict[str, str]:
    return {one.stage: one.outcome for one in plan.decided}


def test_stock_deploys_for_each_stage_and_removes_before_the_next() -> None:
    plan = plan_stock(FULL)
    assert [f"{step.stage}:{step.action}" for step in plan.steps] == [
        "install:pull",
        *("install:prepare", "install:deploy", "install:check", "install:undeploy"),
        *("upgrade:pull", "upgrade:prepare", "upgrade:deploy", "upgrade:seed", "upgrade:upgrade"),
        *("upgrade:verify_upgrade", "upgrade:test", "upgrade:undeploy"),
        *("backup:prepare", "backup:deploy", "backup:seed", "backup:backup"),
        *("restore:overwrite", "restore:restore", "restore:redeploy", "restore:verify_restore"),
        "restore:undeploy",
        *(
            "restore:prepare",
            "restore:deploy",
            "restore:restore",
            "restore:redeploy",
            "restore:verify_restore",
            "restore:undeploy",
        ),
        *(
            "functional:prepare",
            "functional:deploy",
            "functional:test",
            "functional:kill",
            "teardown:undeploy",
        ),
        *("teardown:conclude_stops", "teardown:leak_check"),
    ]


SIGNING_ON = msgspec.structs.replace(FULL, provider="keycloak", has_sso_tests=True)


def test_a_provider_is_up_from_the_start_and_goes_last() -> None:
    steps = plan_stock(SIGNING_ON).steps
    assert [step.action for step in steps][:2] == ["pull", "provide"]
    assert [step.action for step in steps][-4:] == ["undeploy", "conclude_stops", "withdraw", "leak_check"]
    assert [step.action for step in steps if step.stage == "sso"] == ["provide", "prepare", "deploy", "test"]


def test_what_acts_as_a_user_needs_the_provider_and_what_installs_does_not() -> None:
    steps = plan_stock(SIGNING_ON).steps
    needing = {step.stage for step in steps if "provide" in step.needs}
    assert needing == {"upgrade", "backup", "restore", "functional", "sso"}
    assert not [step for step in steps if step.action == "undeploy" and step.needs]


def test_one_stage_of_an_app_that_signs_on_brings_the_provider() -> None:
    actions = [f"{step.stage}:{step.action}" for step in plan_stock(SIGNING_ON, only="functional").steps]
    assert actions[:2] == ["functional:pull", "functional:provide"]
    assert "teardown:withdraw" in actions
    assert "provide" not in {step.action for step in plan_stock(SIGNING_ON, only="install").steps}


def test_the_fresh_deployment_is_the_twin_of_the_one_backed_up() -> None:
    plan = plan_stock(FULL)
    assert plan.deployment("fresh").twin_of == "backup"
    assert plan.deployment("upgrade").versions == ("old", "new")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (
            Known(previous_version=None, has_suite=True, stateless=True),
            {"upgrade": "skipped", "backup": "skipped"},
        ),
        (Known(previous_version="1", has_suite=True), {"backup": "skipped", "restore": "skipped"}),
        (
            Known(previous_version="1", has_suite=True, unbacked=("compose.yml:3: volumes.content",)),
            {"backup": "failed", "restore": "failed"},
        ),
        (Known(previous_version="1", has_suite=False), {"functional": "skipped"}),
        (
            Known(previous_version="1", has_suite=False, backed_up=True, can_seed=False),
            {"backup": "unverified", "restore": "unverified"},
        ),
    ],
)
def test_what_will_not_run_is_decided_with_its_outcome(known: Known, expected: dict[str, str]) -> None:
    decided = outcomes(plan_stock(known))
    assert decided.items() >= expected.items()
    assert all(one.reason for one in plan_stock(known).decided)


def test_volumes_without_labels_are_named() -> None:
    plan = plan_stock(
        Known(previous_version="1", has_suite=True, unbacked=("content: no label", "uploads: no label"))
    )
    assert "content: no label; uploads: no label" in next(
        one.reason for one in plan.decided if one.stage == "backup"
    )


def test_one_stage_brings_what_it_needs() -> None:
    plan = plan_stock(FULL, only="restore")
    actions = [f"{step.stage}:{step.action}" for step in plan.steps]
    assert actions[:5] == ["restore:pull", "backup:prepare", "backup:deploy", "backup:seed", "backup:backup"]
    assert not any(action.startswith(("install:", "upgrade:", "functional:")) for action in actions)
    assert actions[-3:] == ["teardown:undeploy", "teardown:conclude_stops", "teardown:leak_check"]


def test_the_old_version_s_images_are_pulled_for_the_upgrade_alone() -> None:
    pulls = [step for step in plan_stock(FULL).steps if step.action == "pull"]
    assert [(step.stage, step.deployment, step.if_broken) for step in pulls] == [
        ("install", None, "failed"),
        ("upgrade", "upgrade", "unverified"),
    ]
    upgrade = plan_stock(FULL, only="upgrade").steps
    assert [step.stage for step in upgrade if step.action == "pull"] == ["upgrade", "upgrade"]
    for only in ("install", "backup", "restore", "functional"):
        assert len([step for step in plan_stock(FULL, only=only).steps if step.action == "pull"]) == 1


knowns = st.builds(
    Known,
    previous_version=st.none() | st.just("1.0.0+1"),
    has_suite=st.booleans(),
    stateless=st.booleans(),
    unbacked=st.sampled_from([(), ("a",), ("a", "b")]),
    can_mark=st.booleans(),
    backed_up=st.booleans(),
    can_seed=st.booleans(),
    unshared=st.none() | st.just("its cache is part of it"),
    fixed_names=st.sampled_from([(), ("compose.yml:3: volumes.content.name: volume shared",)]),
    provider=st.none() | st.just("keycloak"),
    has_sso_tests=st.booleans(),
)


onlys = st.none() | st.sampled_from([stage for stage in STAGES if stage != "teardown"])


@given(
    known=knowns,
    arm=st.sampled_from(
        [
            *map(choose, PROFILES),
            choose("stock", ["images.keep=no", "images.prepull=all"]),
            choose("fast", ["images.prepull=none"]),
            choose("stock", ["plan.shape=chains2"]),
            choose("stock", ["plan.parallel=yes"]),
            choose("bare", ["plan.parallel=yes"]),
        ]
    ),
    only=onlys,
    keep=st.booleans(),
    memory_bytes=st.none() | st.sampled_from([MIB, 700 * MIB, 8000 * MIB]),
)
def test_every_plan_is_sound(
    known: Known, arm: Chosen, only: StageName | None, memory_bytes: int | None, *, keep: bool
) -> None:
    assume(only != "install" or arm.word("plan.shape") != "upgraded")
    room = Room(memory_bytes=memory_bytes, cpus=2.0) if memory_bytes else None
    plan = make_plan(known, arm, only=only, keep=keep, room=room)
    assert tuple(plan_faults(plan)) == ()
    if only is None:
        accounted = {*plan.stages(), *(one.stage for one in plan.decided)}
        assert accounted == set(STAGES)


@given(known=knowns, only=onlys, keep=st.booleans())
def test_in_stock_one_step_follows_the_other(known: Known, only: StageName | None, *, keep: bool) -> None:
    """Nothing is left to the order of the list: of any two steps one is known to come first."""
    plan = plan_stock(known, only=only, keep=keep)
    one_chain = msgspec.structs.replace(
        plan, steps=tuple(msgspec.structs.replace(step, chain="one") for step in plan.steps)
    )
    assert tuple(plan_faults(one_chain)) == ()


def test_with_keep_the_teardown_is_planned_for_what_is_not_kept() -> None:
    plan = plan_stock(SIGNING_ON, keep=True)
    assert plan.keep == Keep(otherwise="sso")
    assert plan.last_removal is None
    assert [step.action for step in plan.steps if step.stage == "teardown"] == ["withdraw", "leak_check"]


def test_the_last_removal_is_the_teardown_s() -> None:
    plan = plan_stock(FULL)
    assert plan.last_removal == "functional.functional.undeploy"
    assert plan.step("functional.functional.undeploy").stage == "teardown"


def test_every_deployment_says_why_it_is_there() -> None:
    assert all(one.why for one in plan_stock(FULL).deployments)


BROKEN = {
    "two steps have one name": {"steps": (0, {"name": "install.install.deploy"})},
    "no step is called nobody": {"steps": (1, {"needs": ("nobody",)})},
    "would wait for each other": {"steps": (1, {"after": ("leak_check",)})},
    "neither comes after the other": {"steps": (2, {"needs": ("pull",), "after": ()})},
    "uses marker:install:install, which no step before it gives": {
        "steps": (3, {"uses": ("marker:install:install",)})
    },
    "app:install is given by": {"steps": (3, {"gives": ("app:install",)})},
    "deployment install is not removed once": {"steps": (4, {"action": "check"})},
    "the leak check does not come after all else": {"steps": (-1, {"after": ()})},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_wrong_with_a_plan_is_named(fault: str) -> None:
    plan = plan_stock(FULL)
    place, changes = BROKEN[fault]["steps"]
    steps = list(plan.steps)
    steps[place] = msgspec.structs.replace(steps[place], **changes)
    assert fault in "; ".join(plan_faults(msgspec.structs.replace(plan, steps=tuple(steps))))


def test_a_twin_comes_after_the_removal_of_what_has_its_domain() -> None:
    plan = plan_stock(FULL)
    prepare = plan.step("fresh.restore.prepare")
    assert "backup.restore.undeploy" in prepare.after
    beside = msgspec.structs.replace(prepare, after=())
    steps = tuple(beside if step == prepare else step for step in plan.steps)
    assert "which has its domain" in "; ".join(plan_faults(msgspec.structs.replace(plan, steps=steps)))


def test_one_stage_alone_decides_nothing_of_the_others() -> None:
    known = Known(previous_version=None, has_suite=False, stateless=True)
    assert set(outcomes(plan_stock(known, only="upgrade"))) == {"upgrade"}
    assert outcomes(plan_stock(known, only="install")) == {}


def test_of_one_stage_what_is_for_whatever_is_deployed_counts_to_it() -> None:
    """A pull or a provider of another stage's name would look like a stage that ran."""
    plan = plan_stock(SIGNING_ON, only="upgrade")
    assert [(step.action, step.stage) for step in plan.steps[:2]] == [
        ("pull", "upgrade"),
        ("provide", "upgrade"),
    ]
    assert set(plan.stages()) == {"upgrade", "teardown"}
    assert [one.name for one in plan.deployments] == ["upgrade"]
    pairs = itertools.pairwise(step for step in plan.steps if step.chain == "upgrade")
    assert all(one.name in other.after for one, other in pairs)


def test_what_closes_a_run_uses_what_it_is_about_and_comes_after_every_chain() -> None:
    plan = plan_stock(SIGNING_ON)
    ends = {[step.name for step in plan.steps if step.chain == chain][-1] for chain in plan.chains[:-1]}
    stops, withdraw, leaks = plan.steps[-3:]
    assert [step.name for step in (stops, withdraw, leaks)] == ["conclude_stops", "withdraw", "leak_check"]
    assert {step.chain for step in (stops, withdraw, leaks)} == {"closing"}
    assert set(stops.uses) == {f"stops:{one.name}" for one in plan.deployments}
    assert (withdraw.deployment, withdraw.uses) == ("keycloak", ("app:keycloak", "provider"))
    assert leaks.gives == ("census",)
    assert set(stops.after) == ends
    assert set(withdraw.after) == {*ends, "conclude_stops"}
    assert set(leaks.after) == {*ends, "conclude_stops", "withdraw"}


def test_the_opening_s_steps_say_what_they_take_and_give() -> None:
    plan = plan_stock(SIGNING_ON)
    pull, provide = plan.steps[:2]
    assert (pull.name, pull.chain, pull.takes, pull.gives) == (
        "pull",
        "opening",
        ("extraction",),
        ("layers",),
    )
    assert (provide.name, provide.chain, provide.deployment) == ("provide", "opening", "keycloak")
    assert (provide.needs, provide.after, provide.takes) == (("pull",), ("pull",), ("boot",))
    assert (provide.uses, provide.gives) == (("layers",), ("app:keycloak", "provider"))


def test_what_steps_take_of_the_node_is_what_must_not_be_done_twice_at_once() -> None:
    taken = {step.action: step.takes for step in plan_stock(SIGNING_ON).steps if step.takes}
    assert taken == {
        "pull": ("extraction",),
        **dict.fromkeys(["provide", "deploy", "upgrade", "redeploy"], ("boot",)),
        "test": ("browser",),
    }


@pytest.mark.parametrize(
    ("signs_on", "why"), [(True, "the suite signs on through it"), (False, "the suite needs it")]
)
def test_a_provider_says_why_it_is_there(why: str, *, signs_on: bool) -> None:
    known = msgspec.structs.replace(SIGNING_ON, has_sso_tests=signs_on)
    provider = plan_stock(known).provider
    assert provider is not None
    assert (provider.name, provider.why) == ("keycloak", why)
    assert plan_stock(known, only="install").provider is None


def test_chains_in_a_row_come_one_after_the_other() -> None:
    plan = plan_stock(FULL)
    steps = {chain: [step for step in plan.steps if step.chain == chain] for chain in plan.chains}
    for before, after in itertools.pairwise(list(steps)[:-1]):
        assert steps[before][-1].name in steps[after][0].after


def test_a_plan_that_is_not_sound_is_never_handed_out() -> None:
    plan = plan_stock(FULL)
    twice = msgspec.structs.replace(plan, steps=(*plan.steps, plan.steps[0]))
    with pytest.raises(AssertionError, match=r"^plan: two steps have one name"):
        require_sound(twice)
    assert require_sound(plan) is plan


def plan_peer(known: Known, *, only: StageName | None = None) -> Plan:
    return make_plan(known, choose("peer"), only=only)


def test_peer_upgrades_one_deployment_in_place_and_tests_all_on_it() -> None:
    plan = plan_peer(SIGNING_ON)
    assert [(one.name, one.versions) for one in plan.deployments] == [("upgrade", ("old", "new"))]
    assert [f"{step.stage}:{step.action}" for step in plan.steps] == [
        *("upgrade:pull", "upgrade:pull", "sso:provide"),
        *("upgrade:prepare", "upgrade:deploy", "upgrade:seed", "upgrade:upgrade", "upgrade:verify_upgrade"),
        *("upgrade:check", "functional:test", "sso:test", "backup:seed", "backup:backup"),
        *("restore:overwrite", "restore:restore", "restore:redeploy", "restore:verify_restore"),
        *("functional:kill", "teardown:undeploy"),
        *("teardown:conclude_stops", "teardown:withdraw", "teardown:leak_check"),
    ]


def test_peer_says_what_it_does_not_test() -> None:
    plan = plan_peer(FULL)
    assert plan.untested == (
        "peer: a fresh install of the new version is not tested",
        "peer: the restore on a fresh deployment is not tested",
    )
    assert outcomes(plan) == {"install": "skipped", "sso": "skipped"}
    assert "not installed afresh" in plan.decided[0].reason
    assert plan_stock(FULL).untested == make_plan(FULL, choose("bare")).untested == ()


def test_a_stage_that_peer_leaves_out_can_t_be_asked_of_it_alone() -> None:
    """A run in which nothing was tested would be green."""
    with pytest.raises(UsageError, match="--stage install: peer installs nothing afresh; take the profile"):
        plan_peer(FULL, only="install")
    first = msgspec.structs.replace(FULL, previous_version=None)
    assert "install" in plan_peer(first, only="install").stages()


def test_a_first_release_is_installed_afresh_in_peer_too() -> None:
    first = msgspec.structs.replace(FULL, previous_version=None)
    plan = plan_peer(first)
    assert plan.untested == ("peer: the restore on a fresh deployment is not tested",)
    assert "install" in plan.stages()
    assert plan_peer(msgspec.structs.replace(first, backed_up=False)).untested == ()


def test_images_are_pulled_ahead_of_all_deployments_and_fail_the_same_stage() -> None:
    plan = make_plan(SIGNING_ON, choose("stock", ["images.prepull=all"]))
    assert [step.action for step in plan.steps][:4] == ["pull", "pull", "provide", "prepare"]
    usual = plan_stock(SIGNING_ON)
    for name in ("pull", "upgrade.upgrade.pull"):
        ahead, at_its_turn = plan.step(name), usual.step(name)
        assert (ahead.stage, ahead.if_broken) == (at_its_turn.stage, at_its_turn.if_broken)
    assert "upgrade.upgrade.pull" in plan.step("upgrade.upgrade.prepare").needs
    assert "upgrade.upgrade.pull" not in plan.step("install.install.prepare").needs


def test_images_that_are_not_kept_go_once_nothing_runs_any_more() -> None:
    plan = make_plan(SIGNING_ON, choose("stock", ["images.keep=no"]))
    assert [step.action for step in plan.steps][-3:] == ["withdraw", "drop_images", "leak_check"]
    kept = make_plan(SIGNING_ON, choose("stock", ["images.keep=no"]), keep=True)
    assert "drop_images" not in {step.action for step in kept.steps}


def steps_of(*steps: dict[str, object]) -> tuple[Step, ...]:
    made = {"action": "check", "stage": "install", "chain": "one"}
    return tuple(msgspec.convert({**made, **step}, Step) for step in steps)


LEAKS = {"name": "leaks", "action": "leak_check", "stage": "teardown", "chain": "closing"}


def faults(*steps: dict[str, object], deployments: tuple[Deployment, ...] = ()) -> tuple[str, ...]:
    return tuple(plan_faults(Plan(deployments=deployments, steps=steps_of(*steps))))


@given(known=knowns, turned=st.randoms(use_true_random=False))
def test_a_plan_is_as_sound_in_whichever_order_its_steps_are_listed(known: Known, turned: Random) -> None:
    plan = plan_stock(known)
    steps = list(plan.steps)
    turned.shuffle(steps)
    assert tuple(plan_faults(msgspec.structs.replace(plan, steps=tuple(steps)))) == ()
    backwards = msgspec.structs.replace(plan, steps=plan.steps[::-1])
    assert tuple(plan_faults(backwards)) == ()


def test_chains_may_go_side_by_side_and_steps_of_one_may_not() -> None:
    beside: list[dict[str, object]] = [{"name": "a", "chain": "a"}, {"name": "b", "chain": "b"}]
    assert faults(*beside, {**LEAKS, "after": ["a", "b"]}) == ()
    beside[1]["chain"] = "a"
    assert faults(*beside, {**LEAKS, "after": ["a", "b"]}) == (
        "a and b are of one chain, and neither comes after the other",
    )


def test_a_deployment_that_nothing_uses_is_removed_all_the_same() -> None:
    prepare = {"name": "prepare", "action": "prepare", "deployment": "x"}
    undeploy = {"name": "undeploy", "action": "undeploy", "deployment": "x", "after": ["prepare"]}
    there = (Deployment(name="x", versions=("new",), why="for this test"),)
    assert faults(prepare, undeploy, {**LEAKS, "after": ["undeploy"]}, deployments=there) == ()
    assert faults(prepare, {**LEAKS, "after": ["prepare"]}, deployments=there) == (
        "deployment x is not removed once, after all that uses it",
    )


def test_all_that_is_wrong_is_named_in_one_line() -> None:
    assert faults({"name": "a", "needs": ["no one"], "after": ["nobody"]}, LEAKS) == (
        "no step is called no one, nobody",
    )
    assert faults({"name": "a", "needs": ["b"]}, {"name": "b", "needs": ["a"]}, LEAKS) == (
        "a, b would wait for each other",
    )
    two = Plan(deployments=(), steps=steps_of({"name": "a", "uses": ["x"]}, {**LEAKS, "after": []}))
    with pytest.raises(AssertionError) as caught:
        require_sound(two)
    assert str(caught.value) == (
        "plan: a uses x, which no step before it gives; the leak check does not come after all else"
    )


def test_what_breaks_on_the_way_to_the_upgrade_says_nothing_of_it_and_all_else_is_the_recipe_s_failure() -> (
    None
):
    steps = plan_stock(SIGNING_ON).steps
    assert {step.name for step in steps if step.if_broken == "unverified"} == {
        f"upgrade.upgrade.{action}" for action in ("pull", "prepare", "deploy", "seed")
    }
    assert {step.if_broken for step in steps} == {"failed", "unverified"}


def test_each_step_uses_and_gives_what_its_work_is_about() -> None:
    of_their_own = {
        "upgrade.upgrade.pull": ("layers",),
        "upgrade.upgrade.verify_upgrade": ("app:upgrade", "before:upgrade", "marker:upgrade:upgrade"),
        "backup.backup.backup": ("app:backup", "marker:backup:backup"),
        "fresh.restore.prepare": ("app:backup",),
        **{f"backup.restore.{one}": ("app:backup", "backup:backup") for one in ("overwrite", "restore")},
        **{f"fresh.restore.{one}": ("app:fresh", "backup:backup") for one in ("restore", "verify_restore")},
        "backup.restore.verify_restore": ("app:backup", "backup:backup"),
    }
    kinds = {"prepare": "app", "seed": "marker", "upgrade": "before", "backup": "backup", "undeploy": "stops"}
    for step in plan_stock(FULL).steps:
        if step.chain in {"opening", "closing"}:
            continue
        usual = () if step.action == "prepare" else (f"app:{step.deployment}",)
        assert step.uses == of_their_own.get(step.name, usual), step.name
        given_ = (f"{kinds[step.action]}:{step.deployment}",) if step.action in kinds else ()
        given_ = tuple(f"{one}:{step.stage}" if step.action == "seed" else one for one in given_)
        assert step.gives == given_, step.name


def test_chains_and_deployments_are_called_by_what_they_are_for() -> None:
    plan = plan_stock(FULL)
    assert plan.chains == ("opening", "install", "upgrade", "backup", "fresh", "functional", "closing")
    assert {one.name: one.why for one in plan.deployments} == {
        "install": "a fresh install of the new version",
        "upgrade": "the old version with seeded data, upgraded in place and tested again",
        "backup": "the data that is backed up, overwritten and restored in place",
        "fresh": "an empty twin of backup: its backup must be enough by itself",
        "functional": "a fresh install for the tests of stage functional",
    }


def test_what_an_app_goes_through_once_is_on_the_last_deployment_of_the_new_version() -> None:
    def hard(plan: Plan) -> list[tuple[str, str, str | None]]:
        return [
            (step.action, step.stage, step.deployment)
            for step in plan.steps
            if step.action in {"soak", "kill"}
        ]

    assert hard(plan_stock(SIGNING_ON)) == [("kill", "functional", "functional")]
    bare = Known(previous_version=None, has_suite=False, stateless=True, soak=True)
    assert hard(plan_stock(bare)) == [("soak", "install", "install"), ("kill", "install", "install")]
    assert hard(plan_stock(msgspec.structs.replace(FULL, soak=True))) == [
        ("soak", "functional", "functional"),
        ("kill", "functional", "functional"),
    ]
