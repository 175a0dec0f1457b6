"""What a cold limit has of pulls: the wire and the extraction, at once."""

import msgspec
import pytest
from example_result import example, part

from cc_ci.perf.analysis.pulling import bytes_per_second, in_a_row, side_by_side
from cc_ci.results.measured import Cell, Measured
from cc_ci.results.schema import ImageTransfer
from cc_ci.timing.parts import Part, Use


@pytest.mark.parametrize(
    ("rate", "bytes_a_second"),
    [
        ("100mbit", 12.5e6),
        ("1gbit", 125e6),
        ("1.5Mbit", 187.5e3),
        ("8000", 1000.0),
        ("2mbps", 2e6),
        ("1mibit", 131072.0),
        ("fast", None),
        ("10furlong", None),
        ("", None),
        ("1.2.3mbit", None),
    ],
)
def test_a_rate_is_read_as_tc_reads_it(rate: str, bytes_a_second: float | None) -> None:
    assert bytes_per_second(rate) == bytes_a_second


def cold(*pulls: tuple[float, float, int | None]) -> Measured:
    """Pulls that took so many seconds, CPU seconds and bytes."""
    images = tuple(
        ImageTransfer(reference=f"app:{at}", pulled_bytes=size) for at, (_, _, size) in enumerate(pulls)
    )
    parts: tuple[Part, ...] = tuple(
        part(seconds=seconds, name=f"pull app:{at}", phase="images_pull", use=Use(cpu=cpu))
        for at, (seconds, cpu, _) in enumerate(pulls)
    )
    removal = part(seconds=5.0, name="remove the recipe's images", phase="images_pull")
    result = example()
    cache = msgspec.structs.replace(result.cache, images=images)
    return Measured(
        cell=Cell(recipe="app", cache="cold"),
        place=1,
        result=msgspec.structs.replace(result, cache=cache),
        parts=(*parts, removal),
    )


def test_in_a_row_they_take_the_sum_and_side_by_side_the_wire() -> None:
    # 25 MB and 50 MB over 12.5 MB a second
    run = cold((5.0, 1.0, 25_000_000), (9.0, 2.0, 50_000_000))
    assert in_a_row(run) == 14.0
    assert side_by_side(run, bandwidth="100mbit", cpus=2.0) == 6.0


def test_one_images_layers_are_extracted_on_one_cpu_and_several_images_on_all() -> None:
    one = cold((30.0, 28.0, 1000), (10.0, 6.0, 1000))
    assert side_by_side(one, bandwidth="1gbit", cpus=2.0) == 28.0
    even = cold((20.0, 18.0, 1000), (20.0, 18.0, 1000), (20.0, 18.0, 1000))
    assert side_by_side(even, bandwidth="1gbit", cpus=2.0) == 27.0


def test_what_is_not_known_is_as_it_was_and_never_more() -> None:
    unknown = cold((5.0, 1.0, None), (9.0, 2.0, 50_000_000))
    assert side_by_side(unknown, bandwidth="100mbit", cpus=2.0) == 14.0
    slow = cold((5.0, 1.0, 250_000_000))
    assert side_by_side(slow, bandwidth="none", cpus=2.0) == 5.0
    assert side_by_side(slow, bandwidth="100mbit", cpus=2.0) == 5.0


def test_a_warm_run_pulls_nothing() -> None:
    warm = msgspec.structs.replace(cold((5.0, 1.0, 25)), cell=Cell(recipe="app", cache="warm"))
    assert (in_a_row(warm), side_by_side(warm, bandwidth="100mbit", cpus=2.0)) == (0.0, 0.0)
