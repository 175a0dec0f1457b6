"""What a run tests: the version under test, the one it is upgraded from, and what the planner must know."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from cc_ci.backups.hooks import When
from cc_ci.backups.planned import planned_hooks, upgrade_places, whole_volumes
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.holdings import names_of
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.needs import Need
from cc_ci.pipeline.plan import DeploymentSource, Which
from cc_ci.pipeline.room import load_of
from cc_ci.pipeline.versions import named, tagged
from cc_ci.recipes.app import App
from cc_ci.recipes.backup_coverage import left_out, unbacked
from cc_ci.recipes.backup_labels import BackupPlan, backup_plan
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.policy.judgement import Judgement
from cc_ci.recipes.policy.looking import Place
from cc_ci.recipes.recipe import Recipe, read_recipe
from cc_ci.recipes.routes import untold_rules
from cc_ci.recipes.rule import Syntax
from cc_ci.recipes.rule_syntax import syntax_for
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.recipes.versions import NoVersionBefore, PublishedVersion, published_versions, version_before
from cc_ci.results.schema import RecipeUnderTest, ServiceImage
from cc_ci.stages.bench import Candidate
from cc_ci.stages.permitting import judged
from cc_ci.stages.preparing import configured
from cc_ci.suite.checking import NEEDED_BY_A_RUN, faults_with
from cc_ci.suite.facts import Suite
from cc_ci.suite.front import unrouted
from cc_ci.suite.ways import Way, readable_ways
from cc_ci.system import git
from cc_ci.system.process import Runner

UNTAGGED = "working tree"
NONE = "none"
OTHER_STACK = "another_example_test"
TELLING = ("environment", "command", "entrypoint", "healthcheck", "container_labels", "aliases", "user")
"""What of a service its app may see, or others may see of it."""
EXAMPLE = "app.example.test"
"""Domain of a stack that is only read, for its images, volumes and labels."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe in the versions of this run; `dirty` is about the working tree under test."""

    name: str
    candidates: Mapping[Which, Candidate]
    apps: Mapping[Which, App]
    stacks: Mapping[Which, Stack]
    dirty: bool | None
    need: Need | None = None
    no_previous: NoVersionBefore | None = None
    soak: bool = False

    @property
    def suite(self) -> Suite | None:
        return self.candidates["new"].suite

    @property
    def references(self) -> tuple[str, ...]:
        """All images of all versions, and of the provider."""
        return tuple(reference for images in self.references_of.values() for reference in images)

    @property
    def references_of(self) -> Mapping[DeploymentSource, tuple[str, ...]]:
        return {
            which: tuple(service.image for service in stack.services.values())
            for which, stack in self.stacks_of.items()
        }

    @property
    def stacks_of(self) -> Mapping[DeploymentSource, Stack]:
        stacks: dict[DeploymentSource, Stack] = {which: stack for which, stack in self.stacks.items()}  # noqa: C416 - of a wider type
        if self.need:
            stacks["provider"] = self.need.stack
        return stacks

    @property
    def rule_syntax(self) -> Syntax:
        """How the run's proxy has to read rules: as all versions and the provider need it, if it can."""
        everyone = (rule for stack in self.stacks_of.values() for rule in untold_rules(stack))
        return syntax_for(everyone) or syntax_for(untold_rules(self.stacks["new"])) or "v3"

    @property
    def known(self) -> Known:
        plan = backup_plan(self.stacks["new"])
        seeds = bool(self.suite and self.suite.seeds)
        old = self.candidates.get("old")
        return Known(
            previous_version=old.label if old else None,
            no_previous=self.no_previous,
            soak=self.soak,
            has_suite=bool(self.suite and self.suite.has_tests),
            provider=self.need.name if self.need else None,
            has_sso_tests=bool(self.suite and self.suite.has_sso_tests),
            stateless=bool(self.suite and self.suite.stateless),
            unbacked=unbacked(self.apps["new"], self.stacks["new"], plan, unkept=self._unkept),
            left_out=left_out(self.stacks["new"], plan, unkept=self._unkept),
            backed_up=plan.enabled and bool(plan.volumes),
            can_seed=seeds or bool(whole_volumes(plan)),
            can_mark=seeds or self._can_mark,
            unshared=self.suite.unshared if self.suite else None,
            restore_hook=next(_restore_hooks(plan, self.stacks["new"]), None),
            tied=next(iter(self._tied), None),
            fixed_names=tuple(line for which in self.stacks for line in self._fixed_names(which)),
            load=load_of(self.suite),
            provider_load=load_of(self.need.candidate.suite) if self.need else None,
        )

    @property
    def _tied(self) -> Iterator[str]:
        """Where an app is told its stack's name: what differs under another one, names of things apart."""
        for which, candidate in self.candidates.items():
            stack = self.stacks[which]
            other = read_stack(configured(candidate, domain=EXAMPLE, stack_name=OTHER_STACK))
            for name, service in stack.services.items():
                for part in TELLING:
                    if getattr(service, part) != getattr(other.services[name], part):
                        key = f"services.{name}.{part}"
                        yield f"{stack.place(key)}{key}"

    def _fixed_names(self, which: Which) -> Iterator[str]:
        app, stack = self.apps[which], self.stacks[which]
        for one in names_of(app, stack):
            if not one.name.startswith(f"{stack.name}_"):
                yield f"{stack.place(one.key)}{one.key}: {one.kind} {one.name}"

    @property
    def _unkept(self) -> Mapping[str, str]:
        return self.suite.unkept if self.suite else {}

    @property
    def _can_mark(self) -> bool:
        """An upgrade begins with the old version, so it is that one's volumes that get markers."""
        stack = self.stacks.get("old")
        return stack is not None and bool(
            upgrade_places(stack, backup_plan(stack), unkept=self._unkept.keys())
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
            variant=(new.variant,) if new.variant else (),
            suite_hash=self.suite.hash if self.suite else None,
        )

    def judged(self, place: Place) -> Judgement:
        """What keeps the version under test from being deployed at `place`; what all were trusted with."""
        of = {which: self._judged(which, place) for which in self.candidates}
        used = [name for one in of.values() for name in one.trusted]
        idle = [line for line in of["new"].idle if all(line in one.idle for one in of.values())]
        if self.need:
            provider = judged(self.need.app, self.need.stack, self.need.candidate, place=place)
            used += [f"{self.need.name}: {name}" for name in provider.trusted]
        return msgspec.structs.replace(of["new"], trusted=tuple(dict.fromkeys(used)), idle=tuple(idle))

    def _judged(self, which: Which, place: Place) -> Judgement:
        return judged(self.apps[which], self.stacks[which], self.candidates[which], place=place)

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


