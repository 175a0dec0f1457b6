"""What a run tests: the version under test, the one it is upgraded from, and what the planner must know."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.backups.planned import marker_places
from cc_ci.errors import UsageError
from cc_ci.pipeline.plan import Which
from cc_ci.pipeline.planner import Known
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.recipe import Recipe, read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.recipes.versions import PublishedVersion, previous_version, published_versions
from cc_ci.results.schema import RecipeUnderTest, ServiceImage
from cc_ci.stages.bench import Candidate
from cc_ci.stages.preparing import configured
from cc_ci.suite.facts import Suite
from cc_ci.system import git
from cc_ci.system.process import Runner

UNTAGGED = "working tree"


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe in the versions of this run; `dirty` is about the working tree under test."""

    name: str
    candidates: Mapping[Which, Candidate]
    stacks: Mapping[Which, Stack]
    suite: Suite | None
    variant: str | None
    dirty: bool | None

    @property
    def references(self) -> tuple[str, ...]:
        """All images of all versions."""
        return tuple(service.image for stack in self.stacks.values() for service in stack.services.values())

    @property
    def known(self) -> Known:
        plan = backup_plan(self.stacks["new"])
        seeds = bool(self.suite and self.suite.seeds)
        old = self.candidates.get("old")
        return Known(
            previous_version=old.label if old else None,
            has_suite=bool(self.suite and self.suite.has_tests),
            sso_declared=bool(self.suite and self.suite.sso),
            stateless=bool(self.suite and self.suite.stateless),
            volumes=tuple(sorted(self.stacks["new"].volumes)),
            backed_up=plan.enabled,
            can_seed=seeds or bool(marker_places(plan)),
        )

    @property
    def described(self) -> RecipeUnderTest:
        """For the results; digests are added when they are known."""
        old, new = self.candidates.get("old"), self.candidates["new"]
        return RecipeUnderTest(
            name=self.name,
            version_from=old.label if old else None,
            version_to=new.label,
            commit_from=old.commit if old else None,
            commit_to=new.commit,
            dirty=self.dirty,
            variant=(self.variant,) if self.variant else (),
            suite_hash=self.suite.hash if self.suite else None,
        )

    def images(self, digests: Mapping[str, tuple[str | None, str | None]]) -> tuple[ServiceImage, ...]:
        """Each service's image in each version; `digests` has (digest, image id) by reference."""
        return tuple(
            ServiceImage(
                version=self.candidates[which].label,
                service=name,
                reference=service.image,
                digest=digests.get(service.image, (None, None))[0],
                image_id=digests.get(service.image, (None, None))[1],
            )
            for which, stack in self.stacks.items()
            for name, service in stack.services.items()
        )


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Versions as asked for; None: the working tree, and the newest published one below it."""

    to: str | None = None
    from_: str | None = None


def read_subject(
    root: Path, *, choice: Choice, suite: Suite | None, variant: str | None, scratch: Path, runner: Runner
) -> Subject:
    """Read the recipe at `root` in its versions; tags are laid out in `scratch`."""
    published = published_versions(root, runner=runner)
    tree = read_recipe(root)
    new = (
        _tagged(root, _of(published, choice.to), scratch, runner)
        if choice.to
        else _untagged(tree, root, runner)
    )
    old = _previous(root, published, choice=choice, below=new.label, scratch=scratch, runner=runner)
    candidates: dict[Which, Candidate] = {"new": new, **({"old": old} if old else {})}
    stacks = {
        which: _stack(candidate, suite=suite, variant=variant) for which, candidate in candidates.items()
    }
    return Subject(
        name=tree.name,
        candidates=candidates,
        stacks=stacks,
        suite=suite,
        variant=variant,
        dirty=None if choice.to else git.is_dirty(root, runner=runner),
    )


def _stack(candidate: Candidate, *, suite: Suite | None, variant: str | None) -> Stack:
    """The stack as it will be, but for its domain: enough to know its images, volumes and labels."""
    return read_stack(configured(candidate, suite=suite, variant=variant, domain="app.example.test"))


def _untagged(tree: Recipe, root: Path, runner: Runner) -> Candidate:
    label = read_label(tree) or UNTAGGED
    return Candidate(label=label, recipe=tree, commit=git.commit_id(root, runner=runner))


def read_label(recipe: Recipe) -> str | None:
    """The version that the recipe's own labels give it."""
    return configured(
        Candidate(label="", recipe=recipe), suite=None, variant=None, domain="app.example.test"
    ).version


def _previous(
    root: Path,
    published: tuple[PublishedVersion, ...],
    *,
    choice: Choice,
    below: str,
    scratch: Path,
    runner: Runner,
) -> Candidate | None:
    found = _of(published, choice.from_) if choice.from_ else previous_version(published, below=below)
    return _tagged(root, found, scratch, runner) if found else None


def _of(published: tuple[PublishedVersion, ...], tag: str) -> PublishedVersion:
    for version in published:
        if tag in {version.tag, version.version.text}:
            return version
    there_are = ", ".join(version.tag for version in published) or "none"
    raise UsageError(f"version {tag}: not published; there is {there_are}")


def _tagged(root: Path, version: PublishedVersion, scratch: Path, runner: Runner) -> Candidate:
    # the folder's last part is the recipe's name, which is read from it
    folder = scratch / version.tag.replace("/", "_") / root.name
    git.export_tree(root, version.tag, folder, runner=runner)
    return Candidate(label=version.tag, recipe=read_recipe(folder), commit=version.commit)
