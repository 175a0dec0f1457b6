"""What a run used: CPU, bytes and memory of the stack and of the engine, and the node's pressure.

A value that can't be had is None, and the reason is in the `missing` of `Usage`.
"""

import msgspec

from cc_ci.system.units import Bytes, Seconds


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one control group used between two instants; memory is the peak of the samples between them."""

    cpu_seconds: Seconds | None = None
    read_bytes: Bytes | None = None
    written_bytes: Bytes | None = None
    peak_memory_bytes: Bytes | None = None
    """Usage, page cache included."""
    peak_working_set_bytes: Bytes | None = None
    """Usage less the inactive page cache."""


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds in which some, or all, tasks of the machine stood still for want of a resource."""

    cpu_some_seconds: Seconds | None = None
    io_some_seconds: Seconds | None = None
    io_full_seconds: Seconds | None = None
    memory_some_seconds: Seconds | None = None
    memory_full_seconds: Seconds | None = None


class SpanResources(msgspec.Struct, frozen=True, kw_only=True):
    """What was used while one span was open; `span` is None for the whole run."""

    span: int | None = None
    stack: Usage = Usage()
    engine: Usage = Usage()
    pressure: Pressure = Pressure()


class ResourceSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen at one instant, for charts; CPU seconds count from the run's start."""

    at: Seconds
    stack_cpu_seconds: Seconds | None = None
    stack_memory_bytes: Bytes | None = None
    engine_cpu_seconds: Seconds | None = None
    engine_memory_bytes: Bytes | None = None
