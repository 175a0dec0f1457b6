"""The copies of a recipe's compose files that a run deploys: one `version:` in all, nothing else changed."""

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from cc_ci.engine.overlay import Overlay, escaped
from cc_ci.errors import UsageError
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack
from cc_ci.system.files import write_atomic

OVERLAY_FILE = "cc-ci.overlay.yml"
LEAST_VERSION = (3, 8)
"""The first compose schema with all that recipes and the overlay use; each version contains those before."""

VERSION_LINE = re.compile(
    r"^(?:version|\"version\"|'version')\s*:\s*[\"']?([^\"'#\s]*)[\"']?[^\n]*$", re.MULTILINE
)
DOCUMENT_START = re.compile(r"^---(?=\s|$)[^\n]*\n?", re.MULTILINE)


def write_run_folder(app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]:
    """Lay the recipe's tree out in `folder` anew; the compose files to deploy, the overlay last.

    Paths in compose files count from the first one's folder, as in the recipe itself. Links that lead out of
    the recipe are left behind, so that what they name is missed, never read.
    """
    root = app.recipe.root.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root, folder, symlinks=True, ignore=_LeftBehind(root))
    version = common_version(stack.version)
    *copies, overlay_file = deployed_files(app, folder)
    for copy in copies:
        write_atomic(copy, with_version(copy.read_text(encoding="utf-8-sig"), version))
    content = {"version": version, **escaped(overlay.content)}
    # JSON is YAML in which no text is taken for anything else, as docker's reader takes `y` and `on`
    write_atomic(overlay_file, json.dumps(content, indent=2, ensure_ascii=False))
    return *copies, overlay_file


def deployed_files(app: App, folder: Path) -> tuple[Path, ...]:
    root = app.recipe.root.resolve()
    copies = tuple(folder / file.resolve().relative_to(root) for file in app.compose_files)
    return (*copies, folder / OVERLAY_FILE)


class _LeftBehind:
    """What `copytree` is to leave out: git's own, and links out of the recipe."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, folder: str, names: list[str]) -> Sequence[str]:
        return [name for name in names if name == ".git" or self._leads_out(Path(folder, name))]

    def _leads_out(self, path: Path) -> bool:
        return path.is_symlink() and not path.resolve().is_relative_to(self._root)


def common_version(version: str) -> str:
    """The recipe's newest `version:`, or the least that the overlay needs."""
    major, _, minor = version.partition(".")
    return ".".join(map(str, max(LEAST_VERSION, (int(major), int(minor or 0)))))


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


def require_own_variables(files: Iterable[Path], reserved: Iterable[str]) -> None:
    """Refuse files that ask for a variable which the docker client needs for itself."""
    for file in files:
        for name in reserved:
            if re.search(rf"(?<!\$)\$\{{?{name}\b", file.read_text()):
                raise UsageError(f"{file.name}: ${name}: is the docker client's own variable here; rename it")
