"""The plan of a run: what it would do, step by step, and with which images."""

from collections.abc import Iterator, Mapping

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cc_ci.cli.told_json import VERSION
from cc_ci.levers.arms import Chosen
from cc_ci.levers.values import told
from cc_ci.pipeline.forecast import forecast
from cc_ci.pipeline.plan import Plan, Step, Which
from cc_ci.pipeline.subject import Subject
from cc_ci.recipes.policy.judgement import Judgement
from cc_ci.report.live import clock


def planned_json(subject: Subject, plan: Plan, arm: Chosen, judgement: Judgement) -> str:
    """The plan that a run with the same flags carries out, with its arm, levers and refusals."""
    whole = {
        "schema": "cc-ci.plan",
        "version": VERSION,
        "recipe": subject.name,
        "versions": _labels(subject),
        "arm": arm.arm,
        "levers": arm.values,
        "plan": plan,
        "forecast": forecast(plan, subject.stacks_of, arm),
        "refused": [
            {"permission": one.permission, "blame": one.blame, "line": one.line} for one in judgement.refusals
        ],
        "trusted": judgement.trusted,
    }
    return msgspec.json.format(msgspec.json.encode(whole)).decode()


def planned(subject: Subject, plan: Plan, arm: Chosen, judgement: Judgement) -> Group:
    labels = _labels(subject)
    versions = " to ".join(labels[which] for which in ("old", "new") if which in labels)
    provider = f", with {subject.need.name} {subject.need.candidate.label}" if subject.need else ""
    return Group(
        Text(f"{subject.name} {versions}{provider}"),
        Text(f"profile {arm.arm}: {', '.join(_levers(arm))}"),
        _expected(subject, plan, arm),
        *_judged(judgement),
        "",
        *_deployments(plan, labels),
        *_steps(plan),
        *_decided(plan),
        *_kept(plan),
        "",
        _images(subject, plan),
    )


def _expected(subject: Subject, plan: Plan, arm: Chosen) -> Text:
    """How long it may take, and each stage of it."""
    told = forecast(plan, subject.stacks_of, arm)
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in told.stages.items())
    return Text(f"about {clock(told.total)} with the images there, by the recipe's own intervals: {stages}")


def _judged(judgement: Judgement) -> Iterator[Text]:
    """The refusals that prevent the run, and the warnings."""
    if judgement.trusted:
        yield _whole(f"trusted with {', '.join(judgement.trusted)}")
    for one in judgement.refusals:
        yield _whole(f"refused ({one.blame}): {one.line}", style="red")
    for line in (*(one.line for one in judgement.remarks), *judgement.idle):
        yield _whole(f"warning: {line}", style="yellow")


def _whole(line: str, *, style: str = "") -> Text:
    """A line that is not wrapped, so that it can be copied."""
    return Text(line, style=style, no_wrap=True, overflow="ignore")


def _labels(subject: Subject) -> Mapping[Which, str]:
    return {which: candidate.label for which, candidate in subject.candidates.items()}


def _levers(arm: Chosen) -> Iterator[str]:
    return (f"{name}={told(value)}" for name, value in arm.values.items())


def _deployments(plan: Plan, labels: Mapping[Which, str]) -> Iterator[RenderableType]:
    table = Table("deployment", "version", "why", box=None, pad_edge=False)
    for one in plan.deployments:
        table.add_row(one.name, " then ".join(labels[which] for which in one.versions), one.why)
    if plan.provider:
        table.add_row(plan.provider.name, "", plan.provider.why)
    yield from (table, "")


def _steps(plan: Plan) -> Iterator[RenderableType]:
    table = Table("chain", "stage", "step", "needs", "after", "takes", box=None, pad_edge=False)
    for step in plan.steps:
        needs = ", ".join(step.needs)
        table.add_row(step.chain, step.stage, step.name, needs, _after(step), ", ".join(step.takes))
    yield table


def _after(step: Step) -> str:
    """The steps that it comes after without needing them."""
    return ", ".join(name for name in step.after if name not in step.needs)


def _decided(plan: Plan) -> list[Text]:
    """What is settled before the run, and what its shape leaves out."""
    stages = [Text(f"{one.stage}: {one.outcome}: {one.reason}") for one in plan.decided]
    shown = (f"tested in this shape alone: {line}" for line in plan.only_here)
    less = (Text(line, style="yellow") for line in (*plan.otherwise, *plan.untested))
    return [*stages, *map(Text, shown), *less]


def _kept(plan: Plan) -> list[Text]:
    if plan.keep is None:
        return []
    return [Text(f"--keep: the first deployment that fails is left up, else {plan.keep.otherwise}")]


def _images(subject: Subject, plan: Plan) -> Table:
    """The images that the plan pulls."""
    table = Table("image", "services", box=None, pad_edge=False)
    users: dict[str, dict[str, None]] = {}
    for source in plan.sources:
        for name, service in subject.stacks_of[source].services.items():
            users.setdefault(service.image, {})[name] = None
    for reference, names in users.items():
        table.add_row(reference, ", ".join(names))
    return table
