"""The page of one run."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import msgspec

from cc_ci.report.html.charts import definitions, pareto, row, rows_of, table
from cc_ci.report.html.markup import Html, join, tag
from cc_ci.report.html.shell import PageSection, document, legend
from cc_ci.report.html.timeline import clock, timeline
from cc_ci.report.html.wording import duration, share, versions
from cc_ci.report.waiting import wait_causes
from cc_ci.report.wrong import RedCause, causes, consequences
from cc_ci.results.engines import engine_of
from cc_ci.results.measured import parts as parts_of
from cc_ci.results.schema import RunResult, StageResult
from cc_ci.timing.critical_path import PhaseTable
from cc_ci.timing.parts import WAITS_FOR, Part
from cc_ci.timing.spans import Span

GIGA = 1e9


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the run's evidence; `href` is relative to the page, and quoted.

    What a browser would run rather than show does not open, but can be downloaded. What is not `redacted` is
    kept as it is, secrets included.
    """

    folder: str
    name: str
    href: str
    opens: bool = True
    redacted: bool = True


def run_page(result: RunResult, *, evidence: Sequence[Evidence] = ()) -> str:
    """The whole page; what the result doesn't hold is said to be not measured."""
    parts = parts_of(result) or _by_phase(result.phases)
    sections = [
        PageSection(
            anchor="timeline-section",
            title="Timeline",
            lead="Above the stages, then the phases of the critical path, below it all spans. The solid "
            "line under a span is the time for which the run waited for it.",
            body=join([legend(), _controls(result), timeline(result)]),
        ),
        PageSection(
            anchor="phases",
            title="Phases",
            lead="Each instant of the run belongs to one phase, that of the critical path.",
            body=pareto(rows_of(parts)) if parts else _none("phases"),
        ),
        PageSection(anchor="waits", title="Longest waits", body=_waits(parts, result)),
        PageSection(anchor="stages", title="Stages", body=_stages(result.stages)),
        PageSection(
            anchor="evidence",
            title="Evidence",
            lead="trace.json in the run's folder opens in Perfetto: ui.perfetto.dev, Open trace file.",
            body=_evidence(evidence),
        ),
        PageSection(
            anchor="conditions",
            title="Conditions",
            lead="Cold against warm, spread and limit need a set of runs: cc-ci report SET.",
            body=_conditions(result),
        ),
        PageSection(anchor="spans", title="All spans", body=_spans(result.spans)),
    ]
    title = f"{result.recipe.name}: {result.verdict or result.state}"
    return document(title=title, headline=headline(result, parts), sections=sections)


def headline(result: RunResult, parts: Sequence[Part]) -> Html:
    """What came of it, how long it took, and what took longest."""
    word = result.verdict or result.state
    said = tag(
        "h1",
        f"{result.recipe.name} " if word == "failed" else f"{result.recipe.name} is ",
        tag("strong", word, class_=f"verdict {'good' if result.exit_code == 0 else 'bad'}"),
        f" after {duration(result.total_seconds)}",
    )
    under = " · ".join(
        filter(
            None,
            (versions(result), result.cache.asked, f"profile {result.arm}", _trusted(result), result.run),
        )
    )
    return join([tag("p", under, class_="under"), said, *_why(result), *_longest(result, parts)])


def _why(result: RunResult) -> Iterator[Html]:
    """What went wrong, once and first; of a green run, what was skipped."""
    if result.exit_code == 0:
        yield from (tag("p", reason, class_="because") for reason in result.because)
        return
    cards = [_cause(cause) for cause in causes(result)]
    rest = [tag("p", str(one), class_="because") for one in consequences(result)]
    if cards or rest:
        heading = tag("h2", "What went wrong", id="wrong-title")
        yield tag("section", heading, *cards, *rest, id="wrong", aria_labelledby="wrong-title")


def _cause(cause: RedCause) -> Html:
    facts = {"at": cause.place, "next": cause.next}
    pairs = (
        part
        for name, value in facts.items()
        if value
        for part in (tag("dt", name), tag("dd", tag("code", value)))
    )
    details = (
        join([tag("h4", one.title), *([tag("pre", "\n".join(one.lines), tabindex=0)] if one.lines else [])])
        for one in cause.details
    )
    pictures = (tag("p", tag("a", name, href=_href(name))) for name in cause.screenshots)
    head = tag("h3", tag("span", cause.what, class_="bad"), f": {cause.why}")
    return tag("div", head, tag("dl", *pairs), *details, *pictures, class_="cause")


def _href(name: str) -> str:
    # "./" keeps a first part with a colon from being read as a scheme
    return "./" + quote(name)


def _trusted(result: RunResult) -> str:
    return f"trusted with {', '.join(result.trusted)}" if result.trusted else ""


def _longest(result: RunResult, parts: Sequence[Part]) -> tuple[Html, ...]:
    rows = rows_of(parts)
    if not rows or not result.total_seconds:
        return ()
    text = f"{rows[0].name} took {share(rows[0].seconds, result.total_seconds)} of it"
    most = max(parts, key=lambda part: part.seconds)
    if most.name:
        times = f" ({most.times} times)" if most.times > 1 else ""
        text += f"; the longest wait is {most.name} in {most.stage or 'run'}, {duration(most.seconds)}{times}"
    return (tag("p", text + ".", class_="longest"),)


