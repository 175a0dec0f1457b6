"""The node that a command means."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cc_ci.engine.node import Node
    from cc_ci.system.settings import Settings


def is_foreign(settings: "Settings") -> bool:
    """Whether the settings name a Swarm that is not cc-ci's own; asks nobody."""
    from cc_ci.lab.node_records import DEFAULT, all_nodes

    wanted = settings.node or DEFAULT
    return wanted != DEFAULT and wanted not in all_nodes()


def chosen_node(settings: "Settings") -> "Node":
    """The private node of that name, by default `main`; anything else is a Swarm that is there already.

    A foreign one is never looked for: on a co-op's server it would be production.
    """
    from cc_ci.lab import node as lab_node
    from cc_ci.lab.foreign import foreign
    from cc_ci.lab.node_records import DEFAULT
    from cc_ci.system.process import LocalRunner

    wanted = settings.node or DEFAULT
    if not is_foreign(settings):
        return lab_node.load(wanted)
    return foreign(
        wanted,
        ci_domain=settings.ci_domain,
        runner=LocalRunner(),
        address=settings.address,
        authority=settings.authority,
    )
