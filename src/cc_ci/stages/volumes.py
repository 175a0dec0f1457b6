"""How tools get at volumes on the node of this run."""

from cc_ci.backups.reach import HELPER_IMAGE, HelperReach, NamespaceReach, Reach
from cc_ci.stages.bench import Bench


def scratch_volume(bench: Bench) -> str:
    """The volume that holds a run's restic repository on a foreign node."""
    return f"cc-ci-{bench.run}"


def volume_reach(bench: Bench) -> Reach:
    """This machine's tools in the node's namespaces; on a foreign node, a helper container."""
    if bench.node.private:
        return NamespaceReach(bench.node, bench.runner)
    return HelperReach(
        bench.node,
        bench.runner,
        image=HELPER_IMAGE,
        scratch=scratch_volume(bench),
        labels=bench.labels("backups").all(),
    )
