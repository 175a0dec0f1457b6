"""Where a run was, and why values of its result are null."""

from collections.abc import Sequence

from cc_ci.engine.api import Engine
from cc_ci.engine.node import Node
from cc_ci.lab.images import origin
from cc_ci.pipeline.subject import Subject
from cc_ci.results import schema
from cc_ci.system.process import Runner


def environment(
    node: Node, engine: Engine, *, runner: Runner, references: Sequence[str]
) -> schema.Environment:
    """Where the run is, without any name of a host."""
    facts = engine.system()
    client = runner(["docker", "version", "--format", "{{.Client.Version}}"])
    return schema.Environment(
        node_kind=node.kind,
        cpus=node.cpus or float(facts.cpus),
        memory_bytes=node.memory_bytes or facts.memory_bytes,
        machine_cpus=facts.cpus,
        machine_memory_bytes=facts.memory_bytes,
        kernel=facts.kernel,
        engine=facts.version,
        engine_api=facts.api,
        containerd=facts.containerd,
        runc=facts.runc,
        image_store=facts.image_store,
        # the version is printed even when no engine answers at the default address
        client=client.stdout.strip() or None,
        cgroup_version="2" if facts.cgroup_version == "2" else "1",
        ipvs=node.ipvs,
        images_kind=origin(references) if node.stand_ins else "hub",
    )


def images_not_brought(images: Sequence[schema.ServiceImage]) -> dict[str, str]:
    """Why images have no digest: a run of one stage brings those alone that it needs."""
    reason = "this run needed no such image, and the node has none"
    return {
        f"recipe.images.{index}.{value}": reason
        for index, image in enumerate(images)
        for value in ("digest", "image_id")
        if getattr(image, value) is None
    }


def missing_values(node: Node, subject: Subject) -> dict[str, str]:
    """Why values of the result are null."""
    missing: dict[str, str] = {}
    if subject.candidates["new"].commit is None:
        missing["recipe.commit_to"] = "the recipe is not in a git repository"
        missing["recipe.dirty"] = "the recipe is not in a git repository"
    if "old" not in subject.candidates:
        missing["recipe.version_from"] = missing["recipe.commit_from"] = "no earlier version"
    if subject.suite is None:
        missing["recipe.suite_hash"] = "no suite"
    if not node.private:
        missing["resources.*"] = "a foreign node's control groups can't be read from here"
    return missing
