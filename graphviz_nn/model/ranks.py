"""The place of one process among those that train together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """Which of `world_size` processes: `rank`, from 0."""

    rank: int
    world_size: int

    @classmethod
    def in_environment(cls, environment: Mapping[str, str]) -> Place | None:
        """Returns what the variables that `torchrun` sets say (RANK, WORLD_SIZE); None for a process that is alone."""
        try:
            place = cls(int(environment["RANK"]), int(environment["WORLD_SIZE"]))
        except (KeyError, ValueError):
            return None
        return place if place.world_size > 1 and 0 <= place.rank < place.world_size else None
