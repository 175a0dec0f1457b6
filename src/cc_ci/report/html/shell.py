"""The document around the sections: its style and script inside it, and a policy that forbids all else."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import msgspec

from cc_ci.report.html.markup import Html, join, tag
from cc_ci.report.html.wording import STAGES, stage_class


class PageSection(msgspec.Struct, frozen=True, kw_only=True):
    """`anchor` is ours, and safe as an id."""

    anchor: str
    title: str
    lead: str = ""
    body: Html


def document(*, title: str, headline: Html, sections: Sequence[PageSection]) -> str:
    style, script = _part("style.css"), _part("script.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = (
        Html('<meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        Html('<meta name="referrer" content="no-referrer">'),
        tag("title", title),
        tag("style", Html(style)),
    )
    body = (
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", headline, _tools(sections)),
        tag("main", *map(_section, sections), id="content"),
        tag("div", id="tip", role="tooltip", hidden=""),
        tag("script", Html(script)),
    )
    return f'<!doctype html>\n<html lang="en"><head>{join(head)}</head><body>{join(body)}</body></html>\n'


def legend() -> Html:
    """The colour of each stage, the same in all drawings."""
    keys = (tag("span", tag("i", class_=stage_class(name)), name) for name in (*STAGES, "run"))
    return tag("p", *keys, class_="legend")


def _tools(sections: Sequence[PageSection]) -> Html:
    links = (tag("a", section.title, href=f"#{section.anchor}") for section in sections)
    box = Html('<input id="filter" type="search" autocomplete="off" placeholder="span, phase, stage">')
    return tag(
        "div",
        tag("nav", *links, aria_label="Sections"),
        tag("label", "Filter ", box),
        tag("output", id="found", aria_live="polite"),
        tag("button", "Dark or light", id="theme", type="button"),
        class_="tools",
    )


def _section(section: PageSection) -> Html:
    lead = (tag("p", section.lead, class_="lead"),) if section.lead else ()
    heading = tag("h2", section.title, id=f"{section.anchor}-title")
    return tag(
        "section", heading, *lead, section.body, id=section.anchor, aria_labelledby=f"{section.anchor}-title"
    )


@cache
def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
