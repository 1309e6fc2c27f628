"""Kept tensors as plain bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

TENSOR_KINDS: Final = (
    "value",
    "gradient",
    "parameter_gradient",
    "thumbnail",
    "gradient_thumbnail",
    "random_state",
)
"""What a kept tensor is: a value; a gradient of it; a parameter's accumulated gradient; a small strided copy of a
value or gradient (see `graphviz_nn.recording.keeping`); a generator's state before a call that draws randomly."""


class TensorKey(NamedTuple):
    """Which tensor of a step: its kind, the value (`node`, `index`), and the backward pass (0 outside passes).

    Of a "random_state" `number` is the generator: 0 that of the CPU, k + 1 that of device k.
    """

    kind: str
    node: int
    index: int  # type: ignore[assignment]  # shadows tuple.index, which nobody calls
    number: int = 0


ITEM_BYTES: Final = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1,
    "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4,
    "uint32": 4, "float32": 4, "complex32": 4, "int64": 8, "uint64": 8, "float64": 8, "complex64": 8,
    "complex128": 16,
}  # fmt: skip
"""Bytes of one element by dtype name (without "torch.")."""


@dataclass(frozen=True, slots=True, eq=False)
class TensorData:
    """A dense tensor: `dtype` by name ("float32"), `shape`, and its elements, row-major and little-endian.

    With `strides` (in elements) `data` is the tensor's span of memory instead, from its first element: the layout
    matters where a call must be replayed bit for bit.
    """

    dtype: str
    shape: tuple[int, ...]
    data: npt.NDArray[np.uint8]
    strides: tuple[int, ...] | None = None

    @property
    def nbytes(self) -> int:
        return int(self.data.nbytes)

    def numpy(self) -> npt.NDArray[Any]:
        """The tensor as a read-only numpy array; bfloat16 becomes float32 with the same values.

        Raises:
            TypeError: numpy has no such dtype (float8, complex32).
        """
        if self.dtype == "bfloat16":
            array = (self.data.view("<u2").astype("<u4") << 16).view("<f4")
            item = 4
        else:
            try:
                kind = np.dtype(self.dtype).newbyteorder("<")
            except TypeError as error:
                raise TypeError(f"numpy has no dtype {self.dtype!r}; read this tensor with torch") from error
            array, item = self.data.view(kind), kind.itemsize
        if self.strides is None:
            array = array.reshape(self.shape)
        else:
            array = np.lib.stride_tricks.as_strided(array, self.shape, [s * item for s in self.strides])
        array.flags.writeable = False
        return array
