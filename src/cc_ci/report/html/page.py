"""The page around its sections: one file, no request to anywhere, no script but its own."""

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files

from cc_ci.report.html.marks import element, phase_class, text
from cc_ci.timing.phases import PHASES


def page(title: str, *, headline: str, under: str, sections: Iterable[str], timeline: bool) -> str:
    """`headline`, `under` and `sections` are markup; `title` is text."""
    style, script = (_part(name) for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    head = element(
        "head",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        element("title", text(title)),
        f"<style>{style}</style>",
    )
    top = element("header", headline, under, _tools(timeline=timeline))
    body = element(
        "body",
        element("a", "To the content", href="#content", class_="skip"),
        top,
        element("main", *sections, id="content"),
        element("div", id="tip", role="status", hidden=""),
        f"<script>{script}</script>",
    )
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def section(title: str, *content: str, class_: str | None = None) -> str:
    return element("section", element("h2", text(title)), *content, class_=class_)


def legend(phases: Iterable[str]) -> str:
    """Colour and name of each phase that occurs, in the fixed order."""
    there = set(phases)
    entries = (element("span", _swatch(phase), text(phase)) for phase in PHASES if phase in there)
    return element("div", *entries, class_="legend")


def _swatch(phase: str) -> str:
    return element(
        "svg", element("rect", width=10, height=10, rx=2, class_=phase_class(phase)), width=10, height=10
    )


def _tools(*, timeline: bool) -> str:
    zoom = [
        element("button", label, type="button", data_zoom=act, aria_label=said)
        for act, label, said in (("in", "+", "Zoom in"), ("out", "\N{MINUS SIGN}", "Zoom out"),
                                 ("all", "whole run", "Show the whole run"))
    ]  # fmt: skip
    find = (
        '<input id="find" type="search" placeholder="filter: phase, stage, name"'
        ' aria-label="Filter spans and rows">'
    )
    theme = element("button", "dark / light", type="button", id="theme")
    return element("div", find, *(zoom if timeline else ()), theme, class_="tools")


def _part(name: str) -> str:
    return files("cc_ci.report.html").joinpath(name).read_text()


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
