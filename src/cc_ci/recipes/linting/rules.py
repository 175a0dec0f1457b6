"""The rules of lint, each once: how bad it is, why it matters, and what to do about it.

R001 to R015 are abra's, by its own numbers. C000 and on are cc-ci's, each for a fault seen in real recipes.
"""

from typing import Literal

import msgspec

from cc_ci.recipes.faults import Source
from cc_ci.system.printable import one_line

LONGEST_MESSAGE = 4096

Severity = Literal["error", "warning", "unchecked"]
Scope = Literal["tree", "release", "stage"]
"""`tree`: about the files that are deployed, and so part of a run's verdict. `release`: about tags, labels
and papers, which a tree between two releases need not have in order. `stage`: a stage of a run judges it."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`title` says what holds in a sound recipe. A finding may be less severe than its rule."""

    ref: str
    severity: Severity
    title: str
    why: str
    remedy: str
    scope: Scope = "tree"

    @property
    def of_abra(self) -> bool:
        return self.ref.startswith("R")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `file` is relative to the recipe; `key` is the thing's place in the merged compose files."""

    rule: str
    severity: Severity
    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file or ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message} ({self.rule})"


def found(
    rule: str,
    message: str,
    source: Source | None = None,
    *,
    key: str | None = None,
    severity: Severity | None = None,
    file: str | None = None,
) -> Finding:
    """A finding of `rule`, as severe as the rule unless `severity` is given."""
    return Finding(
        rule=rule,
        severity=severity or RULES[rule].severity,
        message=one_line(message, most=LONGEST_MESSAGE),
        file=source.file if source else file,
        line=source.line if source else None,
        key=key,
    )


