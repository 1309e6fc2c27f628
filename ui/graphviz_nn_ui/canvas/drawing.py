"""A picture as the canvas has it: arrays that do not change, and what is shown on them now."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from graphviz_nn.scene import raster
from graphviz_nn.scene.box_numbers import BoxNumbers
from graphviz_nn.scene.tables import SceneTables, place_of
from graphviz_nn_ui.canvas.colours import NO_HEAT, heat_codes

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]


class Drawing:
    """Boxes, containers and wires, and their state at the session's cursor.

    Attributes:
        tables: geometry and words.
        numbers: what colours the boxes, or None.
        pending: by box whether it has no value yet. arrived: whether it has a gradient.
        known: by box whether its number is known at the cursor.
        heat: by box its palette entry, `NO_HEAT` without. container_heat: likewise.
        alarms: by box what of it is NaN or ±Inf at the cursor, as bits of `graph_nonfinite`.
        severities: by box the most severe finding, as a place in `SEVERITIES`, or -1.
        stops: boxes that hold a breakpoint.
        hidden: boxes that are faded because a person asked for it.
    """

    def __init__(self, tables: SceneTables) -> None:
        self.tables = tables
        self.numbers: BoxNumbers | None = None
        count = len(tables.boxes)
        self.pending: Flags = np.zeros(count, np.bool_)
        self.arrived: Flags = np.zeros(count, np.bool_)
        self.known: Flags = np.ones(count, np.bool_)
        self.heat: Codes = np.full(count, NO_HEAT, np.uint8)
        self.container_heat: Codes = np.full(len(tables.containers), NO_HEAT, np.uint8)
        self.alarms: Codes = np.zeros(count, np.uint8)
        self.severities: npt.NDArray[np.int8] = np.full(count, -1, np.int8)
        self.stops: Flags = np.zeros(count, np.bool_)
        self.hidden: Flags = np.zeros(count, np.bool_)
        self._marked: tuple[tuple[object, ...], Places] = (), np.empty(0, np.intp)

    def box(self, key: str) -> int | None:
        """Returns the place of the box with a key, or None."""
        return place_of(self.tables.boxes.ids, key)

    def container(self, key: str) -> int | None:
        """Returns the place of the container with a key, or None."""
        return place_of(self.tables.containers.ids, key)

    def leaving(self, box: int) -> list[int]:
        """Returns the wires that leave a box."""
        return _among(self._by_source, box)

    def entering(self, box: int) -> list[int]:
        """Returns the wires that enter a box."""
        return _among(self._by_target, box)

    @cached_property
    def _by_source(self) -> tuple[Places, npt.NDArray[np.int32]]:
        return _sorted(self.tables.wires.sources)

    @cached_property
    def _by_target(self) -> tuple[Places, npt.NDArray[np.int32]]:
        return _sorted(self.tables.wires.targets)

    def set_numbers(self, numbers: BoxNumbers | None) -> None:
        """Takes what colours the boxes."""
        self.numbers = numbers
        self._colour()

    def set_state(self, pending: Flags, arrived: Flags, known: Flags) -> bool:
        """Takes what exists at the cursor; returns whether that is a change."""
        now, former = (pending, arrived, known), (self.pending, self.arrived, self.known)
        same = [np.array_equal(*pair) for pair in zip(now, former, strict=True)]
        # What is the same stays the same array: painters see at a glance that there is nothing to do.
        kept = [before if equal else after for before, after, equal in zip(former, now, same, strict=True)]
        self.pending, self.arrived, self.known = kept
        if not same[2]:
            self._colour()
        return not all(same)

    def set_alarms(self, alarms: Codes) -> bool:
        """Takes what is NaN or ±Inf at the cursor; returns whether that is a change."""
        if np.array_equal(alarms, self.alarms):
            return False
        self.alarms = alarms
        return True

    @property
    def state(self) -> tuple[Flags | Codes, ...]:
        """What tells one card from another with the same words; arrays that are replaced, never changed."""
        return self.pending, self.arrived, self.heat, self.alarms, self.hidden

    @property
    def marked(self) -> Places:
        """The boxes that bear a sign: of a finding, a breakpoint, or what is not finite."""
        signs = self.severities, self.stops, self.alarms
        known, found = self._marked
        if len(known) != len(signs) or any(now is not before for now, before in zip(signs, known, strict=True)):
            found = np.flatnonzero((self.severities >= 0) | self.stops | (self.alarms > 0))
            self._marked = signs, found
        return found

    def heat_text(self, box: int) -> str:
        """Returns the number that colours a box, for people; "" where it has none, or not yet."""
        if self.numbers is None or self.heat[box] == NO_HEAT:
            return ""
        return self.numbers.quantity.text(float(self.numbers.boxes[box]))

    def container_heat_text(self, container: int) -> str:
        if self.numbers is None or self.container_heat[container] == NO_HEAT:
            return ""
        return self.numbers.quantity.text(float(self.numbers.containers[container]))

    @property
    def far_codes(self) -> Codes:
        """By box the palette entry that it has from far away."""
        return self.far_codes_of(slice(None))

    def far_codes_of(self, chosen: Places | slice) -> Codes:
        """Returns the palette entries that some boxes have from far away."""
        if self.numbers is None:
            codes = (self.tables.boxes.categories[chosen] + raster.FIRST_CATEGORY).astype(np.uint8)
        else:
            heat = self.heat[chosen]
            codes = np.where(heat == NO_HEAT, np.uint8(raster.UNKNOWN), heat)
        codes[self.alarms[chosen] > 0] = raster.ALARM
        codes[self.pending[chosen] | self.hidden[chosen]] = raster.PENDING
        return codes

    def _colour(self) -> None:
        numbers, containers = self.numbers, self.tables.containers
        if numbers is None:
            self.heat = np.full(len(self.tables.boxes), NO_HEAT, np.uint8)
            self.container_heat = np.full(len(containers), NO_HEAT, np.uint8)
            return
        self.heat = np.where(self.known, heat_codes(numbers.fractions(numbers.boxes)), np.uint8(NO_HEAT))
        counts = np.concatenate([[0], np.cumsum(self.known)])
        begun = counts[containers.end_box] > counts[containers.first_box]
        self.container_heat = np.where(begun, heat_codes(numbers.fractions(numbers.containers)), np.uint8(NO_HEAT))


def _sorted(ends: npt.NDArray[np.int32]) -> tuple[Places, npt.NDArray[np.int32]]:
    """Wires by the box at one of their ends, and these boxes, ascending."""
    order = np.argsort(ends, kind="stable")
    return order, ends[order]


def _among(ordered: tuple[Places, npt.NDArray[np.int32]], box: int) -> list[int]:
    wires, ends = ordered
    first, last = np.searchsorted(ends, (box, box + 1))
    found: list[int] = wires[first:last].tolist()
    return found
