"""The node that a command means."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cc_ci.engine.node import Node
    from cc_ci.pipeline.room import Room
    from cc_ci.system.settings import Settings


def is_foreign(settings: "Settings") -> bool:
    """Whether the settings name a Swarm that is not cc-ci's own; it connects to nothing."""
    from cc_ci.lab.node_records import DEFAULT, all_nodes

    wanted = settings.node or DEFAULT
    return wanted != DEFAULT and wanted not in all_nodes()


def room_ahead(settings: "Settings") -> "Room | None":
    """What the private node of that name has, up or down; None where it isn't written down."""
    from cc_ci.lab.budget import budget
    from cc_ci.lab.node_records import DEFAULT, record_of
    from cc_ci.lab.places import places
    from cc_ci.pipeline.room import Room
    from cc_ci.system.machine import memory_bytes

    record = record_of(places(settings.node or DEFAULT))
    if record is None:
        return None
    apps = budget(record.wanted, machine_memory=memory_bytes()).apps
    return Room(memory_bytes=apps.memory_bytes, cpus=record.wanted.cpus)


def chosen_node(settings: "Settings") -> "Node":
    """The private node of that name, by default `main`; any other name is an existing Swarm.

    It never searches for a foreign Swarm: on a co-op's server that would be production.
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
