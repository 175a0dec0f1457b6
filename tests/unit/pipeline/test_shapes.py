"""Two chains, and chains side by side: what shares a deployment, what comes after what, what gives way."""

import itertools

import msgspec
import pytest

from cc_ci.levers.arms import Chosen, choose
from cc_ci.pipeline.known import MIB, Known, Load
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.room import Room
from cc_ci.pipeline.soundness import plan_faults
from cc_ci.results.schema import StageName

FULL = Known(
    previous_version="1.0.0+1",
    has_suite=True,
    backed_up=True,
    provider="keycloak",
    has_sso_tests=True,
    load=Load(memory_bytes=512 * MIB, cpus=1.0),
    provider_load=Load(memory_bytes=1024 * MIB),
)
CHAINS2 = choose("stock", ["plan.shape=chains2"])
BESIDE = choose("stock", ["plan.shape=chains3", "plan.parallel=yes"])
LARGE = Room(memory_bytes=8192 * MIB, cpus=2.0)


def acts(plan: Plan, deployment: str) -> list[str]:
    return [f"{step.stage}:{step.action}" for step in plan.steps if step.deployment == deployment]


def before(plan: Plan, name: str) -> set[str]:
    """All steps that have ended when a step begins."""
    found: set[str] = set()
    open_ = [name]
    while open_:
        step = plan.step(open_.pop())
        new = {*step.needs, *step.after} - found
        found |= new
        open_.extend(new)
    return found


def test_in_two_chains_an_upgraded_app_is_backed_up_and_restored_over_another() -> None:
    plan = make_plan(FULL, CHAINS2)
    assert [(one.name, one.versions, one.twin_of) for one in plan.deployments] == [
        ("upgrade", ("old", "new"), None),
        ("install", ("new",), "upgrade"),
    ]
    assert acts(plan, "upgrade") == [
        *("upgrade:pull", "upgrade:prepare", "upgrade:deploy", "upgrade:seed", "upgrade:upgrade"),
        *("upgrade:verify_upgrade", "upgrade:test", "backup:seed", "backup:backup", "upgrade:undeploy"),
    ]
    assert acts(plan, "install") == [
        *("install:prepare", "install:deploy", "install:check", "functional:test", "sso:test"),
        *("restore:fill", "restore:restore", "restore:redeploy", "restore:verify_restore"),
        *("functional:kill", "teardown:undeploy"),
    ]
    boots = [step for step in plan.steps if step.action in {"deploy", "upgrade", "redeploy"}]
    assert len(boots) == 4


def test_the_restore_is_of_the_other_s_backup_and_what_was_there_before_has_to_go() -> None:
    plan = make_plan(FULL, CHAINS2)
    assert plan.step("upgrade.backup.backup").uses == (
        "app:upgrade", "marker:upgrade:backup", "marker:upgrade:upgrade",
    )  # fmt: skip
    assert plan.step("install.restore.fill").gives == ("marker:install:restore",)
    restore, verify = plan.step("install.restore.restore"), plan.step("install.restore.verify_restore")
    assert {"install.restore.fill", "upgrade.backup.backup"} <= set(restore.needs)
    assert restore.uses == ("app:install", "backup:upgrade")
    assert verify.uses == ("app:install", "backup:upgrade", "marker:install:restore")


TWO_BESIDE = choose("stock", ["plan.shape=chains2", "plan.parallel=yes"])


def test_one_after_the_other_the_second_gets_the_domain_when_the_first_is_gone() -> None:
    plan = make_plan(FULL, CHAINS2)
    assert "upgrade.upgrade.undeploy" in plan.step("install.install.prepare").after
    assert plan.own_proxies == ()


def test_two_apps_of_one_domain_are_there_at_once_each_behind_a_proxy_of_its_own() -> None:
    plan = make_plan(FULL, TWO_BESIDE, room=LARGE)
    assert [(one.name, one.twin_of, one.beside) for one in plan.deployments] == [
        ("upgrade", None, False),
        ("install", "upgrade", True),
    ]
    assert set(plan.own_proxies) == {"upgrade", "install"}
    assert plan.otherwise == ()
    assert "upgrade.upgrade.undeploy" not in before(plan, "install.install.deploy")
    assert "upgrade.upgrade.deploy" not in before(plan, "install.install.deploy")
    assert "install.install.deploy" not in before(plan, "upgrade.backup.backup")
    assert "upgrade.upgrade.undeploy" not in before(plan, "install.restore.restore")
    assert "upgrade.upgrade.undeploy" in plan.step("install.restore.redeploy").after


def test_secrets_are_shared_whichever_of_two_at_once_makes_them() -> None:
    """The old version's come from its own preparation, those that only the new one has from the other's."""
    plan = make_plan(FULL, TWO_BESIDE, room=LARGE)
    install, upgrade = plan.step("install.install.prepare"), plan.step("upgrade.upgrade.upgrade")
    assert (install.uses, "upgrade.upgrade.prepare" in install.after) == (("app:upgrade",), True)
    assert "app:install" in upgrade.uses
    assert "install.install.prepare" in upgrade.after


