"""`cc-ci enroll`: pull a recipe's images ahead of its runs, and keep them; without one, list all."""

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from cc_ci.cli.kept import EnrolledImages


@click.command()
@click.argument("recipes", nargs=-1, metavar="[RECIPE]...")
@click.option("--node", metavar="NAME", help="A private node's name, a docker context, or a host's address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def enroll(*, recipes: tuple[str, ...], node: str | None, as_json: bool) -> None:
    """Pull the images of RECIPE (a name, folder or address) ahead, and keep them on the node.

    They are those of both versions that a run deploys now, and of its provider; enroll it again after a
    release. Without RECIPE, list what is enrolled. `cc-ci unenroll` lets them go.
    """
    from cc_ci.cli.kept import EnrolledImages, rows
    from cc_ci.cli.story import story
    from cc_ci.cli.told_json import tell_json
    from cc_ci.isolation import kept_images

    kept = EnrolledImages.on(node)
    if recipes:
        with story(started=time.monotonic()) as say:
            for recipe in recipes:
                _enroll(kept, recipe, say=say)
    found = rows(kept_images.read(kept.file))
    if as_json:
        tell_json("enrolled", enrolled=found)
        return
    for row in found:
        images = row["images"]
        click.echo(f"{row['recipe']}: {', '.join(images) if isinstance(images, list) else ''}")
    if not found:
        click.echo(f"node {kept.node}: no recipe is enrolled", err=True)


def _enroll(kept: "EnrolledImages", recipe: str, *, say: "Callable[[str], None]") -> None:
    """Written down before they are pulled: from then on no prune takes one."""
    from cc_ci.isolation import kept_images
    from cc_ci.isolation.kept_images import Enrolled

    images = _images(kept, recipe)
    with kept_images.changed(kept.file) as write:
        one = Enrolled(recipe=recipe, images=images, at=kept.now)
        brought = [image for image in images if kept.engine.image(image) is None]
        known = kept_images.read(kept.file).enrol(one)
        write(known.used(images, recipe=recipe, at=kept.now, brought=brought))
    for image in images:
        say(f"{recipe}: pulling {image}")
        kept.engine.pull(image)


def _images(kept: "EnrolledImages", recipe: str) -> tuple[str, ...]:
    """Of all that a run of it deploys as it stands now."""
    from cc_ci.pipeline.fetching import Selection, read
    from cc_ci.pipeline.locating import locate
    from cc_ci.system.held import temporary_folder
    from cc_ci.system.process import LocalRunner

    settings, runner = kept.settings, LocalRunner()
    selection = Selection(recipe=recipe, recipe_roots=settings.recipes, suite_roots=settings.suites)
    with temporary_folder() as scratch:
        root = locate(recipe, roots=settings.recipes, scratch=scratch, runner=runner)
        subject = read(
            selection, root, run="enrolled", ci_domain=settings.ci_domain, scratch=scratch, runner=runner
        )
        return tuple(sorted(set(subject.references)))
