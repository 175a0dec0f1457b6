"""Upgrade a deployment in place, and show that it moved and lost nothing."""

from collections.abc import Mapping

from cc_ci.errors import StageFailed
from cc_ci.recipes.moved_volumes import moved_volumes
from cc_ci.recipes.stack import Stack
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.permitting import require_permitted
from cc_ci.stages.preparing import claim, configured, make_secrets, stack_of, write_files
from cc_ci.stages.seeds import Planted, require, require_mounted


def upgrade(bench: Bench, deployed: Deployed, *, to: Candidate) -> None:
    """Deploy the new version over the old one: same domain, same secrets, and the new ones it brings."""
    with bench.span("configure the new version", "upgrade"):
        app = configured(to, domain=deployed.domain)
        stack = stack_of(app, to)
        require_permitted(app, stack, to, node=bench.node)
        claim(bench, deployed.name, app, stack)
        deployed.app, deployed.stack, deployed.candidate = app, stack, to
        make_secrets(bench, deployed, values={})
        write_files(bench, deployed)
    roll_out(bench, deployed, phase="upgrade")


def verify_moved(
    *, old: Stack, new: Stack, before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[str, ...]:
    """What did not move as its reference says, per service; empty when all is well.

    A service whose image reference changed must run another image, and one whose did not, the same: a failed
    update that was rolled back shows all replicas, on the old image.
    """
    faults = []
    for name in sorted(old.services.keys() & new.services.keys()):
        changed = old.services[name].image != new.services[name].image
        if name in new.ends and not (before.get(name) and after.get(name)):
            continue  # it has ended, as it is to, and nothing says with which image
        moved = before.get(name) != after.get(name)
        place = new.source(f"services.{name}.image")
        where = f"{place.file}:{place.line}: " if place else ""
        if changed and not moved:
            faults.append(f"{where}services.{name}.image: {new.services[name].image} asked, the old one runs")
        if moved and not changed:
            faults.append(f"{where}services.{name}.image: not changed, but another image runs")
    return tuple(faults)


def verify(
    bench: Bench, deployed: Deployed, *, old: Stack, before: Mapping[str, str], seeded: Planted | None
) -> None:
    """Digests have moved where they should, and the seeded data is still there."""
    with (
        bench.span("images of the services", "verify"),
        proof(bench, f"{deployed.name}: each service runs the image it should", stage="upgrade"),
    ):
        if faults := verify_moved(old=old, new=deployed.stack, before=before, after=deployed.running):
            raise StageFailed(faults[0])
    moved = moved_volumes(old, deployed.stack)
    for move in moved:
        bench.findings.warn("moved-volume", f"upgrade: {move.said}")
    if seeded is None:
        bench.findings.warn("upgrade-data", "upgrade: nothing could be seeded, so kept data was not shown")
        return
    with (
        bench.span("seeded data", "verify"),
        proof(bench, f"{deployed.name}: the marker is still there", stage="upgrade"),
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
