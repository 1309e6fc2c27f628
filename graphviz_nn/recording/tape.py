"""What one step leaves behind while it runs: flat lists of tuples, turned into records after the step.

Everything here is written from the hot path, so it is lists and tuples and nothing else.
"""

from __future__ import annotations

from array import array
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from graphviz_nn.model.nodes import Saved

CALL: Final = -1
"""In `Tape.order`: the next op has completed."""

MODULE_ENTER: Final = 0
MODULE_EXIT: Final = 1
PASS_BEGIN: Final = 2
PASS_END: Final = 3
GROUP_BEGIN: Final = 4
NONE_GRADIENT: Final = 5
TOTAL_GRADIENT: Final = 6
UPDATE: Final = 7
ERROR: Final = 8
ABORT: Final = 9

PLAIN: Final = 0
NOOP: Final = 1
WRITES: Final = 2
FAILED: Final = 4
SOURCE: Final = 8
ALIAS: Final = 16
OPAQUE: Final = 32
CUSTOM: Final = 64
GROUP: Final = 128

PHASES: Final = ("forward", "backward", "recompute", "optimizer", "infra")
FORWARD: Final = 0
BACKWARD: Final = 1
RECOMPUTE: Final = 2
OPTIMIZER: Final = 3
INFRA: Final = 4


class Slot:
    """Stands in an argument template where a tensor was; the k-th slot belongs to the k-th value read."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "SLOT"


SLOT: Final = Slot()


class Op(NamedTuple):
    """Names for the fields of the tuples in `Tape.ops` (the hot path appends plain tuples of this form)."""

    function: Any
    state: tuple[Any, int, int]
    code: CodeType | None
    lasti: int
    phase: int
    group: int
    inputs: tuple[int, ...]
    first_value: int
    value_count: int
    flags: int
    arguments: tuple[Any, ...] | None
    keywords: dict[str, Any] | None


Form = tuple[Any, Any, Any, bool]
"""(shape, dtype, device, requires_grad) of a value."""


class Tape:
    """The raw record of one step.

    Attributes:
        ops: tuples of the form of `Op`, in order of completion.
        times: `time.perf_counter()` when each of them completed.
        values: the form of each value; a value's id is its place here.
        forms: every form seen, by itself: equal ones are one object, in all steps of a recording.
        sequence: by `Node._sequence_nr()` of an autograd node, the last value that came out of it.
        single: and the value whose gradient the hook that all share tells, for nodes that have that hook.
        versions: "mutated" or "base" by value id, for new versions of tensors that already were.
        order: what happened, in order: `CALL` for the next op, a value ≥ 0 for its gradient, or a tuple for the rest.
        module_calls: (entry, call, parent call, phase, training) of each module call in order of entry.
        source_names: by op id of a source its name or "", and for a parameter or buffer (root, name) of each owner.
        groups: id of the op that closed each group (composite, custom Function), or -1 while open.
        passes: (roots as value ids) of each backward pass.
        pass_times: `time.perf_counter()` at each beginning and end of a pass, in that order.
        recomputed: by the id of a recomputed op, that of the original.
        aten, aten_backward: names of ATen operators by op id, and those of backward passes by value id.
        shards: by value id, what this process holds of a DTensor.
        saved: by value id, what autograd saved of the call that made it, None where that cannot be read; or None where
            nobody asks.
    """

    __slots__ = (
        "aten",
        "aten_backward",
        "autocasts",
        "errors",
        "forms",
        "groups",
        "losses",
        "module_calls",
        "notes",
        "ops",
        "order",
        "outputs",
        "pass_times",
        "passes",
        "recomputed",
        "saved",
        "sequence",
        "shards",
        "single",
        "source_names",
        "times",
        "updates",
        "values",
        "versions",
    )

    def __init__(self, forms: dict[Form, Form] | None = None) -> None:
        self.forms = {} if forms is None else forms
        self.ops: list[tuple[Any, ...]] = []
        self.times = array("d")
        self.values: list[Form] = []
        self.sequence: dict[int, int] = {}
        self.single: dict[int, int] = {}
        self.versions: dict[int, str] = {}
        self.shards: dict[int, tuple[tuple[int, ...], str]] = {}
        self.saved: dict[int, tuple[Saved, ...] | None] | None = None
        self.order: list[Any] = []
        self.module_calls: list[tuple[Any, int, int, int, bool]] = []
        self.groups: list[int] = []
        self.pass_times: list[float] = []
        self.passes: list[tuple[int, ...]] = []
        self.recomputed: dict[int, int] = {}
        self.source_names: dict[int, tuple[str, tuple[tuple[Any, str], ...]]] = {}
        self.aten: dict[int, tuple[str, ...]] = {}
        self.aten_backward: dict[int, list[str]] = {}
        self.autocasts: dict[int, dict[str, Any]] = {}
        self.errors: dict[int, str] = {}
        self.losses: list[tuple[int, Any]] = []
        self.outputs: list[int] = []
        self.updates: list[int] = []
        self.notes: list[str] = []

    def last_value(self, number: int) -> int | None:
        """Returns the last value that came out of the autograd node with that sequence number, if any is known."""
        value = max(self.sequence.get(number, -1), self.single.get(number, -1))
        return value if value >= 0 else None

    def graph_size(self) -> int:
        """How many autograd nodes are known."""
        return len(self.sequence) + len(self.single)

    def clear_running(self) -> None:
        """Forgets what only a running step needs. A gradient that arrives later is not told any more."""
        self.sequence.clear()
        self.single.clear()

    def clear(self) -> None:
        """Gives back the memory of a tape that nobody reads any more, though parts of a step still refer to it."""
        for part in (self.ops, self.values, self.order, self.module_calls):
            part.clear()
        self.times = array("d")
