"""A flag that takes a duration: seconds, or a number with its unit."""

import re

import click

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class DurationOption(click.ParamType[float]):
    """`90`, `90s`, `15m` or `2h`, as seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if match is None:
            self.fail(
                f"{value}: not a duration; give seconds, or a number with s, m or h such as 15m", param, ctx
            )
        return float(match[1]) * UNITS[match[2]]
