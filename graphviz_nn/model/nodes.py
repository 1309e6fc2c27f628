"""Calls and values of a recorded program, as plain frozen records.

The vocabulary of `docs/concepts.md`: a *node* is one call, a *value* is one version of one tensor, named by the
node that made it and its place among that node's outputs, and an *input* is the edge from a value to the call
that read it.

None of them can be part of a cycle, so Python's collector leaves them alone (`gc=False`): walking a hundred thousand
nodes takes a sixth of a second, in which nothing else runs.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

KINDS: Final = (
    "op",
    "composite",
    "custom",
    "scalar",
    "noop",
    "alias",
    "opaque",
    "parameter",
    "buffer",
    "input",
    "constant",
)
"""Every kind of node; the last four are *sources*: tensors that the program read but that no call of it made."""

SOURCE_KINDS: Final = frozenset({"parameter", "buffer", "input", "constant"})
PHASES: Final = ("forward", "backward", "recompute", "optimizer", "infra")
ROLES: Final = ("", "loss", "output")


class ValueRef(NamedTuple):
    """One value: output `index` of node `node`."""

    node: int
    index: int  # type: ignore[assignment]  # shadows tuple.index, which nobody calls


class Source(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The place in the user's program that made a call: absolute file name, line (from 1), function name."""

    file: str
    line: int
    function: str


class Input(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An edge: output `output` of node `node` fills `argument` ("input", "weight", "tensors[2]") of the call.

    `kind` is "data", or "alias" where the call reads what was written through another view of the same memory.
    """

    node: int
    output: int
    argument: str
    kind: str = "data"


class Output(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One version of one tensor. `bytes` is elements × element size, whether or not it shares memory.

    `version` is "" for a new tensor, "mutated" for a new version of a tensor that the call wrote in place, and
    "base" for the new version of the tensor that this one is a view of.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool
    bytes: int
    role: str = ""
    version: str = ""


class Saved(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tensor that autograd keeps for the backward pass of a call: `name` is autograd's own ("weight", "result").

    Where the call made several autograd nodes that save something, theirs stand before it ("addmm.mat1"). `bytes` is
    elements × element size; the memory is often that of an input or an output.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call (or one source).

    Attributes:
        id: position in the order in which calls completed, from 0; an edge always goes from a lower to a higher id.
        kind: one of `KINDS`.
        op: the user-level name: "conv2d", "relu", "add"; for a source its kind.
        name: readable and unique in its graph: "layer1.0.conv1", "relu_3".
        module: dotted path of the innermost module that was being called; "" the root; None outside any.
        call: how many times that module had been called in the step, from 1; 0 outside any module.
        module_call: index into `Structure.module_calls`, or None outside any module.
        source: where in the user's program the call stands, or None where no frame of theirs was on the stack.
        phase: one of `PHASES`.
        parent: id of the composite or custom node that it stands inside, or None. A parent's id is *higher* than
            its children's: it completes after them.
        function: importable name of what was called ("torch.nn.functional.conv2d", "torch.Tensor.add_"), "" for
            sources and for what cannot be named.
        arguments: the call's arguments with tensors replaced by slots, as `graphviz_nn.model.literals` describes,
            or None where they cannot be written down (then `replay` works only in the process that recorded).
        attributes: the arguments that are not tensors, by name, as JSON values (dtype as "torch.float32", slices
            as "1:3"). Also "recompute_of" (id) on a recomputed call, and "error" (text) on the one that failed.
        inputs: the values read, in argument order.
        outputs: the values made. Empty for an opened composite: there the children's values leave by themselves.
        names: for parameters and buffers every dotted name (several when tied); otherwise empty.
        aten: the ATen operators that ran inside the call, in order ("aten.addmm.default"), without those of calls
            inside it; empty where they were not recorded.
        aten_backward: those that ran in the call's part of all backward passes.
        saved: what autograd saved of the call for the backward pass; None where that was not recorded, or could not
            be read because the program has hooks of its own on what is saved.
    """

    id: int
    kind: str
    op: str
    name: str
    module: str | None
    call: int
    module_call: int | None
    source: Source | None
    phase: str
    parent: int | None
    function: str
    arguments: Any
    attributes: dict[str, Any]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    names: tuple[str, ...] = ()
    aten: tuple[str, ...] = ()
    aten_backward: tuple[str, ...] = ()
    saved: tuple[Saved, ...] | None = None
