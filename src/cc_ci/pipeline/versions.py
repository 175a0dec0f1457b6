"""Published versions of a recipe, laid out as folders of their own."""

from pathlib import Path

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.versions import PublishedVersion, parse_version, published_versions
from cc_ci.stages.bench import Candidate
from cc_ci.system import git
from cc_ci.system.process import Runner


def newest(root: Path, *, runner: Runner) -> PublishedVersion:
    """The newest version of the recipe at `root`; raises InfrastructureError where none is published."""
    published = published_versions(root, runner=runner)
    if not published:
        raise InfrastructureError(f"{root.name}: no version is published, so none can be deployed")
    return max(published, key=lambda one: one.version)


def named(published: tuple[PublishedVersion, ...], tag: str) -> PublishedVersion:
    """The version that `tag` names, which may leave out the upstream part.

    Raises UsageError with those that there are where none has the name, or several have.
    """
    if exact := [one for one in published if tag in {one.tag, one.version.text}]:
        return exact[0]
    asked = parse_version(tag)
    meant = [one for one in published if asked and asked.names(one.version)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise UsageError(f"version {tag}: is one of {', '.join(one.tag for one in meant)}; name one in full")
    there_are = ", ".join(version.tag for version in published) or "none"
    raise UsageError(f"version {tag}: not published; there is {there_are}")


def tagged(root: Path, version: PublishedVersion, scratch: Path, runner: Runner) -> Candidate:
    """Lay the version out below `scratch`."""
    # the folder's last part is the recipe's name, which is read from it
    folder = scratch / version.tag.replace("/", "_") / root.name
    git.export_tree(root, version.tag, folder, runner=runner)
    return Candidate(label=version.tag, recipe=read_recipe(folder), commit=version.commit)
