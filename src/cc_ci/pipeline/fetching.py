"""Read all that a run is about, without a node: the recipe in its versions, its suite and its provider."""

from pathlib import Path

import msgspec

from cc_ci.lab.sources import lab_folder
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline.locating import locate
from cc_ci.pipeline.needs import SearchPlaces, read_need
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.room import Room
from cc_ci.pipeline.subject import Choice, Subject, Tested, read_subject
from cc_ci.pipeline.trust import Trust
from cc_ci.results.schema import StageName
from cc_ci.suite.finding import suite_of
from cc_ci.system.process import Runner


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """`recipe` is a name, a folder or an address of a repository."""

    recipe: str
    choice: Choice = Choice()
    variant: str | None = None
    recipe_roots: tuple[Path, ...] = ()
    suite_roots: tuple[Path, ...] = ()
    trust: Trust = Trust()
    soak: bool = False


def read(
    selection: Selection, root: Path, *, run: str, ci_domain: str, scratch: Path, runner: Runner
) -> Subject:
    """The subject of one run; `root` is where the recipe was found, `scratch` takes its versions."""
    places = SearchPlaces(
        recipes=selection.recipe_roots,
        suites=(*selection.suite_roots, *shipped_suites()),
        scratch=scratch,
        trust=selection.trust,
    )
    trusted = selection.trust.under_test(selection.recipe, root, roots=selection.recipe_roots)
    suite = suite_of(root, given=selection.suite_roots, shipped=shipped_suites())
    need = None
    for name in suite.needs if suite else ():
        need = read_need(name, run=run, ci_domain=ci_domain, places=places, runner=runner)
    tested = Tested(suite=suite, variant=selection.variant, need=need, trusted=trusted, soak=selection.soak)
    return read_subject(root, choice=selection.choice, tested=tested, scratch=scratch, runner=runner)


def rehearse(
    selection: Selection,
    arm: Chosen,
    *,
    ci_domain: str,
    stage: StageName | None,
    keep: bool,
    scratch: Path,
    runner: Runner,
    room: Room | None = None,
) -> tuple[Subject, Plan]:
    """What a run would be about, and the plan that it would carry out; `room` is the node's, if known."""
    root = locate(selection.recipe, roots=selection.recipe_roots, scratch=scratch, runner=runner)
    subject = read(selection, root, run="rehearsal", ci_domain=ci_domain, scratch=scratch, runner=runner)
    return subject, make_plan(subject.known, arm, only=stage, keep=keep, room=room)


def shipped_suites() -> tuple[Path, ...]:
    folder = lab_folder().parent / "suites"
    return (folder,) if folder.is_dir() else ()
