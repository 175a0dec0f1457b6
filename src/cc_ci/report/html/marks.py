"""Elements of a page as text. All that comes from results is escaped here, and nowhere else."""

import html
from collections.abc import Iterable

from cc_ci.system.units import Seconds


def element(name: str, *children: str, **attributes: str | float | None) -> str:
    """An element around children that are markup already; a trailing underscore in a name is dropped."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_value(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>"


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4f}".rstrip("0").rstrip(".")


def text(value: object) -> str:
    return html.escape(str(value))


def table(
    head: Iterable[str],
    rows: Iterable[Iterable[str]],
    *,
    numbers: frozenset[int] = frozenset(),
    long: frozenset[int] = frozenset(),
) -> str:
    """Cells are plain text; columns in `numbers` are set as such, those in `long` may be broken anywhere."""

    def cells(row: Iterable[str], kind: str) -> str:
        return "".join(
            element(kind, text(cell), class_="n" if at in numbers else "long" if at in long else None)
            for at, cell in enumerate(row)
        )

    top = element("thead", element("tr", cells(head, "th")))
    body = element("tbody", *(element("tr", cells(row, "td"), class_="row") for row in rows))
    return element("div", element("table", top, body), class_="scroll")


def duration(seconds: Seconds) -> str:
    """As people say it: 8m 05s, 12.3s."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s"


def phase_class(phase: str | None) -> str:
    return f"p-{phase}" if phase else "p-none"
