"""Names, shapes and counts as people read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from graphviz_nn.model.nodes import Output
from graphviz_nn.model.wording import sizes_text


def relative(path: str, outer: str) -> str:
    """Returns `path` without the `outer` that it starts with: "layer1.0.conv1" inside "layer1" is "0.conv1"."""
    return path[len(outer) + 1 :] if outer and path.startswith(outer + ".") else path


def shapes_text(outputs: Sequence[Output]) -> str:
    """Returns the shapes in one short line: "64×56×56", "[32×8] × 4", "8×16 +2"; "" where there are none."""
    if len(outputs) == 1:
        return shape_text(outputs[0].shape, outputs[0].dtype)
    texts = Counter(shape_text(output.shape, output.dtype) for output in outputs)
    if not texts:
        return ""
    first, count = next(iter(texts.items()))
    more = f" +{len(texts) - 1}" if len(texts) > 1 else ""
    return (f"[{first}] × {count}" if count > 1 else first) + more


@lru_cache(maxsize=16384)
def shape_text(shape: tuple[int, ...], dtype: str) -> str:
    """Returns "32×3×224×224"; "scalar" for no dimensions; dtypes other than float32 are said."""
    text = sizes_text(shape) or "scalar"
    return text if dtype in ("float32", "torch.float32") else f"{text} {dtype.removeprefix('torch.')}"


def count_text(count: int) -> str:
    """Returns a count in three digits or so: "640", "36.9k", "11.7M"."""
    value = float(count)
    for unit in ("", "k", "M", "G", "T"):
        if value < 999.5 or unit == "T":
            break
        value /= 1000
    return f"{value:.0f}{unit}" if not unit or value >= 99.95 else f"{value:.1f}{unit}"
