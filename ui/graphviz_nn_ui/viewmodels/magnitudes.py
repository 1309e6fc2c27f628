"""A histogram over powers of two as bars: zeros and what is not finite stand beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.stats import HISTOGRAM_LOWEST, Stats
from graphviz_nn_ui.viewmodels.numbers import number_text, share_text

LEAST_BINS: Final = 12


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """Shares (0…1) of all elements.

    Attributes:
        lowest: the power of two at which the first bar begins; the first that is counted (2⁻⁴⁴) holds what is smaller,
            too.
        shares: by bar, the share of elements with 2^(lowest + k) ≤ |x| < 2^(lowest + k + 1), estimated from a sample.
        zeros: the share of exact zeros. bad: of NaN and ±Inf.
    """

    lowest: int
    shares: tuple[float, ...]
    zeros: float
    bad: float

    @property
    def open_below(self) -> bool:
        """Whether the first bar holds whatever is smaller than its upper end."""
        return self.lowest == HISTOGRAM_LOWEST

    @property
    def tallest(self) -> float:
        return max(*self.shares, self.zeros, self.bad)

    def bar_text(self, bar: int) -> str:
        """Returns what a bar stands for: "0.25 ≤ |x| < 0.5: 12.5 % (of a sample)"."""
        low = 2.0 ** (self.lowest + bar)
        share = share_text(self.shares[bar])
        begin = "0 <" if bar == 0 and self.open_below else f"{number_text(low, 3)} ≤"
        return f"{begin} |x| < {number_text(low * 2, 3)}: {share} (estimated from a sample)"


def magnitudes(counts: npt.NDArray[np.uint16] | None, stats: Stats | None, elements: int) -> Magnitudes | None:
    """Returns the bars of a tensor of so many elements, or None where nothing was measured of it."""
    if counts is None or stats is None or not elements:
        return None
    bad = (stats.nan + stats.posinf + stats.neginf) / elements
    total = int(counts.sum())
    filled = np.flatnonzero(counts)
    first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (-HISTOGRAM_LOWEST, -HISTOGRAM_LOWEST)
    spare = max(LEAST_BINS - (last - first + 1), 0)
    first = max(first - (spare + 1) // 2, 0)
    last = min(last + spare // 2, len(counts) - 1)
    rest = max(1.0 - stats.zeros - bad, 0.0)
    shares = counts[first : last + 1] / total * rest if total else np.zeros(last - first + 1)
    return Magnitudes(first + HISTOGRAM_LOWEST, tuple(shares.tolist()), stats.zeros, bad)