def _controls(result: RunResult) -> Html:
    if not result.spans:
        return Html()
    keys = (("in", "+", "Zoom in"), ("out", "\N{MINUS SIGN}", "Zoom out"), ("all", "0", "Show all"))
    buttons = (
        tag("button", sign, type="button", data_zoom=name, aria_label=label) for name, sign, label in keys
    )
    hint = (
        "Drag over a stretch to zoom, or Ctrl and the wheel; + \N{MINUS SIGN} 0 and the arrow keys work too."
    )
    return tag("div", *buttons, tag("span", hint, class_="hint"), class_="controls")


def _by_phase(phases: PhaseTable | None) -> tuple[Part, ...]:
    """In the place of parts, where no path was kept."""
    rows = phases.rows if phases else ()
    return tuple(Part(seconds=one.wall_seconds, phase=one.phase) for one in rows)


def _waits(parts: Sequence[Part], result: RunResult) -> Html:
    named = [part for part in parts if part.name and part.seconds >= 1][:15]
    if not named:
        return _none("spans of the critical path")
    grouped = tag("ul", *(tag("li", str(cause)) for cause in wait_causes(result)))
    body = [
        row(
            part.name or "",
            part.waits_for or "",
            part.stage or "run",
            part.phase or "",
            f"{part.seconds:.1f}",
            share(part.seconds, result.total_seconds),
            words=3,
        )
        for part in named
    ]
    whole = table(("span", "waits for", "stage", "phase", "seconds", "of the run"), body, numbers=2)
    return join([grouped, whole])


def _stages(stages: Sequence[StageResult]) -> Html:
    body = [
        row(
            stage.name,
            stage.outcome,
            (stage.reason or "") if stage.green else "",
            f"{sum(test.outcome == 'passed' for test in stage.tests)}/{len(stage.tests)}"
            if stage.tests
            else "",
            f"{stage.seconds:.1f}",
            words=2,
        )
        for stage in stages
    ]
    if not body:
        return _none("stages")
    whole = table(("stage", "outcome", "reason", "tests", "seconds"), body, numbers=2)
    return join([whole, *(_tests(stage) for stage in stages if stage.tests)])


def _tests(stage: StageResult) -> Html:
    """Each test, open where one did not pass."""
    body = [
        row(
            test.id,
            test.deployment or "",
            test.outcome,
            test.reason or "",
            "" if test.assertions is None else str(test.assertions),
            f"{test.seconds:.1f}",
            words=3,
        )
        for test in stage.tests
    ]
    red = any(test.outcome not in {"passed", "skipped"} for test in stage.tests)
    return tag(
        "details",
        tag("summary", f"tests of {stage.name} ({len(body)})"),
        table(("test", "deployment", "outcome", "reason", "assertions", "seconds"), body, numbers=2),
        open="" if red else None,
    )


def _evidence(evidence: Sequence[Evidence]) -> Html:
    if not evidence:
        return tag("p", "None is kept beside this page.", class_="none")
    folders = dict.fromkeys(one.folder for one in evidence)
    return tag("div", *(_folder(name, evidence) for name in folders), class_="folders")


def _folder(name: str, evidence: Sequence[Evidence]) -> Html:
    files = [one for one in evidence if one.folder == name]
    links = (
        tag(
            "li",
            tag("a", one.name, href=one.href, download=None if one.opens else ""),
            "" if one.redacted else " not redacted",
        )
        for one in files
    )
    return tag("details", tag("summary", f"{name} ({len(files)})"), tag("ul", *links))


def _conditions(result: RunResult) -> Html:
    where, cache = result.environment, result.cache
    memory = f"{where.memory_bytes / GIGA:.1f} GB" if where.memory_bytes else None
    pulled = sum(image.pulled_bytes or 0 for image in cache.images)
    proved = {True: "proved", False: "not proved", None: "not checked"}[cache.proved]
    known = {
        "node": f"{where.cpus:g} CPUs, {memory or 'memory not known'}" if where.cpus else None,
        "engine": str(engine_of(where)) if where.engine else None,
        "kernel": where.kernel,
        "images": f"{cache.asked}, {proved}" if cache.asked else None,
        "pulled": f"{pulled / 1e6:.1f} MB" if cache.images else None,
        "cc-ci": result.cc_ci_version,
        **{f"warning {one.code}": one.message for one in result.warnings},
    }
    return definitions({name: value or "not measured" for name, value in known.items()})


def _spans(spans: Sequence[Span]) -> Html:
    if not spans:
        return _none("spans")
    body = [
        row(
            span.name,
            span.stage or "run",
            span.phase or "",
            str(span.attributes.get(WAITS_FOR, "")),
            clock(span.start),
            f"{span.seconds:.2f}",
            words=3,
        )
        for span in spans
    ]
    whole = table(("span", "stage", "phase", "waits for", "from", "seconds"), body, numbers=2)
    return tag("details", tag("summary", f"{len(spans)} spans as a table"), whole, id="all-spans")


def _none(what: str) -> Html:
    return tag("p", f"Not measured: this file keeps no {what}.", class_="none")
