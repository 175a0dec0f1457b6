"""What Traefik's Swarm provider reads in the labels of a service. Pure.

Facts from traefik (pkg/config/label, pkg/provider/docker) and its parser: the root is `traefik` in small
letters, or all labels of the service are lost; below it the size of letters does not matter, except in names.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

TraefikKind = Literal["http", "tcp", "udp"]
TraefikSection = Literal["routers", "services", "middlewares"]

ENTRY = re.compile(r"traefik\.(http|tcp|udp)\.(routers|services|middlewares)\.([^.]+)\.(.+)", re.IGNORECASE)
READ = re.compile(r"traefik\.(http|tcp|udp|tls)\..*", re.IGNORECASE | re.DOTALL)
"""What the provider tries to understand; another label below `traefik.` means nothing to it."""
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""Go's strconv.ParseBool."""
ENABLE = "traefik.enable"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One label of a router, service or middleware."""

    label: str
    value: str


class TraefikEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A router, service or middleware; `settings` by their names in small letters."""

    kind: TraefikKind
    section: TraefikSection
    name: str
    settings: Mapping[str, Setting]

    def value(self, name: str) -> str | None:
        return self.settings[name].value if name in self.settings else None

    @property
    def label(self) -> str:
        """The label to point at: a router's rule, else the first one."""
        chosen = self.settings.get("rule") or next(iter(self.settings.values()))
        return chosen.label


class TraefikLabels(msgspec.Struct, frozen=True, kw_only=True):
    """`enable` is None where its text says neither; `strange` are labels that the provider can't read."""

    enable: bool | None
    entries: tuple[TraefikEntry, ...] = ()
    strange: tuple[str, ...] = ()

    def of(self, section: TraefikSection, *kinds: TraefikKind) -> Iterator[TraefikEntry]:
        return (one for one in self.entries if one.section == section and one.kind in (kinds or ("http",)))


def read_labels(labels: Mapping[str, str]) -> TraefikLabels:
    """Read a service's deploy labels."""
    found: dict[tuple[str, str, str], dict[str, Setting]] = {}
    names: dict[tuple[str, str, str], str] = {}
    strange = []
    for label, value in labels.items():
        match = ENTRY.fullmatch(label)
        if match and label.startswith("traefik."):
            place = (match[1].lower(), match[2].lower(), match[3].lower())
            names.setdefault(place, match[3])
            found.setdefault(place, {})[match[4].lower()] = Setting(label=label, value=value)
        elif READ.fullmatch(label) or (label.lower() == ENABLE and label != ENABLE):
            strange.append(label)
    entries = [
        msgspec.convert(
            {"kind": kind, "section": section, "name": names[kind, section, name], "settings": settings},
            TraefikEntry,
        )
        for (kind, section, name), settings in found.items()
    ]
    return TraefikLabels(enable=_enable(labels), entries=tuple(entries), strange=tuple(strange))


def _enable(labels: Mapping[str, str]) -> bool | None:
    value = labels.get(ENABLE, "false")
    return value in TRUE if value in TRUE | FALSE else None


def listed(text: str | None) -> tuple[str, ...]:
    """A label's list: texts with commas between them."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
