"""How tools get at volumes on the node of this run."""

import os
import posixpath
from collections.abc import Iterator, Mapping

from cc_ci.backups.reach import HELPER_IMAGE, HelperReach, Reach, SandboxReach
from cc_ci.engine.labels import STACK
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.recipes.backup_coverage import left_out
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.stages.bench import Bench, Deployed


def scratch_volume(bench: Bench) -> str:
    """The volume that holds a run's restic repository on a foreign node."""
    return f"cc-ci-{bench.run}"


def volume_reach(bench: Bench, *, real: Mapping[str, str] = {}) -> Reach:
    """This machine's tools in a sandbox; on a foreign node, a helper container.

    `real` has the volumes that stand for others, which only a private node has.
    """
    runner = bench.others or bench.runner
    if bench.node.private:
        # only root may put a program into a group
        grouped = bench.node.cgroup if os.geteuid() == 0 else None
        return SandboxReach(
            bench.node,
            runner,
            inspect=bench.engine.volume,
            repository=bench.scratch / "restic",
            real=real,
            group=NodeGroup(grouped) if grouped else None,
        )
    return HelperReach(
        bench.node,
        runner,
        inspect=bench.engine.volume,
        image=HELPER_IMAGE,
        scratch=scratch_volume(bench),
        labels=bench.labels("backups").all(),
    )


def make_volumes(bench: Bench, deployed: Deployed) -> None:
    """Make what a backup is restored into before an app boots; the stack then takes what is there."""
    labels = {**bench.labels(deployed.name).lasting(), STACK: deployed.stack.name}
    for volume in backup_plan(deployed.stack).volumes:
        bench.engine.create_volume(volume.name, labels=labels)


def tell_left_out(bench: Bench, deployed: Deployed) -> None:
    """Warn of what is in no backup: volumes that are left out on purpose, and those that have no name."""
    suite, stack = deployed.candidate.suite, deployed.stack
    lines = left_out(stack, backup_plan(stack), unkept=suite.unkept if suite else {})
    for line in (*lines, *_images_volumes(bench, deployed)):
        bench.findings.warn("not-backed-up", f"backup: {line}")


def _images_volumes(bench: Bench, deployed: Deployed) -> Iterator[str]:
    for service in deployed.stack.services.values():
        image = bench.engine.image(service.image)
        mounted = {posixpath.normpath(mount.target) for mount in service.mounts}
        for folder in image.volumes if image else ():
            if posixpath.normpath(folder) not in mounted:
                yield (
                    f"services.{service.name}: its image keeps data in {folder}, where nothing is mounted: "
                    "each task gets a new volume there, and none is in a backup"
                )
