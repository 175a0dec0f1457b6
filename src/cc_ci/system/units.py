"""Units that appear in signatures."""

from typing import NewType

Seconds = float
"""A duration or a monotonic stamp, in seconds."""

Bytes = int
"""A size, in bytes."""

EpochSeconds = NewType("EpochSeconds", float)
"""A wall-clock stamp, in seconds since 1970 UTC."""
