"""What pulling takes in a limit: the wire and the extraction, or, in older sets, all pulls in a row. Pure."""

import re

from cc_ci.results.measured import Measured
from cc_ci.system.units import Seconds

BITS_PER_UNIT = {
    "": 1,
    "bit": 1,
    "kbit": 10**3,
    "mbit": 10**6,
    "gbit": 10**9,
    "tbit": 10**12,
    "kibit": 2**10,
    "mibit": 2**20,
    "gibit": 2**30,
    "tibit": 2**40,
    "bps": 8,
    "kbps": 8 * 10**3,
    "mbps": 8 * 10**6,
    "gbps": 8 * 10**9,
    "tbps": 8 * 10**12,
}
"""tc(8), section UNITS, Rates: a bare number is bits a second, `bps` are bytes."""


def bytes_per_second(rate: str) -> float | None:
    """A rate as tc takes it; None for what is none."""
    found = re.fullmatch(r"([0-9.]+)([a-z]*)", rate.strip().lower())
    unit = BITS_PER_UNIT.get(found[2]) if found else None
    try:
        return float(found[1]) * unit / 8 if found and unit else None
    except ValueError:
        return None


def in_a_row(measured: Measured) -> Seconds:
    """Transfer and extraction as they were; the removal before them is the measurement's own."""
    return sum(part.seconds for part in measured.parts if part.kind == "pull") if _cold(measured) else 0.0


def side_by_side(measured: Measured, *, bandwidth: str, cpus: float) -> Seconds:
    """The least that the same pulls can take at once: all bytes over the link, or the CPU's work.

    An image's layers are extracted one after the other, on one CPU; those of several images on all. Where
    bytes or rate are not known, as it was. It is never more than that.
    """
    rate, pulled = bytes_per_second(bandwidth), _pulled_bytes(measured)
    whole = in_a_row(measured)
    if rate is None or pulled is None:
        return whole
    work = [part.use.cpu for part in measured.parts if part.kind == "pull" and part.use]
    return min(whole, max(pulled / rate, sum(work) / cpus, max(work, default=0.0)))


def _cold(measured: Measured) -> bool:
    return measured.cell.cache == "cold"


def _pulled_bytes(measured: Measured) -> int | None:
    images = measured.result.cache.images if measured.result else ()
    known = [one.pulled_bytes for one in images if one.pulled_bytes is not None]
    return sum(known) if known and len(known) == len(images) else None
