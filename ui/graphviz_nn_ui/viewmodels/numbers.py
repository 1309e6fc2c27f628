"""Numbers as panels write them."""

from __future__ import annotations

import math

from graphviz_nn.model.stats import Stats
from graphviz_nn.scene.overlay import QUANTITIES

NOTHING = "–"


def number_text(value: float, digits: int = 4) -> str:
    """Returns up to `digits` significant digits: "0", "312.4", "1.4e-2" as "0.014", "-3e-6", "NaN", "+∞", "−∞"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    mantissa, marker, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if marker else text


def short_text(value: float) -> str:
    """Returns three significant digits in as few characters as can be: "0.0485", "1.38e-3", "-2.34e-5", "45.5"."""
    if value == 0 or not math.isfinite(value) or 0.01 <= abs(value) < 1e5:
        return number_text(value, 3)
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def share_text(share: float) -> str:
    """Returns a share (0…1) in per cent; what is not quite all or nothing never reads as if it were."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.3g} %"


def nonfinite_text(stats: Stats) -> str:
    """Returns "0", or the counts that are not zero after a sign: "✖ 12 NaN, 3 −Inf"."""
    counts = ((stats.nan, "NaN"), (stats.posinf, "+Inf"), (stats.neginf, "−Inf"))
    found = ", ".join(f"{count:.0f} {word}" for count, word in counts if count > 0)
    return f"✖ {found}" if found else "0"


def size_text(size: float) -> str:
    """Returns bytes with a binary unit: "402 MiB"."""
    return QUANTITIES["memory"].text(size)


def time_text(seconds: float) -> str:
    """Returns "12.3 µs", "4 ms"; a dash where it was not measured."""
    return NOTHING if math.isnan(seconds) else QUANTITIES["time"].text(seconds)


def microseconds_text(microseconds: float) -> str:
    """Returns a number for a column of them: "3.4", "27", "1,234"."""
    return f"{microseconds:.1f}" if microseconds < 9.95 else f"{microseconds:,.0f}"


def shape_text(shape: tuple[int, ...], dtype: str) -> str:
    """Returns "float32 [4, 16, 8, 8]", "float32 scalar"."""
    return f"{dtype.removeprefix('torch.')} {list(shape) if shape else 'scalar'}"
