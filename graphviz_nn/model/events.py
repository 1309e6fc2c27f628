"""What happened in a step, in one total order.

The events of a step are rows of a numpy structured array (`EVENT_DTYPE`); the row number is the event's `seq`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np


class EventKind(IntEnum):
    """Kinds of event, and what `node`, `index` and `pass` hold in each.

    CALL: an operator ran (`node`). For a composite or custom node it is where the call began; a source is
        called where it was first read.
    RETURN: the end of a composite or custom call (`node`); other calls have only their CALL.
    MODULE_ENTER, MODULE_EXIT: `node` is an index into `Structure.module_calls`.
    PASS_BEGIN, PASS_END: a backward pass over value (`node`, `index`), or -1 where its root is not known.
    GRADIENT: the gradient of value (`node`, `index`) arrived, summed over its fan-out, before user hooks; for a
        parameter it is this pass's contribution. `state` tells a tensor from None.
    PARAMETER_GRADIENT: the accumulated `.grad` of parameter `node` after the pass.
    UPDATE: parameter `node` was changed by the optimizer.
    ERROR: the program raised at `node` (or -1). ABORT: recording ended before the step did.
    """

    CALL = 0
    RETURN = 1
    MODULE_ENTER = 2
    MODULE_EXIT = 3
    PASS_BEGIN = 4
    PASS_END = 5
    GRADIENT = 6
    PARAMETER_GRADIENT = 7
    UPDATE = 8
    ERROR = 9
    ABORT = 10


STATE_TENSOR: Final = 0
STATE_NONE: Final = 1
"""`state` of a GRADIENT event: autograd delivered a tensor, or said None. No event at all: it never arrived."""

EVENT_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("state", "u1"),
        ("pass", "<i2"),  # from 0; -1 outside any backward pass
        ("node", "<i4"),
        ("index", "<i4"),
        ("time", "<f4"),  # seconds since the step began, when the event completed; NaN where not measured
    ]
)
