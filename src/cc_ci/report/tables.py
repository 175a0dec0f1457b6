"""A run in the terminal: its stages, its phases, what was waited for, and where the rest is."""

from collections.abc import Collection, Sequence
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cc_ci.report.wrong import causes, consequences
from cc_ci.results.schema import RunResult, StageResult
from cc_ci.results.store import RunFolder
from cc_ci.timing.critical_path import NamedSeconds, PhaseRow, PhaseTable
from cc_ci.timing.parts import WAITS_FOR
from cc_ci.timing.phases import UNATTRIBUTED
from cc_ci.timing.spans import Span

COLOURS = {
    "passed": "green",
    "green": "green",
    "skipped": "cyan",
    "unverified": "yellow",
    "failed": "red",
    "errored": "magenta",
}
LONGEST = 5
PLAIN_WIDTH = 100_000
"""Of what is no terminal: a program that reads a table wants a row in one line."""


def console(stream: IO[str]) -> Console:
    """A console that is plain, and wide, when `stream` is not a terminal; rich itself honours NO_COLOR.

    Text is what it is: names of tests and reasons are not ours, and have brackets in them.
    """
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=width)


def summary(result: RunResult, folder: RunFolder, *, longest: int | None = LONGEST) -> Group:
    """All that a run says at its end; `longest` None shows every phase."""
    parts: list[RenderableType] = [*why_red(result), stages_table(result), ""]
    if result.phases is not None:
        parts += [phases_table(result.phases, longest=longest), ""]
    waits = waits_of(result)
    if waits:
        parts += [_named_table("waited for", waits), ""]
    parts += [Text(f"warning: {warning.message}", style="yellow") for warning in result.warnings]
    return Group(*parts, verdict_line(result), *_paths(result, folder))


def why_red(result: RunResult) -> list[RenderableType]:
    """The causes of a red run, each with its place, the next command and what was seen; nothing if green."""
    lines: list[RenderableType] = []
    for cause in causes(result):
        head = Text(cause.what, style=COLOURS.get(cause.what.rpartition(" ")[2], "red"))
        lines.append(head.append(f": {cause.why}", style="default"))
        lines += [_said("at", cause.place)] if cause.place else []
        lines += [_said("next", cause.next)] if cause.next else []
        for detail in cause.details:
            lines.append(Text(f"  {detail.title}", style="bold"))
            lines += [Text(f"    {line}", style="dim") for line in detail.lines]
        lines += [_said("picture", name) for name in cause.screenshots]
    lines += [Text(str(one), style="yellow") for one in consequences(result)]
    return [*lines, ""] if lines else []


def _said(name: str, what: str) -> Text:
    """A line that is not wrapped: what it names is there to be copied."""
    return Text(f"  {name:<5} {what}", no_wrap=True, overflow="ignore")


def verdict_line(result: RunResult) -> Text:
    word = result.verdict or result.state
    line = Text(word, style=COLOURS.get(word, "red"))
    line.append(f": {_versions(result)}, {_took(result)}, profile {result.arm}", style="default")
    if result.environment.engine:
        line.append(f", engine {result.environment.engine}", style="default")
    if result.trusted:
        line.append(f", trusted with {', '.join(result.trusted)}", style="default")
    for reason in result.because if result.exit_code == 0 else ():
        line.append(f"\n  {reason}", style="default")
    return line


def _took(result: RunResult) -> str:
    apart = result.fresh_restore_seconds
    part = (
        ""
        if not apart or round(apart, 1) <= 0
        else f" ({apart:.1f} s of it for the restore on a fresh deployment)"
    )
    return f"{result.total_seconds:.1f} s{part}"


def _versions(result: RunResult) -> str:
    recipe = result.recipe
    versions = " to ".join(version for version in (recipe.version_from, recipe.version_to) if version)
    return f"{recipe.name} {versions}".rstrip()