@pytest.mark.parametrize(
    ("tied", "room", "driver", "why"),
    [
        (
            "compose.yml:61: services.nginx.environment",
            LARGE,
            "stack",
            "the app learns its stack's name: compose.yml:61: services.nginx.environment",
        ),
        (None, msgspec.structs.replace(LARGE, proxies=False), "stack", "the node has one proxy"),
        (None, LARGE, "abra", "what deploys names stacks by it"),
    ],
)
def test_what_one_domain_keeps_apart_is_told(tied: str | None, room: Room, driver: str, why: str) -> None:
    arm = choose("fast", [f"deploy.driver={driver}"])
    plan = make_plan(msgspec.structs.replace(FULL, tied=tied), arm, room=room)
    assert plan.own_proxies == ()
    assert "upgrade.upgrade.undeploy" in plan.step("install.install.prepare").after
    assert plan.otherwise == (f"plan.parallel: install after upgrade: they have one domain, and {why}",)


@pytest.mark.parametrize("arm", [CHAINS2, TWO_BESIDE], ids=str)
@pytest.mark.parametrize("only", ["install", "upgrade", "backup", "restore", "functional", "sso"])
def test_one_stage_of_two_chains_is_a_sound_plan(arm: Chosen, only: StageName) -> None:
    """Without the other chain, the install is an app like any other."""
    plan = make_plan(FULL, arm, only=only, room=LARGE)
    assert tuple(plan_faults(plan)) == ()
    made = {one.name for one in plan.deployments}
    assert {one.twin_of for one in plan.deployments} <= {*made, None}
    assert set(plan.own_proxies) <= made


def test_what_a_failed_backup_leaves_is_an_install_that_was_tested() -> None:
    """The install needs nothing of the other chain; only the restore needs its backup."""
    plan = make_plan(FULL, CHAINS2)
    for step in plan.steps:
        if step.deployment == "install" and step.stage in {"install", "functional", "sso"}:
            others = [name for name in step.needs if name.startswith("upgrade.")]
            assert others == [] or step.action == "kill"


def test_two_chains_test_all_that_the_others_do_under_the_same_names() -> None:
    """The same stages with each action that tests, but that filling replaces the overwriting in place."""
    tested = {"check", "upgrade", "verify_upgrade", "backup", "restore", "redeploy", "verify_restore", "test"}
    kinds = [
        {(step.stage, step.action) for step in plan.steps if step.action in tested}
        for plan in (make_plan(FULL, CHAINS2), make_plan(FULL, choose()))
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"unshared": "its cache hides a loss"}, "suite.toml: share = false: its cache hides a loss"),
        ({"previous_version": None}, "there is no old version whose upgrade is backed up"),
        ({"backed_up": False}, "there is nothing to back up"),
    ],
)
def test_a_recipe_that_two_chains_do_not_suit_is_tested_in_three_and_told_so(
    change: dict[str, object], why: str
) -> None:
    known = msgspec.structs.replace(FULL, **change)
    plan = make_plan(known, CHAINS2)
    assert plan.otherwise == (f"plan.shape: chains3 instead of chains2: {why}",)
    three = make_plan(known, choose("stock", ["plan.shape=chains3"]))
    assert (plan.steps, plan.untested) == (three.steps, three.untested)


def test_each_shape_says_what_it_shows_and_others_do_not() -> None:
    two, three = make_plan(FULL, CHAINS2), make_plan(FULL, choose("stock", ["plan.shape=chains3"]))
    assert two.only_here == ("the backup of an upgraded app, restored over another that was used",)
    assert three.only_here == make_plan(FULL, choose()).only_here
    assert "never used" in three.only_here[0]
    said = "the restore over the app that was backed up, and on one that was never used, is not tested"
    assert two.untested == (f"stock plan.shape=chains2: {said}",)
    assert three.untested == make_plan(FULL, choose()).untested == ()
    assert all(one.why for one in two.deployments)


def test_chains_go_side_by_side_and_a_twin_after_its_origin() -> None:
    plan = make_plan(FULL, BESIDE, room=LARGE)
    assert plan.otherwise == ()
    install, upgrade = ({s.name for s in plan.steps if s.chain == name} for name in ("install", "upgrade"))
    for name in upgrade:
        assert not before(plan, name) & install
    for name in install:
        assert not before(plan, name) & upgrade
    fresh = before(plan, "fresh.restore.prepare")
    assert {"install.install.undeploy", "install.backup.backup"} <= fresh
    assert "upgrade.upgrade.undeploy" not in fresh


