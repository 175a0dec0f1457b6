"""Upgrade a deployment in place, and show that it moved and lost nothing."""

from collections.abc import Mapping

import msgspec

from cc_ci.errors import StageFailed
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import version_label
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.moved_volumes import moved_data, moved_volumes
from cc_ci.recipes.promised import broken_promise
from cc_ci.recipes.recipe import Recipe, only_in, with_env_of
from cc_ci.recipes.stack import Stack
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.permitting import require_permitted
from cc_ci.stages.preparing import claim, configured, make_secrets, stack_of, write_files
from cc_ci.stages.removing import save_evidence
from cc_ci.stages.seeds import Planted, put_in, require, require_mounted


def upgrade(bench: Bench, deployed: Deployed, *, to: Candidate, values: Mapping[str, str]) -> None:
    """Deploy the new version over the old one: same domain, same .env, and the secrets that are new in it.

    `values` are secrets that a twin has already.
    """
    old = deployed.candidate.recipe
    save_evidence(bench, deployed, part="before-upgrade")
    with bench.span("configure the new version", "upgrade"):
        try:
            app = configured(existing(to, old), domain=deployed.domain, stack_name=deployed.stack.name)
            stack = stack_of(app, to)
        except RecipeError as error:
            raise StageFailed(f"{error}{_missing(str(error), to, old)}") from error
        require_permitted(app, stack, to, node=bench.node)
        _tell_new(bench, to, old, deployed, app)
        claim(bench, deployed.name, app, stack)
        deployed.app, deployed.stack, deployed.candidate = app, stack, to
        make_secrets(bench, deployed, values=values)
        write_files(bench, deployed)
    roll_out(bench, deployed, phase="upgrade")


def existing(to: Candidate, old: Recipe) -> Candidate:
    """The new version as it is for an app that is there already: with the .env that the old version made."""
    return msgspec.structs.replace(to, recipe=with_env_of(to.recipe, old))


def _missing(fault: str, to: Candidate, old: Recipe) -> str:
    """Which of the new sample's lines would have helped, if one would."""
    lacked = [one.key for one in only_in(to.recipe, old) if one.key in fault]
    if not lacked:
        return ""
    return (
        f"; {lacked[0]} is only in the new .env.sample, and an existing app has no such line: "
        "give it a default in the compose file"
    )


def _tell_new(bench: Bench, to: Candidate, old: Recipe, deployed: Deployed, app: App) -> None:
    """What operators have to do by hand, or will run without."""
    for one in only_in(to.recipe, old):
        if one.key not in app.env:
            message = f".env.sample:{one.line}: {one.key}: is new, and an existing app runs without it"
            bench.findings.warn("new-variable", f"upgrade: {message}")
    had = {secret.swarm_name: secret.name for secret in deployed.app.secrets}
    for secret in app.secrets:
        if secret.swarm_name not in had:
            message = (
                f"secret {secret.name}: {secret.swarm_name} is new; operators make it before they upgrade"
            )
            bench.findings.warn("new-secret", f"upgrade: {message}")


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the images: `faults` are the recipe's, `told` is legal and worth a word."""

    faults: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def verify_moved(
    *,
    old: Stack,
    new: Stack,
    before: Mapping[str, str],
    after: Mapping[str, str],
    named: Mapping[str, str | None],
) -> Moved:
    """Whether each service runs the image that its reference names; `named` has the id of each reference.

    A failed update that was rolled back shows all replicas, on the old image. Another tag of the same image
    is legal: then nothing had to move.
    """
    faults, told = [], []
    for name in sorted(old.services.keys() & new.services.keys()):
        if name in new.ends and not (before.get(name) and after.get(name)):
            continue  # it has ended, as it is to, and nothing says with which image
        reference = new.services[name].image
        changed = old.services[name].image != reference
        moved = before.get(name) != after.get(name)
        place = new.source(f"services.{name}.image")
        key = f"{place}: services.{name}.image" if place else f"services.{name}.image"
        if changed and not moved and named.get(reference) == after.get(name):
            told.append(f"{key}: {reference} is the same image as {old.services[name].image}")
        elif changed and not moved:
            faults.append(f"{key}: {reference} should run, but the old image still runs")
        elif moved and not changed:
            faults.append(f"{key}: did not change, and another image runs: the tag was moved")
    return Moved(faults=tuple(faults), told=tuple(told))


def _moved(bench: Bench, deployed: Deployed, *, old: Stack, before: Mapping[str, str]) -> Moved:
    images = {service.image for service in deployed.stack.services.values()}
    found = {reference: bench.engine.image(reference) for reference in images}
    named = {reference: image.id if image else None for reference, image in found.items()}
    return verify_moved(old=old, new=deployed.stack, before=before, after=deployed.running, named=named)


def _verify_promise(bench: Bench, deployed: Deployed, old: Stack) -> None:
    """A label that was raised says what runs now; one that was not is lint's to judge."""
    label = version_label(deployed.stack)
    if label is None or label == version_label(old):
        return
    with proof(bench, "an image has the version that the label promises", deployed=deployed, stage="upgrade"):
        if fault := broken_promise(deployed.stack, label):
            raise StageFailed(fault)


def _verify_places(bench: Bench, deployed: Deployed, old: Stack) -> None:
    """Markers in a volume say nothing of data that an image now keeps elsewhere."""
    references = {service.image for stack in (old, deployed.stack) for service in stack.services.values()}
    images = {reference: bench.engine.image(reference) for reference in sorted(references)}
    declared = {reference: image.volumes for reference, image in images.items() if image}
    if moves := moved_data(old, deployed.stack, declared=declared):
        with proof(bench, "images keep their data in the volumes", deployed=deployed, stage="upgrade"):
            raise StageFailed(moves[0])


def verify(
    bench: Bench, deployed: Deployed, *, old: Stack, before: Mapping[str, str], seeded: Planted | None
) -> None:
    """Digests have moved where they should, and the seeded data is still there."""
    with (
        bench.span("images of the services", "verify"),
        proof(bench, "each service runs the image it should", deployed=deployed, stage="upgrade"),
    ):
        found = _moved(bench, deployed, old=old, before=before)
        for line in found.told:
            bench.findings.warn("same-image", f"upgrade: {line}")
        if found.faults:
            raise StageFailed(found.faults[0])
    _verify_promise(bench, deployed, old)
    _verify_places(bench, deployed, old)
    moved = moved_volumes(old, deployed.stack)
    for move in moved:
        bench.findings.warn("moved-volume", f"upgrade: {move.said}")
    if seeded is None:
        bench.findings.warn("upgrade-data", "upgrade: nothing could be seeded, so kept data was not shown")
        return
    with (
        bench.span("seeded data", "verify"),
        proof(bench, "the marker is still there", deployed=deployed, stage="upgrade"),
    ):
        require_mounted(deployed, seeded, moved)
        require(
            bench,
            deployed,
            seeded,
            seeded.value,
            after="the upgrade",
            tell_more=lambda: f" ({'; '.join(move.said for move in moved)})" if moved else "",
        )
    if not seeded.places:
        _verify_new_data(bench, deployed, seeded)


def _verify_new_data(bench: Bench, deployed: Deployed, seeded: Planted) -> None:
    """What the new version writes stands beside what the old one wrote; only the app itself can show that."""
    with (
        bench.span("new data beside the old", "verify"),
        proof(bench, "the app takes new data beside the old", deployed=deployed, stage="upgrade"),
    ):
        put_in(bench, deployed, (), name="new", after="the upgrade")
        require(bench, deployed, seeded, seeded.value, after="the new version wrote data of its own")
