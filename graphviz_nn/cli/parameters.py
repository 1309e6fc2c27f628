"""Types of option values that several commands share."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from graphviz_nn.errors import did_you_mean


class OneOf(click.Choice[str]):
    """One of a few words; a typing error is answered with the nearest of them."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        del ctx
        return f"{value!r} is none of {', '.join(self.choices)}.{did_you_mean(str(value), self.choices)}"


class Depth(click.ParamType[int]):
    """A number of module levels; "all" is more of them than any model has."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if value == "all":
            return sys.maxsize
        if not str(value).isdecimal():
            self.fail(f"{value!r} is no depth. Give a number from 0, or all.", param, ctx)
        return int(value)


class Every(click.ParamType[int | str]):
    """A number of steps from 1, or "auto"."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is no number of steps. Give auto, or a number from 1.", param, ctx)
        return int(value)


class Share(click.ParamType[float]):
    """A share: "5%" or "0.05"."""

    name = "PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(\s*%?)", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no share. Write it as 5% or 0.05.", param, ctx)
        share = float(match[1]) / 100 if match[2] else float(match[1])
        if not 0 < share <= 1:
            self.fail(f"{value!r} is not within 0% to 100%. Write five percent as 5% or 0.05.", param, ctx)
        return share


def parse_keep(text: str) -> str | tuple[str, ...]:
    """Returns "none", "stats" or "all" as they are, and anything else as module patterns."""
    return text if text in ("none", "stats", "all") else tuple(part.strip() for part in text.split(","))
