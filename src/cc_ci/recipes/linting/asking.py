"""A lint rule about what a stack asks of the node and its proxy, wrong on any server."""

from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.policy.judgement import judge
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.stack import Stack


def asks_for_its_own(app: App, stack: Stack) -> Iterator[Finding]:
    """What a run fails for; what it needs trust for, or what only our node has not, is no fault.

    A route that is not there at all is abra's own rule (R010).
    """
    for one in judge(Look(app=app, stack=stack, web=False)).refusals:
        if one.blame == "recipe":
            remedy = f"; {one.remedy}" if one.remedy else ""
            yield found("C020", f"{one.key}: {one.what}{remedy}", one.source, key=one.key)
