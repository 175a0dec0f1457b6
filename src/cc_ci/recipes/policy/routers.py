"""What routers refer to, and what labels ask of the proxy beyond routing."""

import re
from collections.abc import Iterator

from cc_ci.recipes.host_names import at_or_below, host_fault
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.recipes.routes import PORT
from cc_ci.recipes.rule_reach import WILDCARD
from cc_ci.recipes.traefik_labels import ENABLE, Setting, TraefikEntry, TraefikLabels, listed, read_labels

HOST_OF = re.compile(r"https?://([^/:?#\s@]+)(?::\d+)?(?:[/?#].*)?", re.IGNORECASE)
CERTIFIED = re.compile(r"\.tls\.domains\[\d+\]\.(main|sans)$", re.IGNORECASE)
ASKED_ADDRESSES = ("forwardauth.address", "loadbalancer.server.url")
"""Settings whose address the proxy itself asks, from where it stands."""
HEALTH_PATH = "loadbalancer.healthcheck.path"
"""Resolved against the server's own address, so that a whole URL leads to whatever it names."""
WHOLE_URL = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
REFERENCES = {
    "middlewares": "middlewares",
    "chain.middlewares": "middlewares",
    "service": "services",
    "errors.service": "services",
    "loadbalancer.serverstransport": "serverstransports",
    "tls.options": "options",
}
"""Settings that name entries, and of which section."""


def read_by_traefik(look: Look) -> Iterator[Refusal]:
    """Labels that Traefik can't read, for which it drops all labels of their service."""
    for service in look.stack.services.values():
        read = read_labels(service.labels)
        base = f"services.{service.name}.deploy.labels"
        if read.enable is None:
            what = f"{service.labels[ENABLE]!r} is neither true nor false"
            yield look.refuse(f"{base}.{ENABLE}", what)
        for label in read.strange:
            if label.lower().startswith("traefik.tls."):
                what = "changes the proxy for everyone, and not this app's routes alone"
            else:
                what = "is no label that Traefik understands, so that it drops all of the service's"
            yield look.refuse(f"{base}.{label}", what)


def references(look: Look) -> Iterator[Refusal]:
    """Middlewares and services that a router names: the recipe's own labels must make them."""
    read = {service.name: read_labels(service.labels) for service in look.stack.services.values()}
    made = {
        (entry.kind, entry.section, entry.name.lower())
        for labels in read.values()
        if labels.enable
        for entry in labels.entries
    }
    for service, labels in read.items():
        for entry in labels.entries if labels.enable else ():
            for setting, section in REFERENCES.items():
                for name in listed(entry.value(setting)):
                    key = f"services.{service}.deploy.labels.{entry.settings[setting].label}"
                    own = (entry.kind, section, name.partition("@")[0].lower()) in made
                    yield from _reference(look, key, name, section.removesuffix("s"), own=own)


def _reference(look: Look, key: str, name: str, what: str, *, own: bool) -> Iterator[Refusal]:
    _, at, provider = name.partition("@")
    known = look.place.middlewares
    if (what, name) == ("option", "default"):
        return
    if provider in ("swarm", "docker", "") and not own:
        yield look.refuse(key, f"names the {what} {name}, and no label of the recipe makes it")
    elif at and known is not None and provider != "swarm" and name not in known:
        said = f"names the {what} {name}, which the node's proxy does not have"
        remedy = "leave it to the operator, in a compose file of its own"
        yield look.refuse(key, said, blame="cc-ci", remedy=remedy)


def ports_of_services(look: Look) -> Iterator[Refusal]:
    """Swarm tells Traefik no port: a service of it needs a label that does, and a router one service."""
    for service in look.stack.services.values():
        read = read_labels(service.labels)
        for kind in ("http", "tcp", "udp") if read.enable else ():
            routers, made = list(read.of("routers", kind)), list(read.of("services", kind))
            yield from (
                fault for one in made for fault in _port(look, service.name, one, routed=bool(routers))
            )
            if routers and not made and any(router.value("service") is None for router in routers):
                key = f"services.{service.name}.deploy.labels.{routers[0].label}"
                what = "no label says which port to send requests to"
                remedy = f"add traefik.{kind}.services.${{STACK_NAME}}.{PORT}=PORT"
                yield look.refuse(key, what, remedy=remedy)
            elif len(made) > 1:
                yield from _undecided(look, service.name, routers, made)


def _port(look: Look, service: str, entry: TraefikEntry, *, routed: bool) -> Iterator[Refusal]:
    text = entry.value(PORT)
    base = f"services.{service}.deploy.labels"
    if text is None and entry.value("loadbalancer.server.url") is None and routed:
        what = f"the service {entry.name} has no {PORT}, and Swarm tells Traefik none"
        yield look.refuse(f"{base}.{entry.label}", what)
    elif text is not None and not _is_port(text):
        yield look.refuse(f"{base}.{entry.settings[PORT].label}", f"{text!r} is no port")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65_536  # noqa: PLR2004


def _undecided(
    look: Look, service: str, routers: list[TraefikEntry], made: list[TraefikEntry]
) -> Iterator[Refusal]:
    names = ", ".join(one.name for one in made)
    for router in routers:
        if router.value("service") is None and router.name.lower() not in {one.name.lower() for one in made}:
            key = f"services.{service}.deploy.labels.{router.label}"
            what = f"router {router.name} names no service, and there are {names}"
            yield look.refuse(key, what, remedy="add its .service label")


def certified(look: Look) -> Iterator[Refusal]:
    """Names that a router wants in its certificate beside those of its rule."""
    for service in look.stack.services.values():
        for entry in _enabled(read_labels(service.labels)):
            for setting in entry.settings.values():
                if CERTIFIED.search(setting.label):
                    yield from _certified(
                        look, f"services.{service.name}.deploy.labels.{setting.label}", setting
                    )


def _certified(look: Look, key: str, setting: Setting) -> Iterator[Refusal]:
    for name in listed(setting.value):
        host = WILDCARD.sub("", name, count=1)
        if host_fault(host) or not at_or_below(host, look.app.domain):
            what = f"{name!r} is neither the app's domain nor below it"
            yield look.refuse(key, what, remedy="use ${DOMAIN}, or a name below it")


def asked_by_the_proxy(look: Look) -> Iterator[Refusal]:
    """Addresses that the proxy asks for the recipe: more answers it than answers the app."""
    for service in look.stack.services.values():
        for entry in _enabled(read_labels(service.labels)):
            for setting in entry.settings:
                if (url := entry.value(setting)) and _is_asked(setting, url):
                    key = f"services.{service.name}.deploy.labels.{entry.settings[setting].label}"
                    if not _is_own_address(look, url):
                        what = f"has the proxy ask {url}, which is not the app's own"
                        yield look.needs(f"proxy-address:{url}", key, what)


def _is_asked(setting: str, value: str) -> bool:
    return setting.endswith(ASKED_ADDRESSES) or (setting == HEALTH_PATH and bool(WHOLE_URL.match(value)))


def _enabled(read: TraefikLabels) -> tuple[TraefikEntry, ...]:
    return read.entries if read.enable else ()


def _is_own_address(look: Look, url: str) -> bool:
    match = HOST_OF.fullmatch(url)
    host = match[1].lower() if match else ""
    return at_or_below(host, look.app.domain) or host in {
        text.lower() for name in look.stack.services for text in (name, f"{look.stack.name}_{name}")
    }
