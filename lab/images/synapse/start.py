#!/usr/bin/python3
"""Starts Synapse from a configuration that is there, as user UID:GID, with jemalloc."""

import os
import subprocess
import sys
from pathlib import Path

DATA = Path(os.environ.get("SYNAPSE_DATA_DIR", "/data"))


def synapse(arguments: list[str]) -> list[str]:
    """The command that the image's first argument, `run` if there is none, asks for."""
    mode, *further = arguments or ["run"]
    if mode != "run":
        sys.exit(f"Unknown execution mode {mode!r}; this image has `run` alone")
    config = Path(os.environ.get("SYNAPSE_CONFIG_PATH", DATA / "homeserver.yaml"))
    if not config.exists():
        sys.exit(f"Config file '{config}' does not exist. Make one, or mount one.")
    module = os.environ.get("SYNAPSE_WORKER", "synapse.app.homeserver")
    return [sys.executable, "-m", module, "--config-path", str(config), *further]


def as_user(command: list[str]) -> list[str]:
    """The same command under UID:GID, which then owns the data; whoever is not root stays who they are."""
    if os.getuid() != 0:
        return command
    uid, gid = os.environ.get("UID", "991"), os.environ.get("GID", "991")
    DATA.mkdir(parents=True, exist_ok=True)
    subprocess.run(["chown", "-R", f"{uid}:{gid}", DATA], check=False)
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *command]


def main() -> None:
    command = as_user(synapse(sys.argv[1:]))
    allocator = next(Path("/usr/lib").glob("*-linux-gnu/libjemalloc.so.2"), None)
    environment = {**os.environ, "LD_PRELOAD": str(allocator)} if allocator else os.environ
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main()
