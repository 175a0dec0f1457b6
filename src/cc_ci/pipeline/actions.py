"""The work of each action: which function of `stages` does it, with which values, and what it gives."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from cc_ci.errors import InfrastructureError, Unverified
from cc_ci.pipeline import chain
from cc_ci.pipeline.handed import BackedUp, Layers, LeakCheck, Provided, RanBefore, ServiceStops
from cc_ci.pipeline.plan import Action
from cc_ci.pipeline.work import Work
from cc_ci.providers.api import Provider
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.results.schema import StageName, TestResult
from cc_ci.stages import (
    backing_up,
    checking,
    deploying,
    images,
    killing,
    living,
    preparing,
    providing,
    removing,
    seeds,
    testing,
    upgrading,
)
from cc_ci.stages.bench import Deployed
from cc_ci.stages.volumes import make_volumes


def _pull(work: Work) -> None:
    """A step's own images: those of the version that it deploys first, else of the version under test."""
    if work.step.deployment is None:
        wanted = [one for source in work.run.sources for one in work.images(source)]
        layers = images.layers_before(work.bench, wanted, cache=work.run.cache)
        work.hands.give(chain.LAYERS, Layers(ids=layers, absent=images.absent(work.bench, wanted)))
        work.bring("new", layers)
        return
    which = work.run.plan.deployment(work.name).versions[0]
    try:
        work.bring(which, work.hands.use(chain.LAYERS, Layers).ids)
    except InfrastructureError as error:
        # the lab's registry has served the new version's images by now: what it lacks was never brought
        if which == "old" and work.bench.node.stand_ins:
            raise Unverified(str(error)) from error
        raise


def _provide(work: Work) -> None:
    need, suite = work.need, work.run.subject.suite
    paths = suite.wiring.redirects if suite else ()
    redirects = [f"https://{domain}{path}" for domain in work.run.domains.values() for path in paths]
    if work.run.warm is not None:
        _borrow(work, work.run.warm, redirects=redirects)
        return
    work.bring("provider", work.hands.use(chain.LAYERS, Layers).ids)
    provider = providing.provide(
        work.bench,
        domain=need.domain,
        candidate=need.candidate,
        sign_on=need.sign_on,
        redirects=redirects,
    )
    work.hands.give(chain.PROVIDER, Provided(provider=provider))
    providing.check(work.bench, provider, need.sign_on)


def _borrow(work: Work, warm: WarmKeycloak, *, redirects: Sequence[str]) -> None:
    need = work.need

    def give(provider: Provider) -> None:
        work.hands.give(chain.PROVIDER, Provided(provider=provider))

    borrowed = providing.borrow(work.bench, warm, domain=need.domain, sign_on=need.sign_on, give=give)
    providing.lend(work.bench, borrowed, need.sign_on, redirects=redirects)
    providing.check(work.bench, borrowed, need.sign_on)


def _prepare(work: Work) -> None:
    planned = work.run.plan.deployment(work.name)
    # none where its own preparation failed: then there is nothing to be like
    twin = work.hands.look(chain.app(planned.twin_of), Deployed) if planned.twin_of else None
    preparing.prepare(
        work.bench,
        work.name,
        domain=work.run.domains[work.origin],
        candidate=work.run.subject.candidates[planned.versions[0]],
        twin=twin,
        stack_name=work.run.stack_names.get(work.name),
    )


def _deploy(work: Work) -> None:
    deploying.deploy(work.bench, work.app)


def _check(work: Work) -> None:
    checking.check(work.bench, work.app, stage=work.step.stage)


def _seed(work: Work) -> None:
    stage = work.step.stage
    work.hands.give(chain.marker(work.name, stage), seeds.plant(work.bench, work.app, stage=stage))


def _upgrade(work: Work) -> None:
    app = work.app
    work.hands.give(chain.before(work.name), RanBefore(stack=app.stack, images=app.running))
    # a twin that is there with it has the new version's secrets already
    used = [work.hands.look(name, Deployed) for name in work.step.uses if name != chain.app(work.name)]
    values = {key: value for twin in used if twin for key, value in twin.secrets.items()}
    upgrading.upgrade(work.bench, app, to=work.run.subject.candidates["new"], values=values)


def _verify_upgrade(work: Work) -> None:
    before = work.hands.use(chain.before(work.name), RanBefore)
    seeded = _used_marker(work, work.step.stage)
    upgrading.verify(work.bench, work.app, old=before.stack, before=before.images, seeded=seeded)


