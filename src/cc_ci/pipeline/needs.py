"""A provider that a suite needs: its newest published recipe, its suite, and the run's part of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.pipeline.locating import locate
from cc_ci.pipeline.names import app_domain
from cc_ci.pipeline.trust import Trust
from cc_ci.pipeline.versions import newest, tagged
from cc_ci.providers.api import SignOn
from cc_ci.providers.known import planned
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.results.schema import ProviderUsed
from cc_ci.stages.bench import Candidate
from cc_ci.stages.preparing import configured
from cc_ci.suite.finding import find_suite
from cc_ci.system.process import Runner


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One provider of the run, as it will be deployed at `domain`."""

    name: str
    domain: str
    candidate: Candidate
    app: App
    stack: Stack
    sign_on: SignOn

    @property
    def described(self) -> ProviderUsed:
        return ProviderUsed(name=self.name, version=self.candidate.label, commit=self.candidate.commit)


class SearchPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where recipes and suites are looked for, and what is fetched is laid."""

    recipes: Sequence[Path]
    suites: Sequence[Path]
    scratch: Path
    trust: Trust = Trust()


def read_need(name: str, *, run: str, ci_domain: str, places: SearchPlaces, runner: Runner) -> Need:
    """Read the provider's recipe; raises InfrastructureError where there is none."""
    domain = app_domain(name, ci_domain=ci_domain)
    sign_on = planned(name, domain=domain, run=run)
    try:
        root = locate(name, roots=places.recipes, scratch=places.scratch, runner=runner)
    except UsageError as error:
        raise InfrastructureError(f"suite.toml: needs: {error}") from error
    found = tagged(root, newest(root, runner=runner), places.scratch / "provider", runner)
    trusted = places.trust.of(name, root, roots=places.recipes)
    candidate = msgspec.structs.replace(found, suite=find_suite(name, places.suites), trusted=trusted)
    app = configured(candidate, domain=domain)
    return Need(
        name=name, domain=domain, candidate=candidate, app=app, stack=read_stack(app), sign_on=sign_on
    )
