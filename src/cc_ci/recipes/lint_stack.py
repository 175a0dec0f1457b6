"""Lint rules that look at a merged stack."""

import re
from collections.abc import Callable, Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.backup_labels import BACKUP, VOLUMES, backup_plan
from cc_ci.recipes.configuring import coop_cloud_labels
from cc_ci.recipes.findings import Finding, found
from cc_ci.recipes.interpolation import VARIABLE
from cc_ci.recipes.routes import routes
from cc_ci.recipes.stack import Stack
from cc_ci.recipes.versions import parse_version

Rule = Callable[[App, Stack], Iterator[Finding]]

UNSTABLE = {
    "latest",
    "main",
    "master",
    "edge",
    "dev",
    "develop",
    "nightly",
    "unstable",
    "stable",
    "beta",
    "alpha",
}
TAG_VERSION = re.compile(r"[a-zA-Z]{0,10}[-_.]?\d+(\.\d+)*([-_.+][0-9A-Za-z.+_-]+)?")
PASSWORD = re.compile(r"(PASSWORD|PASSWD|_PASS|SECRET|_TOKEN|API_KEY|PRIVATE_KEY)$", re.IGNORECASE)
LONGEST_SECRET = 12
"""Swarm ends names at 64 characters, and domain and version are part of this one."""
BACKUP_LABELS = re.compile(
    r"backupbot\.(backup(\.volumes\..+|\.path|\.pre-hook|\.post-hook)?|restore(\.(pre|post)-hook)?)"
)


def expected_format(_app: App, stack: Stack) -> Iterator[Finding]:
    if stack.version != "3.8":
        yield found("R001", f"version: is {stack.version}, abra expects 3.8", stack.source("version"))


def has_healthchecks(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        if service.healthcheck is None:
            why = "is disabled" if service.healthcheck_disabled else "is missing"
            yield found(
                "R002",
                f"services.{service.name}: its health check {why}",
                stack.source(f"services.{service.name}.healthcheck"),
            )


def image_tag(image: str) -> str | None:
    """The tag of a reference; None if it has none. A digest beside it does not count."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or None


def good_tags(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        key = f"services.{service.name}.image"
        tag, source = image_tag(service.image), stack.source(key)
        if tag is None:
            yield found("R003", f"{key}: {service.image} has no tag", source)
        elif tag.lower() in UNSTABLE:
            yield found("R004", f"{key}: the tag {tag} is not stable", source)
        elif not TAG_VERSION.fullmatch(tag):
            yield found("R005", f"{key}: the tag {tag} is no version", source)
        yield found("R011", f"{key}: {service.image}: no registry was asked", source)


def one_app(_app: App, stack: Stack) -> Iterator[Finding]:
    if "app" not in stack.services:
        there = ", ".join(stack.services)
        yield found("R009", f"services: none is called app; there are {there}", stack.source("services"))


def routed(_app: App, stack: Stack) -> Iterator[Finding]:
    if any(service.labels.get("traefik.enable", "").lower() == "true" for service in stack.services.values()):
        for route in routes(stack):
            if not route.tls:
                label = f"traefik.http.routers.{route.router}"
                key = f"services.{route.service}.deploy.labels.{label}.rule"
                yield found("R010", f"{label}: has no tls.certresolver", stack.source(key))
        return
    key = "services.app.deploy.labels"
    yield found("R010", f"{key}: traefik.enable is true on no service", stack.source(key))


def config_versions(app: App, stack: Stack) -> Iterator[Finding]:
    for name, config in stack.configs.items():
        key = f"configs.{name}.name"
        if config.external:
            continue
        variables = [(match["named"] or match["braced"] or "") for match in VARIABLE.finditer(config.written)]
        versions = [variable for variable in variables if re.match(r"\w+_VERSION\b", variable)]
        if not versions:
            message = f"{key}: has no version in its name, so a change of it breaks the upgrade"
            yield found("R012", message, stack.source(key))
        for variable in versions:
            export = re.split(r"[:?-]", variable)[0]
            if export not in app.recipe.exports:
                yield found("R012", f"{key}: {export} is not exported by abra.sh", stack.source(key))


def short_names(_app: App, stack: Stack) -> Iterator[Finding]:
    for name in stack.secrets:
        if len(name) > LONGEST_SECRET:
            message = (
                f"secrets.{name}: {len(name)} characters; more than {LONGEST_SECRET} leave few for the domain"
            )
            yield found("R015", message, stack.source(f"secrets.{name}"))


def backed_up(_app: App, stack: Stack) -> Iterator[Finding]:
    plan = backup_plan(stack)
    for volume in plan.uncovered:
        message = f"volumes.{volume}: no label backs it up or leaves it out"
        yield found(
            "C001",
            message,
            stack.source(f"volumes.{volume}"),
            severity=None if not plan.enabled else "warning",
        )


def no_passwords(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for name, value in service.environment.items():
            if value and PASSWORD.search(name) and not value.startswith(("/run/secrets/", "file:")):
                key = f"services.{service.name}.environment.{name}"
                yield found("C002", f"{key}: a plain value; use a secret", stack.source(key))


def no_host_ports(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for port in service.ports:
            if port.published:
                key = f"services.{service.name}.ports"
                message = f"{key}: publishes {port.published}/{port.protocol} on the host: two apps can't"
                yield found("C003", message, stack.source(key))


def no_shared_data(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        update = service.deploy.update_config
        volumes = [mount.volume for mount in service.mounts if mount.volume and not mount.read_only]
        if update and update.order == "start-first" and volumes:
            key = f"services.{service.name}.deploy.update_config.order"
            message = f"{key}: start-first has two tasks write to {', '.join(volumes)} at once"
            yield found("C005", message, stack.source(key))


def known_backup_labels(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for label in service.labels:
            key = f"services.{service.name}.deploy.labels.{label}"
            if label.startswith("backupbot.") and not BACKUP_LABELS.fullmatch(label):
                yield found(
                    "C006", f"{key}: not in the format of {BACKUP}, so nothing reads it", stack.source(key)
                )
            volume = label.removeprefix(VOLUMES).partition(".")[0]
            if label.startswith(VOLUMES) and volume not in stack.volumes:
                yield found("C006", f"{key}: there is no volume {volume}", stack.source(key))


def version_parses(_app: App, stack: Stack) -> Iterator[Finding]:
    for service, text in coop_cloud_labels(stack, "version").items():
        key = f"services.{service}.deploy.labels.coop-cloud.{stack.name}.version"
        if parse_version(text) is None or "+" not in text:
            yield found(
                "C007", f"{key}: {text!r} is not x.y.z+upstream", stack.source(key), severity="warning"
            )


STACK_RULES: tuple[Rule, ...] = (
    expected_format,
    has_healthchecks,
    good_tags,
    one_app,
    routed,
    config_versions,
    short_names,
    backed_up,
    no_passwords,
    no_host_ports,
    no_shared_data,
    known_backup_labels,
    version_parses,
)
