"""Tensors out of a run file, whole or in slices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphviz_nn.model.tensors import ITEM_BYTES, TensorKey
from graphviz_nn.store.checks import check_tensor_key, tensor_bytes
from graphviz_nn.store.encoding import decode_shape
from graphviz_nn.store.format import CHUNK_BYTES
from graphviz_nn.store.rows import TensorChunkRow, TensorRow
from graphviz_nn.store.tables import Columns, RunTables


class KeptTensor(NamedTuple):
    """A tensor of a step, described without its elements.

    `place`: its number in the step, in the order of writing. `size`: bytes stored of it.
    """

    place: int
    key: TensorKey
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    size: int

    @property
    def item_bytes(self) -> int:
        return ITEM_BYTES[self.dtype]

    @property
    def elements(self) -> int:
        """How many elements are stored: with strides, those of the span."""
        return self.size // self.item_bytes


def kept_tensors(tables: RunTables, step: int, count: int) -> dict[TensorKey, KeptTensor]:
    """Returns the `count` tensors of a step by key, in the order in which they were written.

    Raises `DamagedRunFile` where one of them is missing or damaged.
    """
    what = f"the list of tensors of step {step}"
    kept: dict[TensorKey, KeptTensor] = {}

    def take(columns: Columns) -> None:
        row = tables.checked(TensorRow, what, columns)
        tensor = tables.decoded(what, lambda: _describe(row))
        if row.place != len(kept) or tensor.key in kept:
            raise tables.damaged(what, f"tensor {row.place} stands at place {len(kept)}")
        kept[tensor.key] = tensor

    tables.visit(TensorRow, "WHERE step = ? ORDER BY place", (step,), take)
    if len(kept) != count:
        raise tables.damaged(what, f"{len(kept)} of {count} tensors are there")
    return kept


def read_slice(tables: RunTables, step: int, tensor: KeptTensor, start: int, stop: int) -> npt.NDArray[np.uint8]:
    """Returns bytes `start` to `stop` of the tensor. Reads only the rows of the file in which they lie."""
    what = f"tensor {tensor.place} of step {step}"
    if tensor.size > tables.size():
        raise tables.damaged(what, f"{tensor.size} bytes in a smaller file")
    data = np.empty(stop - start, np.uint8)
    for part in range(start // CHUNK_BYTES, -(-stop // CHUNK_BYTES)):
        row = tables.one(TensorChunkRow, what, "step = ? AND place = ? AND part = ?", step, tensor.place, part)
        first = part * CHUNK_BYTES
        if row is None or len(row.data) != min(CHUNK_BYTES, tensor.size - first):
            raise tables.damaged(what, f"its part {part} is missing or has the wrong length")
        wanted = np.frombuffer(row.data, np.uint8)[max(start - first, 0) : stop - first]
        offset = max(first - start, 0)
        data[offset : offset + len(wanted)] = wanted
    return data


def _describe(row: TensorRow) -> KeptTensor:
    key = TensorKey(row.kind, row.node, row.output, row.number)
    check_tensor_key(key)
    shape = decode_shape(row.shape)
    strides = None if row.strides is None else decode_shape(row.strides)
    if row.size != tensor_bytes(row.dtype, shape, strides):
        raise ValueError(f"{row.size} bytes for a {row.dtype} tensor of shape {shape}")
    return KeptTensor(row.place, key, row.dtype, shape, strides, row.size)