def _paths(result: RunResult, folder: RunFolder) -> list[Text]:
    named = {"results": str(folder.results), "evidence": str(folder.evidence)}
    if kept := {name for stage in result.stages for name in stage.unredacted}:
        named["not redacted"] = (
            f"{len(kept)} of its files, pictures and archives: see before you pass them on"
        )
    # no wrapping: a path is there to be copied
    return [Text(f"{name}: {path}", no_wrap=True, overflow="ignore") for name, path in named.items()]


def stages_table(result: RunResult) -> Table:
    table = _table("stage", "outcome", seconds=("seconds",), last=("tests", "reason"))
    for stage in result.stages:
        outcome = Text(stage.outcome, style=COLOURS[stage.outcome])
        passed = sum(test.outcome == "passed" for test in stage.tests)
        tests = f"{passed}/{len(stage.tests)}" if stage.tests else ""
        table.add_row(stage.name, outcome, f"{stage.seconds:.1f}", tests, _aside(stage, result))
    return table


def _aside(stage: StageResult, result: RunResult) -> str:
    """Why a stage was skipped; a green verdict says it itself, and what is red is told before the table."""
    return (stage.reason or "") if stage.outcome == "skipped" and result.exit_code != 0 else ""


def phases_table(phases: PhaseTable, *, longest: int | None = LONGEST) -> Table:
    """The longest phases, the others in one row, the unattributed and the total; overhead with its spans."""
    table = _table("phase", seconds=("wall s", "%", "busy s"))
    ranked = sorted(phases.rows, key=lambda row: -row.wall_seconds)
    others = ranked[longest:] if longest is not None else []
    for row in ranked[: len(ranked) - len(others)]:
        _phase_row(table, row.phase, [row])
        if row.phase == "overhead":
            for part in phases.overhead:
                table.add_row(f"  {part.name}", f"{part.seconds:.2f}", "", "", style="dim")
    if others:
        _phase_row(table, f"{len(others)} others", others)
    table.add_row(UNATTRIBUTED, f"{phases.unattributed_seconds:.2f}", f"{phases.unattributed_share:.1%}", "")
    busy = sum(row.busy_seconds for row in phases.rows)
    table.add_row("total", f"{phases.total_seconds:.2f}", "100.0%", f"{busy:.2f}", style="bold")
    return table


def _phase_row(table: Table, name: str, rows: Sequence[PhaseRow]) -> None:
    wall = sum(row.wall_seconds for row in rows)
    share = sum(row.share for row in rows)
    busy = sum(row.busy_seconds for row in rows)
    table.add_row(name, f"{wall:.2f}", f"{share:.1%}", f"{busy:.2f}")


def waits_of(result: RunResult, *, limit: int = LONGEST) -> tuple[NamedSeconds, ...]:
    """The longest waits: spans that say what they wait for, and waits that went on too long."""
    waits = [_wait(span) for span in result.spans if WAITS_FOR in span.attributes]
    slack = result.phases.poll_slack if result.phases else ()
    return tuple(sorted([*waits, *slack], key=lambda wait: -wait.seconds)[:limit])


def _wait(span: Span) -> NamedSeconds:
    where = f" ({span.deployment})" if span.deployment else ""
    return NamedSeconds(name=f"{span.attributes[WAITS_FOR]}{where}", seconds=span.seconds)


def _named_table(title: str, parts: Sequence[NamedSeconds]) -> Table:
    table = _table(title, seconds=("seconds",))
    for part in parts:
        table.add_row(part.name, f"{part.seconds:.2f}")
    return table


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: Collection[int]) -> Table:
    """Cells as they are; columns in `words` are left aligned, the others are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for at, name in enumerate(head):
        table.add_column(name, justify="left" if at in words else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _table(*names: str, seconds: Sequence[str] = (), last: Sequence[str] = ()) -> Table:
    # no lines: it reads the same in a terminal, in a log and in a pasted mail
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, no_wrap=True)
    for name in seconds:
        table.add_column(name, justify="right", no_wrap=True)
    for name in last:
        table.add_column(name, overflow="fold")
    return table
