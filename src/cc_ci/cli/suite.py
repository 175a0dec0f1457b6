"""`cc-ci suite`: make a first suite for a recipe, and check one without running it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.recipes.app import App
    from cc_ci.suite.facts import Suite

RECIPE = click.argument("recipe")


@click.group()
def suite() -> None:
    """Make and check suites, the tests of recipes; no Docker is needed."""


@suite.command()
@RECIPE
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="A folder of suites to write into. [tests/cc-ci in the recipe's own folder]",
)
def new(recipe: str, *, into: Path | None) -> None:
    """Make a first suite for RECIPE (a name, a folder or an address), which passes as it is.

    It goes into tests/cc-ci in the recipe's folder, where `cc-ci run` finds it. If the recipe is not a folder
    of yours, it goes into the first folder of the setting `suites`.
    """
    from cc_ci.errors import UsageError
    from cc_ci.recipes.stack import read_stack
    from cc_ci.suite.front import is_web
    from cc_ci.suite.skeleton import files
    from cc_ci.system.held import temporary_folder

    with temporary_folder() as scratch:
        app = _app(recipe, scratch=scratch)
        folder = _place(recipe, app.recipe.root, into)
        secrets = tuple(secret.name for secret in app.secrets)
        stack = read_stack(app)
        web = is_web(None, app.recipe, stack)
        made = files(app.recipe.root.name, stack, domain=app.domain, secrets=secrets, web=web)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        message = f"{folder}: exists already; check it with `cc-ci suite check {recipe}`"
        raise UsageError(message) from None
    for name, text in made.items():
        (folder / name).write_text(text)
        click.echo(str(folder / name))
    places = f"CC_CI_SUITES={into} " if into else ""
    stage = "functional" if web else "install"
    click.echo(
        f"next: {places}cc-ci run {recipe} --stage {stage}; then fill in put, get and remove in seed.py",
        err=True,
    )


@suite.command()
@RECIPE
def check(recipe: str) -> None:
    """Compare the suite of RECIPE with the recipe, without running it; exits with 1 if there are faults."""
    from cc_ci.errors import UsageError
    from cc_ci.pipeline.fetching import shipped_suites
    from cc_ci.suite.checking import faults, remarks
    from cc_ci.suite.finding import suite_of
    from cc_ci.system.held import temporary_folder
    from cc_ci.system.settings import load_settings

    with temporary_folder() as scratch:
        app = _app(recipe, scratch=scratch)
        given = load_settings().suites
        found = suite_of(app.recipe.root, given=given, shipped=shipped_suites())
        if found is None:
            raise UsageError(f"{recipe}: has no suite; make one by `cc-ci suite new {recipe}`")
        wrong = (*faults(found), *_faults_with(found, app))
    for line in wrong:
        click.echo(line)
    for line in remarks(found):
        click.echo(f"remark: {line}", err=True)
    if wrong:
        raise click.exceptions.Exit(1)
    click.echo(f"{found.folder}: no mistake found by reading; run it with `cc-ci run {recipe}`", err=True)


def _faults_with(found: "Suite", app: "App") -> tuple[str, ...]:
    """Compare the suite with the recipe as it deploys it, in every variant."""
    from cc_ci.suite.checking import faults_with
    from cc_ci.suite.front import unrouted
    from cc_ci.suite.ways import ways

    deployed = ways(found, app.recipe, domain=app.domain)
    routing = (
        f"{found.folder}/{line}"
        for way in deployed
        for line in unrouted(found, way.stack, domain=way.app.domain)
    )
    return tuple(dict.fromkeys((*faults_with(found, deployed), *routing)))


def _app(asked: str, *, scratch: Path) -> "App":
    from cc_ci.pipeline.locating import locate
    from cc_ci.recipes.configuring import configure
    from cc_ci.recipes.recipe import read_recipe
    from cc_ci.system.process import LocalRunner
    from cc_ci.system.settings import load_settings

    roots = load_settings().recipes
    root = locate(asked, roots=roots, scratch=scratch, runner=LocalRunner())
    return configure(read_recipe(root), domain=f"{root.name}.example.com")


def _place(asked: str, root: Path, into: Path | None) -> Path:
    """The folder of a new suite. What ships, or was cloned, is nobody's to write into."""
    from cc_ci.errors import UsageError
    from cc_ci.suite.finding import OWN
    from cc_ci.system.settings import load_settings

    settings = load_settings()
    if into is not None:
        return into / root.name
    if Path(asked).is_dir() or any(root.is_relative_to(one.resolve()) for one in settings.recipes):
        return root / OWN
    if not settings.suites:
        raise UsageError(f"{asked}: is no folder of yours to write into; give one by --into FOLDER")
    return settings.suites[0] / root.name
