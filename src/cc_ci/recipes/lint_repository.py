"""Lint rules that look at a recipe's files and tags."""

import re
from collections.abc import Callable, Iterator

from cc_ci.recipes.configuring import configure, version_label
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.findings import Finding, found
from cc_ci.recipes.recipe import ENV_SAMPLE, Recipe, read_text
from cc_ci.recipes.stack import read_stack
from cc_ci.recipes.versions import parse_version, published_versions
from cc_ci.system.git import commit_id, is_dirty
from cc_ci.system.process import LocalRunner

METADATA = ("Category", "Status", "Image", "Healthcheck", "Backups", "Email", "Tests", "SSO")
OFF_HEALTHCHECK = re.compile(r"\s*#+\s*healthcheck\s*:")


def published(recipe: Recipe) -> Iterator[Finding]:
    versions = published_versions(recipe.root)
    if not versions:
        yield found("R006", "no tag is a version, so there is nothing to upgrade from")
    for version in versions:
        if not version.annotated:
            yield found("R014", f"the tag {version.tag} is not annotated; make it with git tag -a")


def readme(recipe: Recipe) -> Iterator[Finding]:
    text = read_text(recipe.root, "README.md")
    if not text:
        yield found("R007", "README.md is missing or empty", file="README.md")
        return
    match = re.search(r"<!--\s*metadata\s*-->(.*?)<!--\s*endmetadata\s*-->", text, re.DOTALL)
    if match is None:
        yield found("R007", "README.md has no metadata comments", file="README.md")
        return
    line = text[: match.start()].count("\n") + 1
    missing = [key for key in METADATA if not re.search(rf"\*\*{key}\*\*:[ \t]*\S", match[1])]
    if missing:
        message = f"README.md: its metadata says nothing of {', '.join(missing)}"
        yield found("R007", message, Source(file="README.md", line=line))


def env_sample(recipe: Recipe) -> Iterator[Finding]:
    if not (recipe.root / ENV_SAMPLE).is_file():
        yield found("R008", f"{ENV_SAMPLE} is missing")


def public(_recipe: Recipe) -> Iterator[Finding]:
    yield found("R013", "whether the repository is published was not asked")


def no_check_turned_off(recipe: Recipe) -> Iterator[Finding]:
    for path in recipe.compose_files:
        name = str(path.relative_to(recipe.root))
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if OFF_HEALTHCHECK.match(line):
                yield found("C004", "a health check is commented out", Source(file=name, line=number))


def bumped(recipe: Recipe) -> Iterator[Finding]:
    """The label is above the newest tag, unless the tree is that tag's."""
    versions = published_versions(recipe.root)
    try:
        stack = read_stack(configure(recipe, domain=f"{recipe.name}.example.com"))
    except RecipeError:
        return  # told before
    text = version_label(stack)
    label = parse_version(text) if text else None
    source = stack.source(f"services.app.deploy.labels.coop-cloud.{stack.name}.version")
    if text is None:
        yield found("C007", "no service has a label coop-cloud.STACK_NAME.version", source)
    if not versions or label is None:
        return
    newest = versions[-1]
    runner = LocalRunner()
    released = commit_id(recipe.root, runner=runner) == newest.commit and not is_dirty(
        recipe.root, runner=runner
    )
    if label < newest.version or (label == newest.version and not released):
        message = f"the version label {text} is not above the newest tag, {newest.tag}, and the files differ"
        yield found("C007", message, source)


REPOSITORY_RULES: tuple[Callable[[Recipe], Iterator[Finding]], ...] = (
    published,
    readme,
    env_sample,
    public,
    no_check_turned_off,
    bumped,
)
