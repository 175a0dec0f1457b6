"""Every lever that a run obeys, and all that is to be known of each.

Overlay, waits, planner, `--lever`, results, attribution and documents read it here. A lever that is not built
is not in it; tests/unit/levers shows of each that another value changes what can be seen from outside.
"""

from collections.abc import Mapping
from typing import get_args

from cc_ci.levers.lever import CHECKS_OF_HEALTH, DEPLOYING, Lever, ProfileName
from cc_ci.levers.starting import STARTING_AND_STOPPING
from cc_ci.levers.values import SecondsRange, Shares, Words
from cc_ci.levers.working import WORK
from cc_ci.system.suggesting import unknown
from cc_ci.timing.phases import PHASES

LEVERS = (
    Lever(
        name="deploy.driver",
        values=Words(("stack", "abra", "operators", "bare")),
        neutral="stack",
        profiles={
            "stock": "stack",
            "peer": "stack",
            "fast": "stack",
            "operator": "operators",
            "bare": "bare",
        },
        idea="H",
        changes="what deploys: cc-ci's own driver or the operator's abra; operators: abra where it is on "
        "PATH, else cc-ci's own; bare: plain containers, no Swarm",
        risk="bare is no test of a deployment on Swarm: it measures the limit",
        touches=DEPLOYING | {"app_new", "secrets", "teardown", "overhead"},
        guard="the generic checks of services; the differential test against docker's own loader",
    ),
    Lever(
        name="plan.shape",
        values=Words(("stages", "chains3", "chains2", "upgraded")),
        neutral="stages",
        profiles={"stock": "stages", "peer": "upgraded", "fast": "chains2", "bare": "chains3"},
        idea="C",
        changes="stages: each stage deploys for itself; chains3: an install, an upgrade and a fresh restore; "
        "chains2: an upgrade that is backed up, and an install that it is restored over; upgraded: one "
        "deployment, of the old version, upgraded in place, for all stages",
        risk="a stage may see what an earlier one left in the app; chains2 restores over an app that was "
        "used; upgraded tests neither a fresh install of the new version nor a restore on a fresh "
        "deployment. The plan and the verdict say what is not tested",
        touches=DEPLOYING | {"app_new", "secrets", "seed", "verify", "teardown", "overhead"},
        guard="a test over the planner: all shapes but upgraded have the same stages with the same tests; a "
        "suite's `share = false`, by which its recipe is not tested in chains2",
    ),
    Lever(
        name="plan.parallel",
        values=Words(("no", "yes")),
        neutral="no",
        profiles={"stock": "no", "peer": "no", "fast": "yes", "bare": "no"},
        idea="F",
        changes="yes: chains go side by side, as far as the weights of their apps fit into the node",
        risk="apps of one run take CPU from each other, so that a tight deadline of one may pass",
        touches=frozenset(PHASES) - {"queue", "runner_setup", "recipe_fetch", "leak_check", "report"},
        guard="the weights in suites; the leak check; that chains share no name, which is claimed at once",
    ),
    Lever(
        name="deploy.resolve_image",
        values=Words(("always", "changed", "never")),
        neutral="always",
        profiles={"stock": "always", "peer": "always", "fast": "always", "bare": "always"},
        idea="A",
        changes="when `docker stack deploy` asks a registry for each image's digest",
        risk="a tag that moved is not noticed by the deploy",
        touches=frozenset({"deploy", "upgrade", "provider_setup"}),
        guard="the upgrade's test that each service runs the image that it should",
        source="abra, `abra app deploy`: ResolveImage is always, a question to the registry per image",
    ),
    Lever(
        name="images.prepull",
        values=Words(("none", "all")),
        neutral="none",
        profiles={"stock": "none", "peer": "all", "fast": "none", "bare": "none"},
        idea="A",
        changes="none: the old version's images are pulled when its turn comes; all: before any deployment",
        risk="an image of the old version that is gone is noticed before the new one is tested",
        touches=frozenset({"images_pull", "overhead"}),
        guard="the outcome of a pull of the old version's images is the upgrade's in both places",
    ),
    Lever(
        name="images.keep",
        values=Words(("yes", "no", "active")),
        neutral="yes",
        profiles={"stock": "yes", "peer": "yes", "fast": "active", "bare": "yes"},
        idea="A",
        changes="whether the images that a run brought stay on the node after it; active: while the disk has "
        "room, and those of recipes that are enrolled or were run lately in any case",
        risk="an image that is kept is an old one once its tag has moved; they fill the disk",
        touches=frozenset({"images_pull", "teardown"}),
        guard="each run pulls, and so asks the registry what a tag means now",
    ),
    Lever(
        name="provider.warm",
        values=Words(("no", "yes")),
        neutral="no",
        profiles={"stock": "no", "peer": "yes", "fast": "yes", "bare": "no"},
        idea="D",
        changes="yes: a realm of a provider that outlives runs, where the node has one; no: one for the run",
        risk="runs share a provider: what one does to it, another may see",
        touches=frozenset({"provider_setup", "images_pull", "runner_setup", "teardown"}),
        guard="an account per realm, a route to it alone, a digest of all else before and after each run",
    ),
    Lever(
        name="readiness.stability",
        values=SecondsRange(0.0, 600.0),
        neutral=5.0,
        profiles={"stock": 5.0, "peer": 5.0, "fast": 5.0, "bare": 0.0},
        idea="B",
        changes="how long a service has to run before it counts; its own update monitor takes its place",
        risk="an app that dies soon after it came up is taken for a sound one",
        touches=frozenset({"converge", "upgrade", "provider_setup"}),
        guard=CHECKS_OF_HEALTH,
        source="docker/cli, cli/command/service/progress/progress.go, ServiceProgress: a look each 200 ms, "
        "then 5 s or update_config.monitor from when the tasks run; abra waits by the same function",
    ),
    Lever(
        name="readiness.probe_interval",
        values=SecondsRange(0.01, 60.0),
        neutral=1.0,
        profiles={"stock": 0.2, "peer": 0.2, "fast": 0.2, "bare": 0.05},
        idea="B",
        changes="the time between two looks at the app's own sign that it serves",
        risk="looks cost CPU, and may load an app that starts",
        touches=frozenset({"ready", "upgrade", "provider_setup"}),
        guard="the sign itself is the same",
        source="docker/cli, progress.go, ServiceProgress looks each 200 ms; nothing asks for a slower pace",
    ),
    Lever(
        name="readiness.slackening",
        values=Shares(),
        neutral=0.0,
        profiles={"stock": 0.0, "peer": 0.0, "fast": 0.0, "bare": 0.02},
        idea="B",
        changes="two looks at the app's own sign are at least that share of the wait so far apart",
        risk="what took long is noticed later, by no more than that share of it",
        touches=frozenset({"ready", "upgrade", "provider_setup"}),
        guard="the sign itself is the same",
    ),
    Lever(
        name="readiness.hold",
        values=SecondsRange(0.0, 600.0),
        neutral=1.0,
        profiles={"stock": 0.0, "peer": 0.0, "fast": 0.0, "bare": 0.0},
        idea="B",
        changes="how long after its first yes the app's own sign is looked at once more",
        risk="an app that serves once and then does not is taken for a sound one",
        touches=frozenset({"ready", "upgrade", "provider_setup"}),
        guard=CHECKS_OF_HEALTH,
    ),
    Lever(
        name="health.interval",
        values=SecondsRange(0.1, 60.0, recipes_own=True),
        neutral=None,
        profiles={"stock": None, "peer": None, "fast": None, "bare": None},
        idea="B",
        changes="how often a service's health check looks; retries are scaled to the same tolerance",
        risk="each look is an exec, which costs CPU; some apps answer worse when they are asked often",
        touches=DEPLOYING,
        guard="the overlay's check of the tolerance; the app's own sign and the suite's tests",
        source="the recipe's own, as its operators run it",
        overlay=("healthcheck/interval", "healthcheck/retries"),
    ),
    Lever(
        name="upgrade.monitor",
        values=SecondsRange(0.001, 600.0, recipes_own=True),
        neutral=None,
        profiles={"stock": None, "peer": None, "fast": 0.001, "bare": None},
        idea="B",
        changes="how long Swarm watches an updated task before the update counts as completed",
        risk="a new version that dies soon is not rolled back",
        touches=DEPLOYING,
        guard="each service runs the image that it should; the stages after it",
        overlay=("deploy/update_config/monitor",),
    ),
    Lever(
        name="restart.delay",
        values=SecondsRange(0.0, 60.0, recipes_own=True),
        neutral=None,
        profiles={"stock": None, "peer": None, "fast": 0.5, "bare": None},
        idea="B",
        changes="how long Swarm waits before it replaces a task that ended",
        risk="an app that crashes does so more often in the same time",
        touches=DEPLOYING,
        guard="a crash loop is still found, after the time that the recipe's own delays would have taken",
        overlay=("deploy/restart_policy/delay",),
    ),
    Lever(
        name="restore.before_boot",
        values=Words(("no", "yes")),
        neutral="no",
        profiles={"stock": "no", "peer": "no", "fast": "yes", "operator": "no", "bare": "no"},
        idea="C",
        changes="yes: a fresh deployment gets its data before its app boots for the first time, so that it "
        "boots once; no: it boots empty, is restored, and boots again",
        risk="an app that boots on restored data alone is not seen to boot on empty volumes there",
        touches=DEPLOYING | {"restore", "verify", "teardown", "overhead"},
        guard="what was restored is read through the app as before; a restore by hooks boots first, as the "
        "plan says",
    ),
    *WORK,
    *STARTING_AND_STOPPING,
)

BY_NAME: Mapping[str, Lever] = {lever.name: lever for lever in LEVERS}
PROFILES: tuple[ProfileName, ...] = get_args(ProfileName)


def lever_named(name: str) -> Lever:
    """The lever of that name. Raises UsageError with the names there are."""
    try:
        return BY_NAME[name]
    except KeyError:
        raise unknown("lever", name, BY_NAME, mend="`cc-ci levers` says more") from None


def overlay_fields() -> tuple[str, ...]:
    """What levers let the overlay set in a service."""
    return tuple(field for lever in LEVERS for field in lever.overlay)
