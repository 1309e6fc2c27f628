"""Gates and states of recurrent layers as heat maps, unit by step."""

from __future__ import annotations

from typing import Final

import numpy as np

from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ImageGrid, Table, ViewOptions, signed
from graphviz_nn_sequence.opened import Opened, Track, open_layer

AXES: Final = ("unit", "step")
SHUT: Final = 0.05
OPEN: Final = 0.95
STILL: Final = 0.05
"""A unit's gate is called constant where it moves over the sequence by less than this."""


def gates(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns each gate of one sequence, [units, steps] of numbers from 0 (shut) to 1 (open).

    Raises:
        NotRecorded: what they are computed from was not kept.
    """
    opened = open_layer(subject, options.sample)
    return _grid(subject, "gates", opened, opened.gates, options, limits=(0.0, 1.0))


def states(subject: Subject, options: ViewOptions) -> ImageGrid:
    """Returns each state of one sequence, [units, steps]: candidate, cell and hidden state, as far as there are such.

    A hidden state that is projected to fewer numbers is left out: it would not be one image with the others.

    Raises:
        NotRecorded: what they are computed from was not kept.
    """
    opened = open_layer(subject, options.sample)
    units = opened.states[0].numbers.shape[1]
    alike = [track for track in opened.states if track.numbers.shape[1] == units]
    return _grid(subject, "states", opened, alike, options)


def gate_table(subject: Subject, options: ViewOptions) -> Table:
    """Returns how far each gate is open over one sequence, and what share of it hardly moves.

    Raises:
        NotRecorded: what the gates are computed from was not kept.
    """
    opened = open_layer(subject, options.sample)
    return Table(
        f"{_name(subject)} · gates of sample {opened.sample}",
        ("gate", "mean", f"shut (< {SHUT})", f"open (> {OPEN})", "constant units"),
        tuple(_row(track) for track in opened.gates),
        _joined(f"a unit is constant whose gate moves by less than {STILL} over the sequence", opened.note),
    )


def _row(track: Track) -> tuple[str | float, ...]:
    numbers = track.numbers
    constant = np.ptp(numbers, axis=0) < STILL
    shares = (np.mean(each) for each in (numbers < SHUT, numbers > OPEN, constant))
    return (track.label, float(numbers.mean()), *(f"{share:.0%}" for share in shares))


def _grid(
    subject: Subject, what: str, opened: Opened, tracks: list[Track], options: ViewOptions,
    limits: tuple[float, float] | None = None,
) -> ImageGrid:  # fmt: skip
    """Images of the tracks that are asked for, coloured from limit to limit where these are known."""
    scale = options.scale if options.scale != "auto" else "each" if limits is None else "common"
    first = min(max(options.first, 0), len(tracks) - 1)
    shown = tracks[first:][: options.count]
    images = np.stack([track.numbers.T for track in shown])
    return ImageGrid(
        title=f"{_name(subject)} · {what} of sample {opened.sample}",
        images=images,
        labels=tuple(track.label for track in shown),
        note=_joined("units down, steps across; computed from what the call read", opened.note),
        scale=scale,
        colours=("signed" if signed(images) else "sequential") if options.colours == "auto" else options.colours,
        axes=AXES,
        samples=opened.samples,
        total=len(tracks),
        first=first,
        limits=limits if options.scale == "auto" else None,
    )


def _name(subject: Subject) -> str:
    return subject.node.name if subject.node is not None else ""


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
