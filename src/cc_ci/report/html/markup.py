"""HTML made of text that is not trusted: all of it is escaped unless it was made here."""

import html
from collections.abc import Iterable


class Html(str):
    """Markup that is safe to stand in a page as it is."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | float | None) -> Html:
    """An element; underscores of an attribute's name stand for hyphens, and None leaves it out."""
    said = "".join(
        f' {key.strip("_").replace("_", "-")}="{html.escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{said}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    return Html("".join(child if isinstance(child, Html) else html.escape(child) for child in children))


def percent(part: float, whole: float) -> str:
    """A place or a length in a drawing that is as wide as its frame."""
    return f"{100 * part / whole if whole > 0 else 0.0:.4f}%"


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
