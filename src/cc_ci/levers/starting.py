"""Levers of how an app is seen to be up, and of how it is taken down again."""

from cc_ci.levers.lever import CHECKS_OF_HEALTH, DEPLOYING, Lever
from cc_ci.levers.values import SecondsRange, Words
from cc_ci.timing.phases import Phase

SIGNS: frozenset[Phase] = frozenset({"ready", "upgrade", "verify", "provider_setup"})
"""The phases in which an app's own signs are looked for."""
NO_YES = Words(("no", "yes"))

STARTING_AND_STOPPING = (
    Lever(
        name="health.start_interval",
        values=SecondsRange(0.2, 5.0, recipes_own=True),
        neutral=None,
        profiles={"stock": None, "peer": None, "fast": 0.5, "bare": None},
        idea="B",
        changes="how often a health check looks until it first says yes, within the recipe's start_period or "
        "one as long as its own patience; engines before API 1.44 look so often all the time",
        risk="each look is an exec, which costs CPU; an app that was healthy once is looked at no more often",
        touches=DEPLOYING | {"verify"},
        guard="the recipe's own schedule judges, to the second, whether Swarm would have killed the app; "
        "each service's check is run again after the steps that use it",
        source="the recipe's own, as its operators run it",
        overlay=("healthcheck/start_interval", "healthcheck/start_period"),
    ),
    Lever(
        name="readiness.events",
        values=NO_YES,
        neutral="no",
        profiles={"stock": "no", "peer": "no", "fast": "yes", "bare": "no"},
        idea="B",
        changes="yes: go on at the engine's event, ask the app straight at its container before the proxy, "
        "and let the time of readiness.stability run beside the work, up to the next change of the app",
        risk="work is begun on an app that dies within its time of stability, and is done for nothing",
        touches=DEPLOYING | {"verify", "restore", "seed", "test"},
        guard="no deployment is changed or removed before its time of stability is over; one of a run is "
        "seen to live for ten seconds at least",
    ),
    Lever(
        name="readiness.probe",
        values=Words(("own", "generic")),
        neutral="own",
        profiles={"stock": "own", "peer": "own", "fast": "own", "bare": "own"},
        idea="B",
        changes="own: the signs that the suite names; generic: any sign of life at the app's front",
        risk="generic: tests begin before the app can serve what they ask for",
        touches=SIGNS,
        guard="the suite's tests, which then fail",
    ),
    Lever(
        name="readiness.parallel",
        values=Words(("yes", "no")),
        neutral="yes",
        profiles={"stock": "yes", "peer": "yes", "fast": "yes", "bare": "yes"},
        idea="B",
        changes="yes: all signs of an app are looked for at once; no: one after the other",
        risk="looks cost CPU while an app starts",
        touches=SIGNS,
        guard="the signs themselves are the same",
    ),
    Lever(
        name="traefik.refresh",
        values=SecondsRange(0.2, 15.0),
        neutral=15.0,
        profiles={"stock": 15.0, "peer": 15.0, "fast": 0.2, "bare": 15.0},
        idea="B",
        changes="how often the run's proxy asks Swarm what it routes to; below 15 s it obeys within 100 ms",
        risk="each question costs the engine CPU; a shared proxy is not the run's, and keeps its own pace",
        touches=SIGNS,
        guard="the proxy reads the same labels by the same provider; the app's own sign comes through it",
        source="Traefik's own `refreshSeconds` of its Swarm provider",
    ),
    Lever(
        name="removal",
        values=Words(("waited", "prompt")),
        neutral="waited",
        profiles={"stock": "waited", "peer": "waited", "fast": "prompt", "bare": "waited"},
        idea="C",
        changes="waited: Swarm stops the containers of a removed stack, after its own sleeps; prompt: the "
        "engine does it at once, all side by side, with the same signal and grace",
        risk="what only Swarm's order of removal would show of an app is not seen",
        touches=frozenset({"teardown", "restore", "overhead"}),
        guard="how each service stopped is judged by the same events; the leak check",
        source="abra: undeploy, tasks gone, then volumes and secrets",
    ),
    Lever(
        name="app.soak",
        values=NO_YES,
        neutral="no",
        profiles={"stock": "no", "peer": "no", "fast": "no", "operator": "yes", "bare": "no"},
        idea="B",
        changes="yes: the app is left alone for two of its longest health interval, a minute at least",
        risk="none: it only takes time",
        touches=frozenset({"verify"}),
        guard=CHECKS_OF_HEALTH,
    ),
)
