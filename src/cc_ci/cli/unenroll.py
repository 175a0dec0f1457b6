"""`cc-ci unenroll`: let the images of a recipe go, once it is not run any more."""

import click


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option("--node", metavar="NAME", help="A private node's name, a docker context, or a host's address.")
def unenroll(*, recipes: tuple[str, ...], node: str | None) -> None:
    """Take RECIPE, as it was enrolled, off the list; `cc-ci images prune` may then remove its images.

    They stay for 14 days after its last run all the same.
    """
    from cc_ci.cli.kept import EnrolledImages
    from cc_ci.errors import UsageError
    from cc_ci.isolation import kept_images

    kept = EnrolledImages.on(node)
    with kept_images.changed(kept.file) as write:
        found = kept_images.read(kept.file)
        for recipe in recipes:
            known = [one.recipe for one in found.enrolled]
            if recipe not in known:
                raise UsageError(f"{recipe}: is not enrolled; there is {', '.join(known) or 'none'}")
            found = found.unenrol(recipe)
        write(found)
