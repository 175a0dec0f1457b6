"""Bars and dots beside their numbers, as tables: they read, print and sort out without the drawing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import msgspec

from cc_ci.report.html.markup import Html, percent, tag
from cc_ci.report.html.wording import STAGES, duration, share, stage_class
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import Part
from cc_ci.timing.phases import UNATTRIBUTED

RUN = "run"
"""In the place of a stage, for what belongs to none."""


class BarRow(msgspec.Struct, frozen=True, kw_only=True):
    """One bar, and the seconds of each stage that it is made of."""

    name: str
    stages: dict[str, Seconds]

    @property
    def seconds(self) -> Seconds:
        return sum(self.stages.values())


def rows_of(parts: Iterable[Part]) -> tuple[BarRow, ...]:
    """Phases on the critical path, the longest first."""
    sums: defaultdict[str, defaultdict[str, Seconds]] = defaultdict(lambda: defaultdict(float))
    for part in parts:
        sums[part.phase or UNATTRIBUTED][part.stage or RUN] += part.seconds
    rows = (BarRow(name=phase, stages=dict(stages)) for phase, stages in sums.items())
    return tuple(sorted(rows, key=lambda row: -row.seconds))


def typical(runs: Sequence[tuple[Part, ...]]) -> tuple[BarRow, ...]:
    """The same for several runs: of each stage in a phase, the median over the runs."""
    seen = [{row.name: row.stages for row in rows_of(parts)} for parts in runs]
    keys = {(phase, stage) for rows in seen for phase, stages in rows.items() for stage in stages}
    found: defaultdict[str, dict[str, Seconds]] = defaultdict(dict)
    for phase, stage in sorted(keys):
        found[phase][stage] = median(rows.get(phase, {}).get(stage, 0.0) for rows in seen)
    rows = (BarRow(name=phase, stages=stages) for phase, stages in found.items())
    return tuple(sorted(rows, key=lambda row: -row.seconds))


def pareto(rows: Sequence[BarRow]) -> Html:
    """Phases with their share and the share of all up to them."""
    total = sum(row.seconds for row in rows)
    longest = max((row.seconds for row in rows), default=0.0)
    done = 0.0
    body = []
    for row in rows:
        done += row.seconds
        cells = (f"{row.seconds:.1f}", share(row.seconds, total), share(done, total))
        body.append(_bar_row(row, cells, longest=longest, total=total))
    return table(("phase", "", "seconds", "of the run", "so far"), body, numbers=3)


def _bar_row(row: BarRow, cells: Sequence[str], *, longest: Seconds, total: Seconds) -> Html:
    stages = sorted(row.stages.items(), key=lambda item: _place(item[0]))
    said = "\n".join(
        [
            f"{row.name}: {duration(row.seconds)}, {share(row.seconds, total)}",
            *(f"{stage}: {duration(seconds)}" for stage, seconds in stages if seconds),
        ]
    )
    numbers = (tag("td", cell, class_="n") for cell in cells)
    drawn = tag("td", stacked(stages, longest), class_="wide")
    name = tag("th", row.name, scope="row")
    return tag("tr", name, drawn, *numbers, tabindex=0, data_tip=said, data_filter="")


def stacked(stages: Iterable[tuple[str, Seconds]], longest: Seconds) -> Html:
    at = 0.0
    drawn = []
    for stage, seconds in stages:
        drawn.append(
            tag(
                "rect",
                class_=f"solid {stage_class(stage)}",
                x=percent(at, longest),
                width=percent(seconds, longest),
                height="100%",
            )
        )
        at += seconds
    return tag("svg", *drawn, class_="hbar", aria_hidden="true")


def _place(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def dots(values: Sequence[Seconds], longest: Seconds, *, median_at: Seconds | None = None) -> Html:
    """Every value as a dot; those that lie on each other show by being darker."""
    drawn = [tag("line", class_="base", x1="0%", x2="100%", y1="50%", y2="50%")]
    if median_at is not None:
        at = percent(median_at, longest)
        drawn.append(tag("line", class_="median", x1=at, x2=at, y1="12%", y2="88%"))
    drawn += [tag("circle", cx=percent(value, longest), cy="50%", r=4.5, class_="dot") for value in values]
    return tag("svg", *drawn, class_="dots", aria_hidden="true")


def distribution(samples: Mapping[str, Sequence[Seconds]]) -> Html:
    """A line for each name, with each raw value; the scale is one for all."""
    longest = max((value for values in samples.values() for value in values), default=0.0)
    body = [
        _dots_row(name, values, longest=longest)
        for name, values in sorted(samples.items(), key=lambda item: -median(item[1]))
    ]
    return table(
        ("phase", "each dot is a run, the line the median", "n", "median s", "range s"), body, numbers=3
    )


def _dots_row(name: str, values: Sequence[Seconds], *, longest: Seconds) -> Html:
    middle = median(values)
    said = f"{name}: median {middle:.1f} s of {len(values)}\n" + ", ".join(
        f"{one:.1f}" for one in sorted(values)
    )
    cells = (str(len(values)), f"{middle:.1f}", f"{min(values):.1f}\N{EN DASH}{max(values):.1f}")
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", dots(values, longest, median_at=middle), class_="wide"),
        *(tag("td", cell, class_="n") for cell in cells),
        tabindex=0,
        data_tip=said,
        data_filter="",
    )


def table(head: Sequence[str], body: Sequence[Html], *, numbers: int) -> Html:
    """A table whose last `numbers` columns are aligned as numbers."""
    words = len(head) - numbers
    cells = (
        tag("th", title, scope="col", class_="n" if n >= words else None) for n, title in enumerate(head)
    )
    whole = tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *body))
    return tag("div", whole, class_="scroll")


def row(name: str, *cells: str, words: int = 0) -> Html:
    """A plain row: after its name `words` cells of words, then numbers."""
    made = (tag("td", cell, class_="n" if n >= words else None) for n, cell in enumerate(cells))
    return tag("tr", tag("th", name, scope="row"), *made, data_filter="")


def definitions(known: Mapping[str, str]) -> Html:
    """Names and what they stand for."""
    pairs = ((tag("dt", name), tag("dd", value)) for name, value in known.items())
    return tag("dl", *(part for pair in pairs for part in pair))
