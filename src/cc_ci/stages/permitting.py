"""Hold an app against the policy before it is deployed: from the plan, and once more as it is prepared."""

from collections.abc import Mapping, Sequence

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Unverified
from cc_ci.recipes.app import App
from cc_ci.recipes.policy.judgement import Judgement, judge
from cc_ci.recipes.policy.looking import FOREIGN, PRIVATE, Look, Place
from cc_ci.recipes.policy.refusals import Refusal, RefusalBlame
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import Outcome
from cc_ci.stages.bench import Candidate

OUTCOMES: Mapping[RefusalBlame, Outcome] = {"recipe": "failed", "policy": "unverified", "cc-ci": "errored"}
_ERRORS: Mapping[RefusalBlame, type[CcCiError]] = {
    "recipe": StageFailed,
    "policy": Unverified,
    "cc-ci": InfrastructureError,
}


def place_of(node: Node) -> Place:
    return msgspec.structs.replace(PRIVATE, syntax=node.rule_syntax) if node.private else FOREIGN


def judged(app: App, stack: Stack, candidate: Candidate, *, place: Place) -> Judgement:
    """What keeps this version of a recipe from being deployed at `place`."""
    web = candidate.suite.web if candidate.suite else None
    return judge(Look(app=app, stack=stack, place=place, web=web), trusted=candidate.trusted)


def require_permitted(app: App, stack: Stack, candidate: Candidate, *, node: Node) -> None:
    """Raise for what is refused, by whose fault it is."""
    refused = judged(app, stack, candidate, place=place_of(node)).refusals
    if refused:
        raise _ERRORS[refused[0].blame](summed(refused))


def exit_code(refused: Sequence[Refusal]) -> int:
    """Of a run that ends for them."""
    return _ERRORS[refused[0].blame].exit_code if refused else 0


def summed(refused: Sequence[Refusal]) -> str:
    """The gravest, and how many more there are."""
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    return f"{refused[0].line}{more}"
