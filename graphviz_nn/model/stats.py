"""The numbers kept of a tensor, and how tables of them are laid out.

A table is a float32 array with one row a tensor and one column a `STATS` name, in the tensor's own units. Rows of a
step, by table name:

    "output"               every value of the structure, by `Structure.value_row`; all NaN where not measured
    "gradient"             the GRADIENT events of the step, in order
    "parameter_gradient"   the PARAMETER_GRADIENT events, in order
    "update"               the UPDATE events, in order: statistics of (after − before)

A histogram table has the same rows and `HISTOGRAM_BINS` uint16 columns: column k counts the elements of a sample
(at most 128, evenly strided) with 2^(k + HISTOGRAM_LOWEST) ≤ |x| < 2^(k + 1 + HISTOGRAM_LOWEST); magnitudes beyond
the ends count in the end columns, zeros and non-finite elements in none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

STATS: Final = ("mean", "std", "min", "max", "l2", "zeros", "nan", "posinf", "neginf")
"""Columns: mean, population standard deviation, minimum, maximum and L2 norm of the finite elements, share of exact
zeros (0…1) of all elements, and counts of NaN, +Inf and −Inf."""

TABLES: Final = ("output", "gradient", "parameter_gradient", "update")
HISTOGRAM_BINS: Final = 64
HISTOGRAM_LOWEST: Final = -44
HISTOGRAM_SAMPLE: Final = 128

StatTable = npt.NDArray[np.float32]


class Stats(NamedTuple):
    """One row of a table, with names."""

    mean: float
    std: float
    min: float
    max: float
    l2: float
    zeros: float
    nan: float
    posinf: float
    neginf: float

    @property
    def finite(self) -> bool:
        """Whether no element was NaN or infinite."""
        return self.nan == 0 and self.posinf == 0 and self.neginf == 0