def _backup(work: Work) -> None:
    repository = work.run.begun.open_repository(work.bench)
    kept = work.hands.use(chain.marker(work.name, work.step.stage), seeds.Planted)
    older = _used_marker(work, "upgrade")
    backups = backing_up.back_up(work.bench, work.app, repository, kept=kept, older=older)
    work.hands.give(chain.backup(work.name), BackedUp(repository=repository, backups=backups))


def _overwrite(work: Work) -> None:
    made = work.hands.use(chain.backup(work.origin), BackedUp)
    backing_up.overwrite(work.bench, work.app, made.backups)


def _fill(work: Work) -> None:
    own = backing_up.fill(work.bench, work.app)
    work.hands.give(chain.marker(work.name, work.step.stage), own)


def _used_marker(work: Work, stage: StageName) -> seeds.Planted | None:
    """What a stage put in before, if this step is to look for it, too."""
    name = chain.marker(work.name, stage)
    return work.hands.look(name, seeds.Planted) if name in work.step.uses else None


def _restore(work: Work) -> None:
    made = work.hands.use(chain.backup(work.origin), BackedUp)
    if work.run.plan.boots_on(work.step):
        make_volumes(work.bench, work.app)
    backing_up.restore(work.bench, work.app, made.repository, made.backups)


def _redeploy(work: Work) -> None:
    deploying.redeploy(work.bench, work.app)


def _verify_restore(work: Work) -> None:
    made = work.hands.use(chain.backup(work.origin), BackedUp)
    own = _used_marker(work, work.step.stage)
    backing_up.verify(work.bench, work.app, made.repository, made.backups, own=own)


def _test(work: Work) -> None:
    suite = work.app.candidate.suite
    if suite is None:
        raise Unverified("tests: there is no suite")
    testing.run_suite(work.bench, work.app, suite, stage=work.step.stage)


def _soak(work: Work) -> None:
    living.soak(work.bench, work.app)


def _kill(work: Work) -> None:
    killing.kill(work.bench, work.app, stage=work.step.stage)


def _undeploy(work: Work) -> None:
    """Nothing was begun: nothing to do. How services stopped is told at the end."""
    app = work.hands.look(chain.app(work.name), Deployed)
    if app is not None:
        found = removing.undeploy(work.bench, app)
        results = tuple(msgspec.structs.replace(one, deployment=work.name) for one in found)
        work.hands.give(chain.stops(work.name), ServiceStops(results=results))


def _conclude_stops(work: Work) -> None:
    found = [work.hands.look(name, ServiceStops) for name in work.step.uses]
    results = [result for one in found if one for result in one.results]
    checking.conclude(work.bench, worst_of_each(results), stage="teardown")


def _withdraw(work: Work) -> None:
    provided = work.hands.look(chain.PROVIDER, Provided)
    providing.withdraw(
        work.bench,
        provided.provider if provided else None,
        work.need.sign_on,
        deployed=work.hands.look(chain.app(work.name), Deployed),
    )


def _drop_images(work: Work) -> None:
    found = work.hands.look(chain.LAYERS, Layers)
    if work.bench.make_room is not None:
        images.make_room(work.bench)
    elif found is not None:
        images.drop(work.bench, found.absent)


def _leak_check(work: Work) -> None:
    after, leaks = removing.check_leaks(work.bench, work.run.before)
    work.hands.give(chain.CENSUS, LeakCheck(after=after, leaks=leaks))


def worst_of_each(stops: list[TestResult]) -> list[TestResult]:
    """One result for each service: the worst of its stops, for the app is removed several times in a run.

    Of those with one outcome, the slowest.
    """
    order = ("errored", "failed", "unverified", "skipped", "passed")
    worst: dict[str, TestResult] = {}
    for stop in sorted(stops, key=lambda one: (order.index(one.outcome), -one.seconds)):
        worst.setdefault(stop.id, stop)
    return list(worst.values())


ACTIONS: Mapping[Action, Callable[[Work], None]] = {
    "pull": _pull,
    "provide": _provide,
    "prepare": _prepare,
    "deploy": _deploy,
    "check": _check,
    "seed": _seed,
    "upgrade": _upgrade,
    "verify_upgrade": _verify_upgrade,
    "backup": _backup,
    "overwrite": _overwrite,
    "fill": _fill,
    "restore": _restore,
    "redeploy": _redeploy,
    "verify_restore": _verify_restore,
    "test": _test,
    "soak": _soak,
    "kill": _kill,
    "undeploy": _undeploy,
    "conclude_stops": _conclude_stops,
    "withdraw": _withdraw,
    "drop_images": _drop_images,
    "leak_check": _leak_check,
}
