"""What a run pays for a proxy of its own: `python benchmarks/run_proxy.py NODE`, about a minute.

Starts and ends one again and again on a private node that is up, and says seconds and memory. Its run's
services would be polled each 15 s; that is in no number here.
"""

import statistics
import sys
import time
from pathlib import Path

import msgspec

from cc_ci.engine.docker_engine import connect
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.system.clock import SystemClock
from cc_ci.system.files import write_atomic
from cc_ci.system.process import LocalRunner

HERE = Path(__file__).resolve().parent
TIMES = 12
SETTLED = 2.0
"""After so many seconds its memory is looked at."""


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy, from its start to its end."""

    start_seconds: float
    end_seconds: float
    anonymous_bytes: int
    """Resident and its own, not a file's that the page cache has anyway."""
    publishing_bytes: int
    """Of the engine's programs that publish its ports, as above."""


def anonymous(pid: int) -> int:
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return next(int(row[1]) * 1024 for row in rows if row[0] == "RssAnon:")


def publishers(address: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if line[0].endswith(b"docker-proxy") and address.encode() in line:
            found.append(int(folder.name))
    return found


def once(name: str) -> Once:
    node = PrivateNode(name).load()
    engine = connect(node, LocalRunner())
    proxy = RunProxy(node, engine, LocalRunner(), labels={"cc-ci.run": "measured"}, clock=SystemClock())
    begun = time.monotonic()
    try:
        own = proxy.start()
        started = time.monotonic()
        time.sleep(SETTLED)
        state = engine.container(own.proxy_container or "")
        pid = state.pid if state else None
        memory = anonymous(pid) if pid else 0
        publishing = sum(anonymous(one) for one in publishers(own.address))
    finally:
        ending = time.monotonic()
        proxy.remove()
    return Once(
        start_seconds=started - begun,
        end_seconds=time.monotonic() - ending,
        anonymous_bytes=memory,
        publishing_bytes=publishing,
    )


def main() -> None:
    taken = [once(sys.argv[1]) for _ in range(TIMES)]
    folder = HERE / "run-proxy"
    folder.mkdir(exist_ok=True)
    write_atomic(folder / "raw.json", msgspec.json.format(msgspec.json.encode(taken)) + b"\n")
    for field, unit in (
        ("start_seconds", 1),
        ("end_seconds", 1),
        ("anonymous_bytes", 2**20),
        ("publishing_bytes", 2**20),
    ):
        values = [getattr(one, field) / unit for one in taken]
        sys.stdout.write(
            f"{field:17} median {statistics.median(values):.2f}, {min(values):.2f} to {max(values):.2f}\n"
        )


if __name__ == "__main__":
    main()
