"""The page of a set of runs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

import msgspec

from cc_ci.levers.arms import arm_words
from cc_ci.report.html.charts import (
    BarRow,
    definitions,
    distribution,
    dots,
    pareto,
    row,
    rows_of,
    table,
    typical,
)
from cc_ci.report.html.markup import Html, join, percent, tag
from cc_ci.report.html.shell import PageSection, document, legend
from cc_ci.report.html.wording import duration, share
from cc_ci.results.measured import Cell, Measured, cells
from cc_ci.system.units import Seconds

Group = tuple[Cell, tuple[Measured, ...]]


class MedianAndLimit(msgspec.Struct, frozen=True, kw_only=True):
    """Of one recipe and cache state: the median run, and the least that it could take."""

    recipe: str
    cache: str
    run: Seconds
    limit: Seconds
    floor: Seconds | None = None
    rho: str | None = None
    """Their ratio over pairs, with its interval; None where the model does not hold."""


def set_page(
    name: str,
    measured: Sequence[Measured],
    *,
    bounds: Sequence[MedianAndLimit] = (),
    conditions: Mapping[str, str] | None = None,
) -> str:
    """The whole page; only runs that count are in its numbers, the others are named at its end.

    `conditions` are names and values of what holds for all of them.
    """
    found = ((cell, runs) for cell, runs in cells(measured) if runs)
    # by words, so that the default profile, which has none of its own, comes before what it is held against
    groups = sorted(found, key=lambda group: group[0].words)
    sections = [
        PageSection(anchor="totals", title="Whole runs", body=_totals(groups)),
        PageSection(
            anchor="cold-warm",
            title="Cold against warm",
            lead="Medians of the phases on the critical path, in seconds.",
            body=_cold_warm(groups),
        ),
        PageSection(
            anchor="phases",
            title="Phases",
            lead="Of each stage in a phase the median over the runs; so they add up only nearly.",
            body=join(
                [legend(), *(_one(group, _pareto(group), opened=n == 0) for n, group in enumerate(groups))]
            ),
        ),
        PageSection(
            anchor="distribution",
            title="Every value",
            lead="Seconds on the critical path, each run a dot.",
            body=join([_one(group, _values(group), opened=n == 0) for n, group in enumerate(groups)]),
        ),
        PageSection(anchor="limit", title="Stock against limit", body=_bounds(bounds)),
        PageSection(
            anchor="conditions",
            title="Conditions",
            body=definitions(conditions) if conditions else _none(),
        ),
        PageSection(anchor="runs", title="All attempts", body=_attempts(measured)),
    ]
    return document(title=f"cc-ci: {name}", headline=_headline(name, measured, groups), sections=sections)


def _headline(name: str, measured: Sequence[Measured], groups: Sequence[Group]) -> Html:
    count = sum(len(runs) for _, runs in groups)
    void = sum(one.void is not None for one in measured)
    other = len(measured) - count - void
    said = f"{count} runs in {len(groups)} cells took {duration(sum(_all_totals(groups)))}"
    aside = ", ".join(f"{n} {word}" for n, word in ((void, "void"), (other, "not green")) if n)
    under = (tag("p", f"Not in the numbers: {aside}.", class_="because"),) if aside else ()
    return join([tag("p", name, class_="under"), tag("h1", said), *under])


def _total(one: Measured) -> Seconds:
    return one.result.total_seconds if one.result else 0.0


def _all_totals(groups: Sequence[Group]) -> list[Seconds]:
    return [_total(one) for _, runs in groups for one in runs]


def _totals(groups: Sequence[Group]) -> Html:
    if not groups:
        return _none()
    longest = max(_all_totals(groups))
    body = [_total_row(cell, [_total(one) for one in runs], longest) for cell, runs in groups]
    head = ("cell", "each dot is a run, the line the median", "n", "median s", "range s")
    return table(head, body, numbers=3)


def _total_row(cell: Cell, values: Sequence[Seconds], longest: Seconds) -> Html:
    middle = median(values)
    cells_ = (str(len(values)), f"{middle:.1f}", f"{min(values):.1f}\N{EN DASH}{max(values):.1f}")
    return tag(
        "tr",
        tag("th", str(cell), scope="row"),
        tag("td", dots(values, longest, median_at=middle), class_="wide"),
        *(tag("td", text, class_="n") for text in cells_),
        tabindex=0,
        data_tip=f"{cell}: median {duration(middle)}\n" + ", ".join(f"{one:.1f}" for one in sorted(values)),
        data_filter="",
    )


def _rows(runs: Sequence[Measured]) -> tuple[BarRow, ...]:
    return typical([one.parts for one in runs])


def _pareto(group: Group) -> Html:
    rows = _rows(group[1])
    return pareto(rows) if rows else _none()


def _values(group: Group) -> Html:
    seen = [{one.name: one.seconds for one in rows_of(run.parts)} for run in group[1]]
    names = dict.fromkeys(name for rows in seen for name in rows)
    samples = {name: [rows.get(name, 0.0) for rows in seen] for name in names}
    return distribution(samples) if samples else _none()


def _one(group: Group, body: Html, *, opened: bool) -> Html:
    cell, runs = group
    middle = median(map(_total, runs))
    summary = tag("summary", f"{cell} ", tag("small", f"{len(runs)} runs, median {duration(middle)}"))
    return tag("details", summary, body, open="" if opened else None)


def _cold_warm(groups: Sequence[Group]) -> Html:
    pairs: defaultdict[tuple[str, str], dict[str, Sequence[Measured]]] = defaultdict(dict)
    for cell, runs in groups:
        pairs[cell.recipe, cell.arm][cell.cache] = runs
    drawn = [
        join([tag("h3", " ".join((recipe, *arm_words(arm)))), _pair(both)])
        for (recipe, arm), both in pairs.items()
        if {"cold", "warm"} <= both.keys()
    ]
    return join(drawn) if drawn else _none()


def _pair(both: dict[str, Sequence[Measured]]) -> Html:
    cold, warm = ({one.name: one.seconds for one in _rows(both[cache])} for cache in ("cold", "warm"))
    phases = sorted({*cold, *warm}, key=lambda name: -max(cold.get(name, 0), warm.get(name, 0)))
    longest = max((*cold.values(), *warm.values()), default=0.0)
    totals = [median(map(_total, both[cache])) for cache in ("cold", "warm")]
    body = [_pair_row(name, cold.get(name, 0.0), warm.get(name, 0.0), longest) for name in phases]
    body.append(
        row("whole run", "", *(f"{one:.1f}" for one in totals), f"{totals[0] - totals[1]:+.1f}", words=1)
    )
    return table(("phase", "cold above warm", "cold s", "warm s", "difference"), body, numbers=3)


def _pair_row(name: str, cold: Seconds, warm: Seconds, longest: Seconds) -> Html:
    bars = (
        tag("rect", class_=class_, width=percent(value, longest), height="42%", y=y)
        for class_, value, y in (("cold", cold, "4%"), ("warm", warm, "54%"))
    )
    numbers = (f"{cold:.1f}", f"{warm:.1f}", f"{cold - warm:+.1f}")
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", tag("svg", *bars, class_="hbar", aria_hidden="true"), class_="wide"),
        *(tag("td", text, class_="n") for text in numbers),
        tabindex=0,
        data_tip=f"{name}\ncold {duration(cold)}, warm {duration(warm)}",
        data_filter="",
    )


def _bounds(bounds: Sequence[MedianAndLimit]) -> Html:
    if not bounds:
        return tag("p", "Not measured: cc-ci limit RECIPE measures it.", class_="none")
    longest = max(one.run for one in bounds)
    body = [_bound_row(one, longest) for one in bounds]
    head = ("cell", "limit in the run", "run s", "floor s", "limit s", "rho")
    return table(head, body, numbers=4)


def _bound_row(one: MedianAndLimit, longest: Seconds) -> Html:
    bars = (
        tag("rect", class_=class_, width=percent(value, longest), height="100%")
        for class_, value in (("run", one.run), ("limit", one.limit))
    )
    floor = "-" if one.floor is None else f"{one.floor:.1f}"
    numbers = (f"{one.run:.1f}", floor, f"{one.limit:.1f}", one.rho or "none")
    return tag(
        "tr",
        tag("th", f"{one.recipe} {one.cache}", scope="row"),
        tag("td", tag("svg", *bars, class_="hbar", aria_hidden="true"), class_="wide"),
        *(tag("td", text, class_="n") for text in numbers),
        tabindex=0,
        data_tip=f"{one.recipe} {one.cache}\nlimit {duration(one.limit)}, {share(one.limit, one.run)}",
        data_filter="",
    )


def _attempts(measured: Sequence[Measured]) -> Html:
    body = [
        row(
            one.name,
            str(one.cell),
            f"void: {one.void}" if one.void else (one.result.verdict if one.result else None) or "no result",
            f"{_total(one):.1f}",
            words=2,
        )
        for one in measured
    ]
    whole = table(("attempt", "cell", "verdict", "seconds"), body, numbers=1)
    return tag("details", tag("summary", f"{len(measured)} attempts"), whole)


def _none() -> Html:
    return tag("p", "Not measured.", class_="none")
