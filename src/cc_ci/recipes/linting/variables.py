"""Lint rules about the variables of .env.sample and the compose files."""

import re
from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Source, dotted
from cc_ci.recipes.interpolation import unguarded
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.linting.places import documents, shown, texts
from cc_ci.recipes.linting.rule import Severity
from cc_ci.recipes.recipe import ENV_SAMPLE
from cc_ci.recipes.secrets import CHARSETS
from cc_ci.recipes.stack import Stack

MODIFIERS = ("length", "charset", "generate")
PAIR = re.compile(r"(\w+)=(\S+)")
BREAKING = (
    re.compile(r"services\.[^.]+\.(image|volumes\..*)"),
    re.compile(r"(volumes|networks|configs|secrets)\.[^.]+\.(name|file)"),
)
"""Where nothing in the place of a variable makes another thing of the whole."""
RULE_LABEL = re.compile(r"traefik\.\w+\.routers\.[^=]+\.rule", re.IGNORECASE)


def domain_in_sample(app: App, _stack: Stack) -> Iterator[Finding]:
    assignment = app.recipe.assignment("DOMAIN")
    if assignment is not None and not assignment.off:
        return
    for document in documents(app):
        for key, text in texts(document.tree):
            if "DOMAIN" in unguarded(text):
                message = f"{shown(key, text)}: uses DOMAIN, which {ENV_SAMPLE} does not have"
                yield found("C009", message, document.source(key), key="DOMAIN")
                return


def values_for_variables(app: App, _stack: Stack) -> Iterator[Finding]:
    for document in documents(app):
        for key, text in texts(document.tree):
            for name in dict.fromkeys(unguarded(text)):
                if severity := _missing(app, name, place=dotted(key), text=text):
                    why = "is commented out in" if app.recipe.assignment(name) else "is not in"
                    message = f"{shown(key, text)}: uses {name}, which {why} {ENV_SAMPLE}"
                    subject = f"{shown(key, text)}:{name}"
                    yield found("C010", message, document.source(key), key=subject, severity=severity)


def _missing(app: App, name: str, *, place: str, text: str) -> Severity | None:
    """How bad it is that a variable is not set; None where it is, or may be left out.

    One that is commented out in the sample is optional, but an image or a path can't do without a part.
    """
    if name in app.env:
        return None
    breaking = any(pattern.fullmatch(place) for pattern in BREAKING)
    if app.recipe.assignment(name):
        return "error" if breaking else None
    return "error" if breaking or RULE_LABEL.search(f"{place}={text}") else "warning"


def known_modifiers(app: App, _stack: Stack) -> Iterator[Finding]:
    for assignment in app.recipe.assignments:
        if not re.fullmatch(r"SECRET_\w+_VERSION", assignment.key):
            continue
        for name, value in PAIR.findall(assignment.comment):
            unknown = [part for part in value.split(",") if part not in CHARSETS] if name == "charset" else []
            if name not in MODIFIERS or unknown:
                message = f"{assignment.key}: {name}={value} is not known, so that it has no effect"
                source = Source(file=ENV_SAMPLE, line=assignment.line)
                yield found("C015", message, source, key=f"{assignment.key}:{name}")
