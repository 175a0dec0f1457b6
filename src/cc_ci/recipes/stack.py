"""A stack as its compose files describe it: typed, with Swarm's names, and the place of each key."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from cc_ci.recipes.app import App
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.compose import Merged, fault, nearest, read_compose
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.image_names import is_image
from cc_ci.recipes.recipe import inside, read_text
from cc_ci.recipes.service import DEFAULT_NETWORK, Service, read_service
from cc_ci.system.printable import quoted

MOUNTS = ("volume", "bind", "tmpfs", "npipe", "cluster")

__all__ = ["FileObject", "Network", "Service", "Stack", "Volume", "read_stack"]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    external: bool = False


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A named volume; one with options of the local driver may be any folder, share or memory."""

    name: str
    external: bool = False
    driver: str | None = None
    driver_opts: dict[str, str] = {}


class FileObject(msgspec.Struct, frozen=True, kw_only=True):
    """A config or secret of the stack; `written` is its name before interpolation."""

    name: str
    external: bool = False
    file: str | None = None
    template_driver: str | None = None
    written: str = ""


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """All that the compose files describe; `version` is the newest format among them."""

    name: str
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, Volume]
    configs: dict[str, FileObject]
    secrets: dict[str, FileObject]
    version: str
    merged: Merged
    ends: frozenset[str] = frozenset()
    """Services that end by design; the compose files don't say so, `ending` does."""

    def source(self, key: str) -> Source | None:
        """Where a key such as services.app.image was given last, or the nearest key around it."""
        return nearest(self.merged.sources, key)

    def place(self, key: str) -> str:
        """How a message about a key begins: `compose.yml:12: `, or with nothing where there is no place."""
        source = self.source(key)
        return f"{source}: " if source else ""

    def fault(self, key: str, message: str) -> RecipeError:
        return fault(self.merged, key, message)


def read_stack(app: App) -> Stack:
    """Merge and interpolate the app's compose files. Raises RecipeError with file, line and key."""
    with understanding(f"recipe {app.recipe.name}"):
        return _read(app)


def _read(app: App) -> Stack:
    merged = _merge(app)
    names = _Names(merged, app)
    stack = Stack(
        name=app.stack_name,
        services={},
        networks=names.networks(),
        volumes=names.volumes(),
        configs=names.files("configs"),
        secrets=names.files("secrets"),
        version=merged.version,
        merged=merged,
    )
    for name, tree in sorted(merged.tree.get("services", {}).items()):
        stack.services[name] = _service(name, tree, stack)
    if not stack.services:
        raise RecipeError("services: there are none", source=Source(file=_relative(app)[0], line=1))
    if any(DEFAULT_NETWORK in service.networks for service in stack.services.values()):
        stack.networks.setdefault(DEFAULT_NETWORK, Network(name=f"{stack.name}_{DEFAULT_NETWORK}"))
    return stack


def _relative(app: App) -> list[str]:
    return [os.path.relpath(path, app.recipe.root) for path in app.compose_files]


def _merge(app: App) -> Merged:
    texts = [(name, read_text(app.recipe.root, name)) for name in _relative(app)]
    return read_compose(texts, env=app.env, folder=app.compose_files[0].parent)


class _Names:
    """Swarm's names for what the stack has: its own, or STACK_key."""

    def __init__(self, merged: Merged, app: App) -> None:
        self._merged, self._app = merged, app

    def _entries(self, section: str) -> dict[str, dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = self._merged.tree.get(section, {})
        return entries

    def _name(self, key: str, entry: Mapping[str, Any]) -> str:
        return entry.get("name") or f"{self._app.stack_name}_{key}"

    def networks(self) -> dict[str, Network]:
        return {
            key: Network(name=self._name(key, entry), external=entry.get("external", False))
            for key, entry in self._entries("networks").items()
        }

    def volumes(self) -> dict[str, Volume]:
        return {
            key: Volume(
                name=self._name(key, entry),
                external=entry.get("external", False),
                driver=entry.get("driver"),
                driver_opts=entry.get("driver_opts", {}),
            )
            for key, entry in self._entries("volumes").items()
        }

    def files(self, section: str) -> dict[str, FileObject]:
        return {key: self._file(section, key, entry) for key, entry in self._entries(section).items()}

    def _file(self, section: str, key: str, entry: Mapping[str, Any]) -> FileObject:
        if "file" in entry:
            self._look(f"{section}.{key}.file", entry["file"])
        written = self._merged.raw[section].get(key) or {}
        return FileObject(
            name=self._name(key, entry),
            external=entry.get("external", False),
            file=entry.get("file"),
            template_driver=entry.get("template_driver"),
            written=str(written.get("name") or ""),
        )

    def _look(self, key: str, path: str) -> None:
        name = os.path.relpath(path, self._app.recipe.root)
        try:
            found = inside(self._app.recipe.root, name).is_file()
        except RecipeError as error:
            raise fault(self._merged, key, error.fault) from None
        if not found:
            raise fault(self._merged, key, f"{name} is not in the recipe")


def _service(name: str, tree: dict[str, Any], stack: Stack) -> Service:
    key = f"services.{name}"
    if "image" not in tree:
        raise stack.fault(key, "has no image; a stack can't build one")
    if not is_image(tree["image"]):
        wrong = f"{quoted(tree['image'])} is no reference to an image; it has the form registry/path:tag"
        raise stack.fault(f"{key}.image", wrong)
    if "env_file" in tree:
        raise stack.fault(f"{key}.env_file", "is not understood; put its variables under environment")
    _refuse_incomplete(name, tree, stack)
    service = read_service(name, tree, volumes={key: volume.name for key, volume in stack.volumes.items()})
    _refuse_undefined(service, tree, stack)
    return service


def _refuse_incomplete(name: str, tree: dict[str, Any], stack: Stack) -> None:
    """What passes docker's schema and can't be deployed."""
    needed = {
        "volumes": ("type", "target"),
        "ports": ("target",),
        "configs": ("source",),
        "secrets": ("source",),
    }
    for section, keys in needed.items():
        for item in tree.get(section, ()):
            if missing := [key for key in keys if not item.get(key)]:
                raise stack.fault(f"services.{name}.{section}", f"an entry has no {missing[0]}")
            if section == "volumes" and item["type"] not in MOUNTS:
                fault = f"{item['type']} is not one of {', '.join(MOUNTS)}"
                raise stack.fault(f"services.{name}.volumes.{item['target']}", fault)


def _refuse_undefined(service: Service, tree: dict[str, Any], stack: Stack) -> None:
    named = [mount for mount in tree.get("volumes", ()) if mount["type"] == "volume" and "source" in mount]
    wanted = {
        "networks": {name: name for name in service.networks if name != DEFAULT_NETWORK},
        "volumes": {mount["target"]: mount["source"] for mount in named if "target" in mount},
        "configs": {config.source: config.source for config in service.configs},
        "secrets": {secret.source: secret.source for secret in service.secrets},
    }
    for section, names in wanted.items():
        for place, name in names.items():
            if name not in getattr(stack, section):
                raise stack.fault(
                    f"services.{service.name}.{section}.{place}", f"{name} is not under {section}"
                )