def _restore_hooks(plan: BackupPlan, stack: Stack) -> Iterator[str]:
    moments: tuple[When, ...] = ("restore.pre-hook", "restore.post-hook")
    for when in moments:
        yield from (hook.where for hook in planned_hooks(plan, when, stack=stack))


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Versions as asked for; None: the working tree, and the newest version among its ancestors.

    `from_` may be NONE: there is no earlier version, and the caller says so.
    """

    to: str | None = None
    from_: str | None = None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """How every version of the recipe is configured and tested."""

    suite: Suite | None = None
    variant: str | None = None
    need: Need | None = None
    trusted: tuple[str, ...] = ()
    soak: bool = False

    def applied(self, candidate: Candidate) -> Candidate:
        return msgspec.structs.replace(
            candidate,
            suite=self.suite,
            variant=self.variant,
            sign_on=self.need.sign_on if self.need else None,
            trusted=self.trusted,
        )


def read_subject(root: Path, *, choice: Choice, tested: Tested, scratch: Path, runner: Runner) -> Subject:
    """Read the recipe at `root` in its versions; tags are laid out in `scratch`."""
    published = published_versions(root, runner=runner)
    tree = read_recipe(root)
    new = (
        tagged(root, named(published, choice.to), scratch, runner)
        if choice.to
        else _untagged(tree, root, runner)
    )
    before = _before(root, published, choice=choice, to=new, runner=runner)
    candidates: dict[Which, Candidate] = {"new": tested.applied(new)}
    apps: dict[Which, App] = {"new": configured(candidates["new"], domain=EXAMPLE)}
    if isinstance(before, PublishedVersion):
        try:
            old = tested.applied(tagged(root, before, scratch, runner))
            apps["old"] = configured(old, domain=EXAMPLE)
            candidates["old"] = old
        except RecipeError as error:
            # what an older version got wrong is no fault of the new one
            before = NoVersionBefore(outcome="unverified", reason=f"{before.tag}: {error}")
    stacks = {which: read_stack(app) for which, app in apps.items()}
    _require_fitting(candidates["new"], apps["new"], stacks["new"])
    return Subject(
        name=tree.name,
        candidates=candidates,
        apps=apps,
        stacks=stacks,
        need=tested.need,
        no_previous=before if isinstance(before, NoVersionBefore) else None,
        soak=tested.soak,
        dirty=None if choice.to else git.is_dirty(root, runner=runner),
    )


def _require_fitting(new: Candidate, app: App, stack: Stack) -> None:
    """What the suite names is there, in this way of deployment or another; what it looks at is routed.

    An older version need not have it all.
    """
    suite = new.suite
    if suite is None:
        return
    if wrong := next(unrouted(suite, stack, domain=EXAMPLE), None):
        raise InfrastructureError(wrong)
    here = Way(variant=new.variant, app=app, stack=stack)
    if faults_with(suite, (here,), only=NEEDED_BY_A_RUN):
        elsewhere = readable_ways(suite, new.recipe, domain=EXAMPLE)
        for line in faults_with(suite, (here, *elsewhere), only=NEEDED_BY_A_RUN):
            raise InfrastructureError(line)


def _untagged(tree: Recipe, root: Path, runner: Runner) -> Candidate:
    label = read_label(tree) or UNTAGGED
    return Candidate(label=label, recipe=tree, commit=git.commit_id(root, runner=runner))


def read_label(recipe: Recipe) -> str | None:
    """The version that the recipe's own labels give it."""
    return configured(Candidate(label="", recipe=recipe), domain=EXAMPLE).version


def _before(
    root: Path,
    published: tuple[PublishedVersion, ...],
    *,
    choice: Choice,
    to: Candidate,
    runner: Runner,
) -> PublishedVersion | NoVersionBefore:
    if choice.from_ == NONE:
        return NoVersionBefore(outcome="skipped", reason="--from none: there is no earlier version")
    if choice.from_:
        return named(published, choice.from_)
    return version_before(root, of=to.label if choice.to else None, runner=runner)
