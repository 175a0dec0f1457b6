"""What the exit code of a container's program means, in a few words."""

import signal

BY_ITSELF = "it ended by itself"
KNOWN = {
    0: BY_ITSELF,
    125: "the engine could not run it",
    126: "the command can't be executed",
    127: "no such command",
    137: "killed: out of memory, or by SIGKILL",
    139: "killed: it used memory that is not its own (SIGSEGV)",
    143: "told to stop (SIGTERM)",
}
"""126 and 127 are the shell's and the engine's own, and from 129 on it is a signal."""
SIGNALS = 128


def meaning(code: int | None, *, out_of_memory: bool = False) -> str | None:
    """The meaning of `code`; None where it has none but the program's own."""
    if out_of_memory:
        return "out of memory"
    if code is None or code in KNOWN:
        return KNOWN.get(code) if code is not None else None
    try:
        return f"ended by {signal.Signals(code - SIGNALS).name}" if code > SIGNALS else None
    except ValueError:
        return None


def with_meaning(code: int, *, out_of_memory: bool = False) -> str:
    """`exit code 127 (no such command)`."""
    means = meaning(code, out_of_memory=out_of_memory)
    return f"exit code {code}" + (f" ({means})" if means else "")
