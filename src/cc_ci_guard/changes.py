"""Recipes as the guard changes them: mutants, which have to fail, and healthy twins, which must not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cc_ci_guard.errors import GuardUsageError

StageOfRun = Literal["install", "upgrade", "backup", "restore", "functional", "sso", "teardown"]
Askable = Literal["install", "upgrade", "backup", "restore", "functional", "sso"]
"""Stages that `cc-ci run --stage` carries out alone; a teardown is in each of them."""
Version = Literal["old", "new", "both"]
Kind = Literal[
    "data",
    "time",
    "routes",
    "tls",
    "secrets",
    "doors",
    "volumes",
    "hooks",
    "images",
    "leaks",
    "signals",
    "sso",
]
"""`doors`: who gets in."""
KINDS: tuple[Kind, ...] = get_args(Kind)
STEP = "step "
"""Begins a check that is a step of the run, such as `step deploy`: what fails there is no test's."""


class Edit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`find` stands in `file` exactly once, and `replace` takes its place."""

    version: Version
    file: str
    find: str
    replace: str


class Added(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that the recipe does not have."""

    version: Version
    file: str
    text: str


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Edits of one recipe of the lab, by a name of its own; `what` is one line for people."""

    name: str
    what: str
    edit: tuple[Edit, ...] = ()
    add: tuple[Added, ...] = ()


class Mutant(Change, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault, the stage and check that have to see it, whose fault it is, and what they have to say.

    `cause` are words that the message must have, `place` where in the recipe or its suite the fault shows.
    A profile in `unseen_by` can't see it by its nature; then `seen_by` names the one that does.
    """

    kind: Kind
    stage: StageOfRun
    check: str
    cause: tuple[str, ...]
    place: str
    blame: str = "recipe"
    run: Askable | None = None
    """The stage that is asked for where it is not `stage`, as for a teardown."""
    unseen_by: tuple[str, ...] = ()
    seen_by: str | None = None

    @property
    def asked(self) -> Askable:
        return self.run or ("install" if self.stage == "teardown" else self.stage)


class Twin(Change, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An unusual and sound recipe: a run of it has to be green. `kind` says what is unusual."""

    kind: str
    run: Askable | None = None
    """The one stage that it is about; None: all of them."""
    called: str | None = None
    """A name of its own, so that the suite of its recipe is not its suite."""


class MutantFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipe: str
    mutant: tuple[Mutant, ...]


class TwinFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipe: str
    twin: tuple[Twin, ...]


def versions(source: Path) -> tuple[Path, Path]:
    """The folders of the two newest versions of a recipe, older first."""
    folders = [path for path in source.iterdir() if path.is_dir()] if source.is_dir() else []
    if len(folders) < 2:  # noqa: PLR2004 - an old and a new one
        raise GuardUsageError(f"{source}: {len(folders)} versions; a recipe of the lab with two is needed")
    older, newer = sorted(folders, key=_by_number)[-2:]
    return older, newer


def _by_number(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in "".join(c if c.isdigit() else " " for c in folder.name).split())


def apply(change: Change, folder: Path, *, version: Literal["old", "new"]) -> None:
    """Carry the changes of one version out in its folder. Raises GuardUsageError where one does not fit."""
    for edit in change.edit:
        if edit.version in {version, "both"}:
            _edit(change, edit, folder, version=version)
    for added in change.add:
        if added.version in {version, "both"}:
            path = _inside(change, added.file, folder)
            if path.exists():
                raise GuardUsageError(
                    f"{change.name}: {added.file}: is there already in the {version} version; edit it"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(added.text)


def _edit(change: Change, edit: Edit, folder: Path, *, version: str) -> None:
    path = _inside(change, edit.file, folder)
    if not path.is_file():
        raise GuardUsageError(f"{change.name}: {edit.file}: the {version} version has no such file")
    text = path.read_text()
    if (times := text.count(edit.find)) != 1:
        begin = edit.find.strip().splitlines()[0][:60] if edit.find.strip() else ""
        raise GuardUsageError(
            f"{change.name}: {edit.file}: {begin!r} is there {times} times in the {version} version; "
            "make `find` fit one place"
        )
    path.write_text(text.replace(edit.find, edit.replace))


def _inside(change: Change, file: str, folder: Path) -> Path:
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()) or Path(file).is_absolute():
        raise GuardUsageError(f"{change.name}: {file}: outside of the recipe; name a file in it")
    return path


def trouble(change: Change) -> Iterator[str]:
    """What is wrong with a change by itself, whatever its recipe has."""
    if not change.name.replace("-", "").isalnum() or change.name != change.name.lower():
        yield "name: has more than small letters, digits and `-`"
    for number, edit in enumerate(change.edit):
        if edit.find == edit.replace:
            yield f"edit[{number}].replace: changes nothing"
    if isinstance(change, Mutant):
        yield from _mutants_trouble(change)


def _mutants_trouble(mutant: Mutant) -> Iterator[str]:
    if not mutant.edit and not mutant.add:
        yield "edit: missing, and so is add: it is no mutant"
    if not mutant.cause or not all(mutant.cause):
        yield "cause: empty; name a word that the message must have"
    if not mutant.place:
        yield "place: empty; name the file, key or test where the fault shows"
    if bool(mutant.unseen_by) != bool(mutant.seen_by):
        yield "unseen_by: goes with seen_by, the profile that sees it"
    if mutant.seen_by in mutant.unseen_by:
        yield "seen_by: is in unseen_by as well"
