"""A decision for each key of the compose format: harmless, dropped by Swarm, or judged by a check.

A key that our reader learns and that is in none of these lists makes a test fail.
"""

from cc_ci.recipes.policy import labels, mounts, names, ports, routers, routing, sections, services
from cc_ci.recipes.policy.looking import PolicyCheck


def _under(place: str, names: str) -> frozenset[str]:
    return frozenset(f"{place}.{name}" for name in names.split())


HARMLESS: frozenset[str] = (
    _under(
        "services.*",
        "image command entrypoint environment working_dir user hostname stop_signal init read_only tty "
        "stdin_open cap_drop dns dns_search",
    )
    | _under("services.*.healthcheck", "disable interval retries test timeout start_period start_interval")
    | _under("services.*.deploy", "mode endpoint_mode")
    | frozenset(
        f"services.*.deploy.{config}.{name}"
        for config in ("update_config", "rollback_config")
        for name in ("parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order")
    )
    | _under("services.*.deploy.restart_policy", "condition delay max_attempts window")
    | _under("services.*.deploy.resources.limits", "cpus memory pids")
    | _under("services.*.deploy.resources.reservations", "cpus memory")
    | _under("services.*.deploy.placement", "constraints preferences.spread max_replicas_per_node")
    | _under("services.*.configs", "source target uid gid mode")
    | _under("services.*.secrets", "source target uid gid mode")
    | _under("networks.*", "internal attachable")
)
"""What stays in the container, or only takes something away from it."""

DROPPED: frozenset[str] = _under(
    "services.*",
    "build container_name depends_on domainname expose external_links links mac_address profiles restart "
    "shm_size tmpfs env_file",
)
"""What no stack deploys, and would do no harm if one did; `restart` becomes a restart policy."""

CHECKS: dict[str, PolicyCheck] = {
    **dict.fromkeys((f"services.*.{name}" for name in services.OWN_NAMESPACE), services.namespace),
    "services.*.cgroup_parent": services.cgroup_parent,
    "services.*.privileged": services.privileged,
    "services.*.cap_add": services.capabilities,
    "services.*.devices": services.devices,
    "services.*.security_opt": services.security_options,
    "services.*.sysctls": services.sysctls,
    "services.*.ulimits": services.ulimits,
    "services.*.oom_score_adj": services.oom_score,
    "services.*.credential_spec": services.credentials,
    "services.*.extra_hosts": services.hosts,
    "services.*.stop_grace_period": services.grace,
    "services.*.logging.driver": services.log_driver,
    "services.*.logging.options": services.log_options,
    "services.*.deploy.replicas": services.replicas,
    "services.*.deploy.resources.reservations.generic_resources": services.generic_resources,
    "services.*.labels": labels.labels,
    "services.*.deploy.labels": labels.labels,
    "services.*.ports": ports.ports,
    "services.*.volumes": mounts.mounts,
    "services.*.networks": sections.service_networks,
    "volumes.*.driver": mounts.volume_driver,
    "volumes.*.driver_opts": mounts.volume_options,
    "volumes.*.x-cluster-spec": mounts.cluster_volume,
    "networks.*.driver": sections.network_driver,
    "networks.*.driver_opts": sections.network_options,
    "networks.*.ipam.driver": sections.ipam_driver,
    "networks.*.ipam.config": sections.subnets,
    **{f"{section}.*.driver": sections.file_driver for section in ("configs", "secrets")},
    **{f"{section}.*.template_driver": sections.template_driver for section in ("configs", "secrets")},
    **{f"{section}.*.labels": labels.labels for section in ("networks", "volumes", "configs", "secrets")},
}
"""Each gets the key's merged value."""

JUDGED: frozenset[str] = (
    _under("services.*.ports", "mode target published protocol")
    | _under("services.*.volumes", "type source target read_only consistency cluster")
    | _under("services.*.volumes", "bind.propagation volume.nocopy volume.subpath tmpfs.size")
    | _under("services.*.networks", "aliases ipv4_address ipv6_address driver_opts")
    | _under("services.*.credential_spec", "config file registry")
    | frozenset({"networks.*.ipam.config.subnet"})
    | frozenset(f"{section}.*.{key}" for section in ("configs", "secrets") for key in ("file", "driver_opts"))
    | frozenset(
        f"{section}.*.{key}"
        for section in ("networks", "volumes", "configs", "secrets")
        for key in ("name", "external")
    )
)
"""What a check of a key around it looks at, or has decided on: `driver_opts` of a file are its driver's, a
`file` is inside of the recipe, names are judged as Swarm gets them (`names.taken_name`)."""

WHOLES = (
    names.service_names,
    mounts.volume_names,
    sections.network_names,
    sections.file_names,
    sections.git_files,
    ports.published_twice,
    routers.read_by_traefik,
    routing.routing,
    routers.references,
    routers.certified,
    routers.ports_of_services,
    routers.asked_by_the_proxy,
)
"""Judged over the whole stack."""
