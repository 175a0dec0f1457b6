"""The copies of a recipe's compose files that a run deploys: one `version:` in all, every variable filled in.

Variables are filled in here, not by the docker client: its environment would have to be the app's, and what a
program's environment holds decides what it does.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cc_ci.engine.overlay import Overlay, escaped
from cc_ci.recipes.app import App
from cc_ci.recipes.filled import filled
from cc_ci.recipes.stack import Stack
from cc_ci.recipes.yaml_writing import write_yaml
from cc_ci.system.clearing import clear_away
from cc_ci.system.files import write_atomic
from cc_ci.system.trees import copy_tree

OVERLAY_FILE = "cc-ci.overlay.yml"
LEAST_VERSION = (3, 8)
"""The first compose schema with all that recipes and the overlay use; each version contains those before."""
WITH_START_INTERVAL = (3, 12)
"""The first that has it."""

VERSION_LINE = re.compile(
    r"^(?:version|\"version\"|'version')\s*:\s*[\"']?([^\"'#\s]*)[\"']?[^\n]*$", re.MULTILINE
)
DOCUMENT_START = re.compile(r"^---(?=\s|$)[^\n]*\n?", re.MULTILINE)


def write_run_folder(app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]:
    """Lay the recipe's tree out in `folder` anew; the compose files to deploy, the overlay last.

    Paths in compose files count from the first one's folder, as in the recipe itself. What a link that leads
    out of the recipe names is missed, never read: see `copy_tree`.
    """
    clear_away(folder)
    copy_tree(app.recipe.root.resolve(), folder, without=(".git", OVERLAY_FILE))
    version = common_version(stack.version, overlay)
    *copies, overlay_file = deployed_files(app, folder)
    for copy, original in zip(copies, app.compose_files, strict=True):
        name = str(copy.relative_to(folder))
        content = filled(original.read_text(encoding="utf-8-sig"), name=name, env=app.env)
        # the app's variables may hold passwords
        write_atomic(copy, copy_text(content, version=version), mode=0o600)
    write_atomic(overlay_file, copy_text(overlay.content, version=version), mode=0o600)
    return *copies, overlay_file


def copy_text(content: Mapping[str, Any], *, version: str) -> str:
    """A compose file in which docker finds no variable."""
    return write_yaml({"version": version, **escaped(content)})


def deployed_files(app: App, folder: Path) -> tuple[Path, ...]:
    root = app.recipe.root.resolve()
    copies = tuple(folder / file.resolve().relative_to(root) for file in app.compose_files)
    return (*copies, folder / OVERLAY_FILE)


def common_version(version: str, overlay: Overlay | None = None) -> str:
    """The recipe's newest `version:`, or the least that the overlay needs."""
    major, _, minor = version.partition(".")
    services = overlay.content.get("services", {}) if overlay else {}
    checks = (service.get("healthcheck", {}) for service in services.values())
    least = WITH_START_INTERVAL if any("start_interval" in check for check in checks) else LEAST_VERSION
    return ".".join(map(str, max(least, (int(major), int(minor or 0)))))


def with_version(text: str, version: str) -> str:
    """Write `version` in the place of the file's own, or before its first key."""
    line = f'version: "{version}"'
    if VERSION_LINE.search(text):
        return VERSION_LINE.sub(line, text, count=1)
    start = DOCUMENT_START.search(text)
    if start and not _holds_keys(text[: start.start()]):
        head = text[: start.end()]
        return head + ("" if head.endswith("\n") else "\n") + line + "\n" + text[start.end() :]
    return f"{line}\n{text}"


def _holds_keys(head: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith(("#", "%")) for line in head.splitlines())


def require_values(stack: Stack, names: Collection[str]) -> None:
    """Refuse a variable without a value for which the docker client would take one of its own."""
    for service in stack.services.values():
        for name in names:
            if service.environment.get(name, "set") in (None, ""):
                raise stack.fault(
                    f"services.{service.name}.environment.{name}",
                    "has no value, so that on this node docker's client would put in its own; give it one",
                )
