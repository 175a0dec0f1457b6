"""Networks, configs and secrets of a stack."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.names import taken_name
from cc_ci.recipes.policy.refusals import Refusal

PROXY = "proxy"
HARMLESS_NETWORK_OPTIONS = frozenset({"encrypted", "com.docker.network.driver.mtu"})


def network_driver(look: Look, key: str, _network: str, value: str) -> Iterator[Refusal]:
    if value != "overlay":
        yield look.needs(f"network-driver:{value}", key, f"is {value}, and an app's networks are overlays")


def network_options(look: Look, key: str, network: str, value: Mapping[str, str]) -> Iterator[Refusal]:
    options = ",".join(
        f"{name}={text}" for name, text in sorted(value.items()) if name not in HARMLESS_NETWORK_OPTIONS
    )
    if options:
        yield look.needs(f"network-options:{network}:{options}", key, f"reach beyond the network: {options}")


def service_networks(look: Look, key: str, _service: str, value: Mapping[str, Any]) -> Iterator[Refusal]:
    for network, entry in value.items():
        options = (entry or {}).get("driver_opts")
        if options:
            yield from network_options(look, f"{key}.{network}.driver_opts", network, options)


def ipam_driver(look: Look, key: str, _network: str, value: str) -> Iterator[Refusal]:
    if value != "default":
        yield look.needs(f"network-driver:{value}", key, f"is {value}, a plug-in of the engine")


def subnets(look: Look, key: str, _network: str, value: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    for item in value:
        if subnet := item.get("subnet"):
            what = f"asks for {subnet}, which another network may have"
            yield look.needs(f"subnet:{subnet}", key, what)


def network_names(look: Look) -> Iterator[Refusal]:
    for key, network in look.stack.networks.items():
        if network.external and network.name == "host":
            yield look.needs("network:host", f"networks.{key}", "is the host's own network")
        elif not (network.external and network.name == PROXY):
            yield from taken_name(look, f"networks.{key}", "network", network.name, external=network.external)


def file_names(look: Look) -> Iterator[Refusal]:
    for section, kind in (("configs", "config"), ("secrets", "secret")):
        for key, entry in getattr(look.stack, section).items():
            yield from taken_name(look, f"{section}.{key}", kind, entry.name, external=entry.external)


def git_files(look: Look) -> Iterator[Refusal]:
    """What git has in a checkout may be whoever's made it: addresses with tokens, for one."""
    for section in ("configs", "secrets"):
        for key, entry in getattr(look.stack, section).items():
            path = (entry.file or "").removeprefix(f"{look.app.recipe.root}/")
            if path.split("/")[0] == ".git":
                yield look.refuse(f"{section}.{key}.file", f"{path} is git's own, and no file of the recipe")


def file_driver(look: Look, key: str, _name: str, value: str) -> Iterator[Refusal]:
    yield look.needs(f"secret-driver:{value}", key, f"is {value}, a plug-in of the engine")


def template_driver(look: Look, key: str, _name: str, value: str) -> Iterator[Refusal]:
    if value != "golang":
        yield look.needs(f"template-driver:{value}", key, f"is {value}, and Swarm has golang only")
