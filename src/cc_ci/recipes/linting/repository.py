"""Lint rules that look at a recipe's files and tags."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cc_ci.errors import CcCiError
from cc_ci.recipes.configuring import configure, version_label
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.recipe import ABRA_SH, ENV_SAMPLE, Recipe, inside, read_text
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.recipes.versions import Version, parse_version, published_versions
from cc_ci.system.git import export_tree
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import LocalRunner

METADATA = ("Category", "Status", "Image", "Healthcheck", "Backups", "Email", "Tests", "SSO")
BEGINS, ENDS = (re.compile(rf"<!--\s*{word}\s*-->") for word in ("metadata", "endmetadata"))
VERSION_KEY = "coop-cloud.${STACK_NAME}.version"
OFF_HEALTHCHECK = re.compile(r"\s*#+\s*healthcheck\s*:")


def published(recipe: Recipe) -> Iterator[Finding]:
    versions = published_versions(recipe.root)
    if not versions:
        yield found("R006", "no tag is a version, so that there is nothing to upgrade from")
    for version in versions:
        if not version.annotated:
            message = f"the tag {version.tag} is not annotated; recreate it with git tag -a"
            yield found("R014", message, key=version.tag)


def readme(recipe: Recipe) -> Iterator[Finding]:
    text = read_text(recipe.root, "README.md")
    if not text:
        yield found("R007", "README.md is missing or empty", file="README.md")
        return
    begins = BEGINS.search(text)
    ends = ENDS.search(text, begins.end()) if begins else None
    if begins is None or ends is None:
        yield found("R007", "README.md has no metadata comments", file="README.md")
        return
    line = text[: begins.start()].count("\n") + 1
    said = text[begins.end() : ends.start()]
    missing = [key for key in METADATA if not re.search(rf"\*\*{key}\*\*:[ \t]*\S", said)]
    if missing:
        message = f"README.md: its metadata has no {', '.join(missing)}"
        yield found("R007", message, Source(file="README.md", line=line))


def env_sample(recipe: Recipe) -> Iterator[Finding]:
    if not (recipe.root / ENV_SAMPLE).is_file():
        yield found("R008", f"{ENV_SAMPLE} is missing")


def public(_recipe: Recipe) -> Iterator[Finding]:
    yield found("R013", "no server was asked whether the repository is public")


def no_check_turned_off(recipe: Recipe) -> Iterator[Finding]:
    for path in recipe.compose_files:
        name = str(path.relative_to(recipe.root))
        for number, line in enumerate(read_text(recipe.root, name).splitlines(), start=1):
            if OFF_HEALTHCHECK.match(line):
                source = Source(file=name, line=number)
                yield found("C004", "a health check is commented out", source, key=f"{name}:{number}")


def versioned(recipe: Recipe) -> Iterator[Finding]:
    """There is a label, it is a version, and it is above the last release unless nothing deployed changed."""
    try:
        stack = read_stack(configure(recipe, domain=f"{recipe.name}.example.com"))
    except RecipeError:
        return  # found before
    key = f"services.app.deploy.labels.coop-cloud.{stack.name}.version"
    shown = "services.app.deploy.labels.coop-cloud.${STACK_NAME}.version"
    text, source = version_label(stack), stack.source(key)
    if text is None and any(VERSION_KEY in service.labels for service in stack.services.values()):
        message = f"{shown}: as the key of a map it is not filled in; write the labels as a list"
        yield found("C007", message, stack.source(shown), key=shown)
        return
    if text is None:
        yield found("C007", f"{shown}: is missing on each service", source, key=shown)
        return
    label = parse_version(text)
    if label is None or "+" not in text:
        message = f"{shown}: {text!r} is not x.y.z+upstream"
        yield found("C007", message, source, key=shown, severity="warning")
    if label is not None:
        yield from _bumped(recipe, stack, label, source)


def _bumped(recipe: Recipe, stack: Stack, label: Version, source: Source | None) -> Iterator[Finding]:
    released = published_versions(recipe.root, reachable_from="HEAD")
    if not released:
        return
    newest = released[-1]
    same = label.names(newest.version)
    if (same and _deployed_differ(recipe, stack, newest.tag)) or (not same and label < newest.version):
        message = f"the version label {label.text} is not above the last release, {newest.tag}"
        yield found(
            "C007", f"{message}, and what is deployed differs" if same else message, source, key="bumped"
        )


def _deployed_differ(recipe: Recipe, stack: Stack, tag: str) -> bool:
    """Whether files that a deploy reads are not as the tag has them; papers and pipelines may differ."""
    with temporary_folder() as scratch:
        before = scratch / recipe.root.name
        try:
            export_tree(recipe.root, tag, before, runner=LocalRunner())
        except CcCiError:
            return True
        names = {ENV_SAMPLE, ABRA_SH, *(str(path.relative_to(recipe.root)) for path in recipe.compose_files)}
        files = (one.file for section in (stack.configs, stack.secrets) for one in section.values())
        names |= {str(Path(file).relative_to(recipe.root)) for file in files if file}
        return any(_content(recipe.root, name) != _content(before, name) for name in names)


def _content(root: Path, name: str) -> bytes | None:
    path = inside(root, name)
    return path.read_bytes() if path.is_file() else None


REPOSITORY_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    published,
    readme,
    env_sample,
    public,
    no_check_turned_off,
    versioned,
)