@pytest.mark.parametrize(("mib", "most"), [(1535, 1), (2047, 1), (2048, 2), (2559, 2), (2560, 3)])
def test_no_more_apps_are_there_than_fit_beside_the_provider(mib: int, most: int) -> None:
    room = Room(memory_bytes=mib * MIB, cpus=2.0)
    arm = choose("stock", ["plan.parallel=yes"])
    plan = make_plan(FULL, arm, room=room)
    prepares = [one for one in plan.steps if one.action == "prepare"]
    removal = {one.deployment: one.name for one in plan.steps if one.action == "undeploy"}
    at_once = 0
    for together in itertools.chain.from_iterable(
        itertools.combinations(prepares, count) for count in range(1, 5)
    ):
        free = all(
            removal[one.deployment] not in before(plan, other.name)
            for one, other in itertools.permutations(together, 2)
        )
        at_once = max(at_once, len(together) if free else 0)
    assert at_once == most
    assert bool(plan.otherwise) == (most == 1)


def test_what_does_not_fit_goes_one_after_the_other_and_the_reason_is_told() -> None:
    plan = make_plan(FULL, BESIDE, room=Room(memory_bytes=1800 * MIB, cpus=2.0))
    row = make_plan(FULL, choose("stock", ["plan.shape=chains3"]))
    assert plan.steps == row.steps
    row = "plan.parallel: one chain after the other"
    takes = "an app takes 512 MiB, and keycloak 1024 MiB, as their suites say, and the node has 1800 MiB"
    assert plan.otherwise == (f"{row}: {takes} for apps",)
    foreign = make_plan(FULL, BESIDE, room=Room())
    assert foreign.otherwise == (f"{row}: the node tells no limit of its memory",)


@pytest.mark.attack(
    what="A recipe fixes a volume's name, and two of its apps are deployed side by side.",
    before="Both took the name, and one app worked on the data of the other.",
    now="The chains go one after the other, and the plan names the file and the key.",
    layer="engine",
)
def test_a_recipe_with_a_fixed_name_has_one_app_at_a_time() -> None:
    known = msgspec.structs.replace(FULL, fixed_names=("compose.yml:7: volumes.content.name: volume shared",))
    plan = make_plan(known, BESIDE, room=LARGE)
    assert plan.steps == make_plan(FULL, choose("stock", ["plan.shape=chains3"])).steps
    assert "both would make one thing: compose.yml:7: volumes.content.name" in plan.otherwise[0]


@pytest.mark.parametrize(
    ("cpus", "weight", "mib", "boots", "browsers"),
    [
        (2.0, 1.0, 8192, 2, 2),
        (1.0, 1.0, 8192, 1, 1),
        (4.0, 3.0, 8192, 1, 3),
        (8.0, 0.1, 8192, 3, 3),
        (2.0, 1.0, 2560, 2, 1),
    ],
)
def test_as_many_boots_and_browsers_at_once_as_the_node_carries(
    cpus: float, weight: float, mib: int, boots: int, browsers: int
) -> None:
    known = msgspec.structs.replace(FULL, load=Load(memory_bytes=512 * MIB, cpus=weight), provider=None)
    plan = make_plan(known, BESIDE, room=Room(memory_bytes=mib * MIB, cpus=cpus))
    assert plan.at_once == {"boot": boots, "extraction": 1, "browser": browsers}
    row = make_plan(known, choose())
    assert row.at_once == {"boot": 1, "extraction": 1, "browser": 1}


def test_with_keep_the_last_deployment_is_removed_after_all_others() -> None:
    """What became of the others decides whether it is the one that stays."""
    plan = make_plan(FULL, BESIDE, room=LARGE, keep=True)
    assert plan.keep
    assert plan.keep.otherwise == "fresh"
    last = next(one.name for one in plan.steps if one.action == "undeploy" and one.deployment == "fresh")
    others = {one.name for one in plan.steps if one.action == "undeploy" and one.deployment != "fresh"}
    assert others <= before(plan, last)
    assert tuple(plan_faults(plan)) == ()


AHEAD = choose("stock", ["restore.before_boot=yes"])


def test_a_fresh_deployment_boots_on_restored_data() -> None:
    plan = make_plan(FULL, AHEAD)
    assert acts(plan, "fresh") == [
        *("restore:prepare", "restore:restore", "restore:deploy", "restore:verify_restore"),
        "restore:undeploy",
    ]
    assert plan.boots_on(plan.step("fresh.restore.restore"))
    assert not plan.boots_on(plan.step("backup.restore.restore"))


def test_a_restore_by_hooks_boots_first_and_the_plan_names_the_label() -> None:
    hook = "compose.yml:31: services.db.deploy.labels: backupbot.restore.post-hook"
    known = msgspec.structs.replace(FULL, restore_hook=hook)
    plan = make_plan(known, AHEAD)
    assert plan.steps == make_plan(FULL, choose()).steps
    assert plan.otherwise == (
        f"restore.before_boot: the fresh deployment boots first: a restore's command runs in it: {hook}",
    )
    assert make_plan(known, choose("fast"), room=LARGE).otherwise == ()


def test_one_stage_tells_nothing_of_what_it_is_not_about() -> None:
    plan = make_plan(FULL, TWO_BESIDE, only="install", room=LARGE)
    assert (plan.only_here, plan.untested) == ((), ())
