"""A run that was not made: what it would do, step by step, and with which images."""

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cc_ci.pipeline.plan import Plan, Which
from cc_ci.pipeline.subject import Subject


def planned(subject: Subject, plan: Plan) -> Group:
    labels = {which: candidate.label for which, candidate in subject.candidates.items()}
    versions = " to ".join(labels[which] for which in ("old", "new") if which in labels)
    provider = f", with {subject.need.name} {subject.need.candidate.label}" if subject.need else ""
    return Group(
        Text(f"{subject.name} {versions}{provider}"),
        "",
        _steps(plan, labels),
        *_decided(plan),
        "",
        _images(subject, plan),
    )


def _steps(plan: Plan, labels: Mapping[Which, str]) -> Table:
    versions = {one.name: labels[one.version] for one in plan.deployments}
    table = Table("stage", "step", "deployment", "version", "needs", box=None, pad_edge=False)
    for step in plan.steps:
        name = step.deployment or ""
        table.add_row(step.stage, step.action, name, versions.get(name, ""), ", ".join(step.needs))
    return table


def _decided(plan: Plan) -> list[Text]:
    return [Text(f"{one.stage}: {one.outcome}: {one.reason}") for one in plan.decided]


def _images(subject: Subject, plan: Plan) -> Table:
    """Those that the plan brings to the node."""
    table = Table("image", "services", box=None, pad_edge=False)
    stacks = [stack for which, stack in subject.stacks_of.items() if which in plan.images()]
    users: dict[str, dict[str, None]] = {}
    for stack in stacks:
        for name, service in stack.services.items():
            users.setdefault(service.image, {})[name] = None
    for reference, names in users.items():
        table.add_row(reference, ", ".join(names))
    return table
