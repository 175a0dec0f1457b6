"""Which volumes no backup would have, and why: one line each, with file and line."""

import re
from collections.abc import Iterator, Mapping

from cc_ci.recipes.app import App
from cc_ci.recipes.backup_labels import BACKUP, PATHS, VOLUMES, BackupPlan, is_named
from cc_ci.recipes.faults import Source
from cc_ci.recipes.recipe import ENV_SAMPLE
from cc_ci.recipes.stack import Service, Stack

VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


def unbacked(app: App, stack: Stack, plan: BackupPlan, *, unkept: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each volume that is in no backup; `unkept` are those that the suite says need none."""
    return tuple(_line(app, stack, volume) for volume in plan.uncovered if volume not in unkept)


def left_out(stack: Stack, plan: BackupPlan, *, unkept: Mapping[str, str]) -> tuple[str, ...]:
    """A line for each volume that is in no backup on purpose, and says why."""
    lines = [
        f"volume {name}: in no backup, as suite.toml says: {unkept[name]}"
        for name in plan.uncovered
        if name in unkept
    ]
    lines += [f"{_at(stack, name)}volume {name}: in no backup, as a label says" for name in plan.excluded]
    lines += [
        f"{_at(stack, name)}volume {name}: external, so its owner backs it up" for name in plan.external
    ]
    return (*lines, *_anonymous(stack))


def absent(stack: Stack, plan: BackupPlan, *, unkept: Mapping[str, str]) -> tuple[str, ...]:
    """What a restore can't bring back, a few words each: `volume board is in no backup: compose.yml:52`."""
    excluded = (f"volume {name} is in no backup: {_excluded_at(stack, name)}" for name in plan.excluded)
    uncovered = (
        f"volume {name} is in no backup: {stack.source(f'volumes.{name}')}"
        + (", and suite.toml has it under [unkept]" if name in unkept else "")
        for name in plan.uncovered
    )
    external = (
        f"volume {name} is in no backup, since it is external: {stack.source(f'volumes.{name}')}"
        for name in plan.external
    )
    nameless = (f"{line.partition(': has no name')[0]} is in no backup" for line in _anonymous(stack))
    return (*excluded, *uncovered, *external, *nameless)


def _excluded_at(stack: Stack, volume: str) -> str:
    """The label that leaves it out."""
    name = stack.volumes[volume].name.removeprefix(f"{stack.name}_")
    keys = (f"services.{one.name}.deploy.labels.{VOLUMES}{name}" for one in stack.services.values()
            if f"{VOLUMES}{name}" in one.labels)  # fmt: skip
    return str(stack.source(next(keys, f"volumes.{volume}")))


def _anonymous(stack: Stack) -> Iterator[str]:
    for service in stack.services.values():
        for mount in service.mounts:
            if mount.type == "volume" and mount.source is None:
                place = f"services.{service.name}.volumes.{mount.target}"
                at = _prefix(stack.source(place))
                yield f"{at}{place}: has no name, so each task gets a new one, and none is in a backup"


def _line(app: App, stack: Stack, volume: str) -> str:
    remedy = f"label it, or say {VOLUMES}{volume}=false, or why under [unkept] in suite.toml"
    return f"{_at(stack, volume)}volumes.{volume}: in no backup: {_because(app, stack, volume)}; {remedy}"


def _because(app: App, stack: Stack, volume: str) -> str:
    users = [one for one in stack.services.values() if any(mount.volume == volume for mount in one.mounts)]
    told = (
        _misplaced(stack, one) or _other_paths(stack, one, volume) or _turned_off(app, stack, one)
        for one in users
    )
    reasons = [reason for reason in told if reason]
    names = " or ".join(one.name for one in users)
    return reasons[0] if reasons else f"{BACKUP}=true is not under deploy.labels of {names}"


def _misplaced(stack: Stack, service: Service) -> str | None:
    label = next((one for one in service.container_labels if one.startswith("backupbot.")), None)
    if label is None:
        return None
    key = f"services.{service.name}.labels"
    place = _prefix(stack.source(f"{key}.{label}"))
    return f"{place}{key}.{label} is a container's label, which nothing reads; it belongs under deploy.labels"


def _other_paths(stack: Stack, service: Service, volume: str) -> str | None:
    if is_named(stack, service, volume):
        return None
    key = f"services.{service.name}.deploy.labels.{PATHS}"
    return f"{_prefix(stack.source(key))}{key} names no path in it"


def _turned_off(app: App, stack: Stack, service: Service) -> str | None:
    if BACKUP not in service.labels:
        return None
    key = f"services.{service.name}.deploy.labels.{BACKUP}"
    source = stack.source(key)
    since = next(_assigned(app, source), "") if source else ""
    return f"{_prefix(source)}{key} is {service.labels[BACKUP] or 'empty'!r}{since}"


def _assigned(app: App, source: Source) -> Iterator[str]:
    """The line of .env.sample that gives a label's variable its value."""
    for name in VARIABLE.findall(_line_of(app, source)):
        assignment = app.recipe.assignment(name)
        if assignment and not assignment.off and app.env.get(name) == assignment.value:
            yield f", since {name}={assignment.value} in {ENV_SAMPLE}:{assignment.line}"


def _line_of(app: App, source: Source) -> str:
    lines = (app.recipe.root / source.file).read_text(encoding="utf-8-sig").splitlines()
    return lines[source.line - 1] if source.line <= len(lines) else ""


def _at(stack: Stack, volume: str) -> str:
    return _prefix(stack.source(f"volumes.{volume}"))


def _prefix(source: Source | None) -> str:
    return f"{source}: " if source else ""