_ALL = (
    Rule(
        ref="R001",
        severity="warning",
        title="the compose files say version 3.8",
        why="abra expects this format, and older clients refuse a file without a version.",
        remedy='write version: "3.8" at the top of each compose file',
    ),
    Rule(
        ref="R002",
        severity="warning",
        title="each service has a health check",
        why="Swarm routes to a task, and goes on with an update, as soon as it counts as healthy.",
        remedy="add a healthcheck with a test that asks the service itself",
    ),
    Rule(
        ref="R003",
        severity="error",
        title="each image has a tag",
        why="without a tag, every deploy may bring another version.",
        remedy="add the version as a tag",
    ),
    Rule(
        ref="R004",
        severity="error",
        title="no image has a floating tag",
        why="a tag such as latest means another image each day: nobody runs what was tested.",
        remedy="name a released version",
    ),
    Rule(
        ref="R005",
        severity="warning",
        title="image tags look like versions",
        why="abra can propose an upgrade only where it can compare tags.",
        remedy="use a tag with a version number",
    ),
    Rule(
        ref="R006",
        severity="warning",
        title="a version is published",
        why="operators install tagged versions, and an upgrade needs one to start from.",
        remedy="tag a release with abra recipe release",
        scope="release",
    ),
    Rule(
        ref="R007",
        severity="warning",
        title="README.md has its metadata",
        why="the catalogue shows it.",
        remedy="fill in the list between the metadata comments",
        scope="release",
    ),
    Rule(
        ref="R008",
        severity="error",
        title=".env.sample is there",
        why="abra makes the configuration of each new app from it.",
        remedy="add a .env.sample with TYPE and DOMAIN",
    ),
    Rule(
        ref="R009",
        severity="error",
        title="one service is called app",
        why="abra gives this service the app's variables, and reads the version from its labels.",
        remedy="call the main service app",
    ),
    Rule(
        ref="R010",
        severity="error",
        title="Traefik routes to the app",
        why="without labels nothing reaches the app. A recipe without DOMAIN needs no route.",
        remedy="add traefik.enable=true and a router under deploy.labels",
    ),
    Rule(
        ref="R011",
        severity="error",
        title="each service has an image",
        why="a stack can't build one.",
        remedy="name an image",
    ),
    Rule(
        ref="R012",
        severity="error",
        title="abra.sh is there where configs are used",
        why="it exports the versions of the configs.",
        remedy="add abra.sh with one export for each config",
    ),
    Rule(
        ref="R013",
        severity="unchecked",
        title="the repository is public",
        why="operators clone it. cc-ci asks no server while it lints.",
        remedy="publish the repository",
        scope="release",
    ),
    Rule(
        ref="R014",
        severity="error",
        title="the tags of versions are annotated",
        why="abra reads release data from annotated tags only.",
        remedy="make the tag anew with git tag -a",
        scope="release",
    ),
    Rule(
        ref="R015",
        severity="warning",
        title="secret names are short",
        why="Swarm ends names at 64 characters, and the domain is part of this one.",
        remedy="use 12 characters at most",
    ),
    Rule(
        ref="C000",
        severity="error",
        title="the compose files can be read",
        why="what cc-ci can't read, docker stack deploy refuses too.",
        remedy="mend the line",
    ),
    Rule(
        ref="C001",
        severity="error",
        title="each volume is backed up, or left out on purpose",
        why="a volume that no label names is in no backup.",
        remedy="add backupbot labels, or backupbot.backup.volumes.NAME=false",
        scope="stage",
    ),
    Rule(
        ref="C002",
        severity="warning",
        title="no password stands in the environment",
        why="docker inspect shows the environment to everyone on the node.",
        remedy="use a secret and a _FILE variable",
    ),
    Rule(
        ref="C003",
        severity="warning",
        title="no port is published on the host",
        why="a second app that wants the same port can't be deployed.",
        remedy="route through Traefik, or put the port into an optional compose file",
    ),
    Rule(
        ref="C004",
        severity="warning",
        title="no health check is commented out",
        why="a service without one counts as healthy from its first moment.",
        remedy="mend the check and turn it on",
    ),
    Rule(
        ref="C005",
        severity="warning",
        title="start-first is not used with a data volume",
        why="during an update two tasks write to the volume at once.",
        remedy="use order: stop-first",
    ),
    Rule(
        ref="C006",
        severity="warning",
        title="backup labels are in the format of backup-bot-two",
        why="other labels have no effect.",
        remedy="see the label's name for a spelling mistake, and the volume that it names",
    ),
    Rule(
        ref="C007",
        severity="error",
        title="the version label is above the last release",
        why="an operator's abra sees no upgrade while the label stays.",
        remedy="raise the label before the next release",
        scope="release",
    ),
    Rule(
        ref="C008",
        severity="warning",
        title="the name of a config carries a version",
        why="Swarm can't change a config, so that a changed file with the same name breaks the upgrade.",
        remedy="end the name with a variable that abra.sh exports, and raise it with each change",
    ),
    Rule(
        ref="C009",
        severity="error",
        title="DOMAIN is in .env.sample where the compose files use it",
        why="abra fills in the domain of a new app there.",
        remedy="add DOMAIN=RECIPE.example.com",
    ),
    Rule(
        ref="C010",
        severity="error",
        title="each variable that the compose files use has a value",
        why="Docker puts nothing in its place, so that an image, a rule or a path is cut short.",
        remedy="add the variable to .env.sample, or write ${NAME:-default}",
    ),
    Rule(
        ref="C011",
        severity="warning",
        title="no key is used that Swarm leaves out",
        why="docker stack deploy ignores it, most of the time without a word.",
        remedy="use the key that Swarm has for it",
    ),
    Rule(
        ref="C012",
        severity="error",
        title="names of what the stack makes carry STACK_NAME",
        why="a fixed name collides with a second app, and may belong to somebody else.",
        remedy="begin the name with ${STACK_NAME}_, or leave it out",
    ),
    Rule(
        ref="C013",
        severity="warning",
        title="nothing of the host is mounted",
        why="a backup does not see it, and the app can change the host.",
        remedy="use a volume or a config",
    ),
    Rule(
        ref="C014",
        severity="warning",
        title="backups are made by labels, not by functions of abra.sh",
        why="abra no longer calls abra_backup_* and abra_restore_* functions.",
        remedy="move the commands into backupbot labels",
    ),
    Rule(
        ref="C015",
        severity="warning",
        title="modifiers of secrets are known to abra",
        why="abra leaves out what it does not know, so that the secret is another one than was meant.",
        remedy="use length=N, charset=NAME or generate=false",
    ),
    Rule(
        ref="C016",
        severity="warning",
        title="no volume is shared by replicas",
        why="few programs survive two of themselves on one data folder.",
        remedy="use one replica",
    ),
    Rule(
        ref="C017",
        severity="warning",
        title="EXTRA_DOMAINS has an effect",
        why="an operator sets it, and no router answers for the further domains.",
        remedy="add ${EXTRA_DOMAINS} to the router's rule",
    ),
    Rule(
        ref="C018",
        severity="error",
        title="labels are under deploy.labels",
        why="Swarm, Traefik, abra and backup-bot read the labels of the service, not of its containers.",
        remedy="move the label under deploy.labels",
    ),
    Rule(
        ref="C019",
        severity="error",
        title="reasons are given for what lint is told to ignore",
        why="without a reason nobody can tell later whether it still holds.",
        remedy="write rule and reason",
    ),
    Rule(
        ref="C020",
        severity="error",
        title="labels, names, ports and routes are the app's own",
        why="what is another app's, docker's or cc-ci's breaks a neighbour, or does nothing.",
        remedy="use ${DOMAIN} and ${STACK_NAME}, and labels that Traefik knows",
    ),
    Rule(
        ref="C021",
        severity="warning",
        title="rules are in the syntax of Traefik 3",
        why="Traefik 3 reads those of version 2 only while its deprecated core.defaultRuleSyntax is v2.",
        remedy="write one host for each Host(), with || between them, and expressions as Go has them",
    ),
)
RULES: dict[str, Rule] = {rule.ref: rule for rule in _ALL}
