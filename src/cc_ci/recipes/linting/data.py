"""Lint rules about volumes, mounts and backups."""

import re
from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.backup_labels import BACKUP, VOLUMES, backup_plan
from cc_ci.recipes.faults import Source
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.recipe import ABRA_SH, read_text
from cc_ci.recipes.stack import Service, Stack

BACKUP_LABELS = re.compile(
    r"backupbot\.(backup(\.volumes\..+|\.path|\.pre-hook|\.post-hook)?|restore(\.(pre|post)-hook)?)"
)
DEPLOY_LABELS = re.compile(r"(backupbot|traefik|coop-cloud)\..+", re.IGNORECASE)
BACKUP_FUNCTION = re.compile(r"^\s*(?:function\s+)?(abra_(?:backup|restore)\w*)\s*(?:\(|\{)")


def backed_up(_app: App, stack: Stack) -> Iterator[Finding]:
    for volume in backup_plan(stack).uncovered:
        key = f"volumes.{volume}"
        message = f"{key}: is in no backup, and no label leaves it out"
        yield found("C001", message, stack.source(key), key=key)


def known_backup_labels(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for label in service.labels:
            key = f"services.{service.name}.deploy.labels.{label}"
            if label.startswith("backupbot.") and not BACKUP_LABELS.fullmatch(label):
                message = f"{key}: is not in the format of {BACKUP}, so that nothing reads it"
                yield found("C006", message, stack.source(key), key=key)
            volume = label.removeprefix(VOLUMES).partition(".")[0]
            if label.startswith(VOLUMES) and volume not in stack.volumes:
                yield found("C006", f"{key}: there is no volume {volume}", stack.source(key), key=key)


def labels_of_the_service(_app: App, stack: Stack) -> Iterator[Finding]:
    """One finding for each kind of label in a service: they were all put into the wrong place together."""
    for service in stack.services.values():
        misplaced = [label for label in service.container_labels if DEPLOY_LABELS.fullmatch(label)]
        for kind in dict.fromkeys(label.partition(".")[0] for label in misplaced):
            first, *more = (label for label in misplaced if label.startswith(f"{kind}."))
            key = f"services.{service.name}.labels.{first}"
            others = f" (and {len(more)} more)" if more else ""
            message = f"{key}: nothing reads a container's label{others}; move it under deploy.labels"
            yield found("C018", message, stack.source(key), key=key)


def no_shared_data(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        update, volumes = service.deploy.update_config, _written(service)
        if update and update.order == "start-first" and volumes:
            key = f"services.{service.name}.deploy.update_config.order"
            message = f"{key}: start-first has two tasks write to {', '.join(volumes)} at once"
            yield found("C005", message, stack.source(key), key=key)


def one_replica_a_volume(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        volumes = _written(service)
        if volumes and service.deploy.replicas > 1:
            key = f"services.{service.name}.deploy.replicas"
            message = f"{key}: {service.deploy.replicas} tasks write to {', '.join(volumes)} at once"
            yield found("C016", message, stack.source(key), key=key)


def _written(service: Service) -> list[str]:
    return [mount.volume for mount in service.mounts if mount.volume and not mount.read_only]


def no_host_mounts(app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for mount in service.mounts:
            if mount.type == "bind":
                key = f"services.{service.name}.volumes.{mount.target}"
                # where the recipe lies on this machine is no matter of the recipe's
                source = (mount.source or "").replace(f"{app.recipe.root}/", "./")
                yield found("C013", f"{key}: mounts {source} of the host", stack.source(key), key=key)


def no_backup_functions(app: App, _stack: Stack) -> Iterator[Finding]:
    for number, line in enumerate(read_text(app.recipe.root, ABRA_SH).splitlines(), start=1):
        if match := BACKUP_FUNCTION.match(line):
            message = f"{match[1]}: nothing calls this function; backups are made by backupbot labels"
            yield found("C014", message, Source(file=ABRA_SH, line=number), key=match[1])
