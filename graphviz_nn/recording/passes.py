"""Backward passes: where one begins and ends, what it starts from, and what it leaves in the parameters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import MethodType
from typing import Any
from weakref import ref

import torch
from torch import Tensor

from graphviz_nn.recording.arguments import template_of
from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.distributed import is_whole, local_part, shards_parameters
from graphviz_nn.recording.frames import user_frame
from graphviz_nn.recording.gradient_hooks import Arrival, Hook
from graphviz_nn.recording.identity import Identity
from graphviz_nn.recording.stack import make_room
from graphviz_nn.recording.tape import BACKWARD, CALL, PASS_BEGIN, PASS_END, PLAIN, TOTAL_GRADIENT

_unrecorded = torch._C.DisableTorchFunction


class Passes:
    """Stands around the autograd engine while a step is recorded.

    Attributes:
        current: number of the innermost pass that is running, or -1.
        ended: how many have ended.
        unseen: keeps what runs inside it from being recorded call by call, and collects what that reads.
    """

    def __init__(
        self,
        mode: CallRecorder,
        identity: Identity,
        totals: Callable[[list[tuple[int, Tensor]]], None] | None,
        on_pass: Callable[[int], None],
    ) -> None:
        self.mode = mode
        self.identity = identity
        self.current = -1
        self.ended = 0
        self.unseen: Callable[[], AbstractContextManager[None]] = nullcontext
        self._totals = totals
        self._on_pass = on_pass
        self._leaves: dict[int, ref[Tensor]] = {}
        self._filled: list[ref[Tensor]] = []

    def takes_back_gradients(self) -> bool:
        """Whether the program has set to None every gradient that the last pass left in a leaf. True once a pass."""
        filled = [tensor for reference in self._filled if (tensor := reference()) is not None]
        if self.current >= 0 or not filled or any(tensor.grad is not None for tensor in filled):
            return False
        self._filled = []
        return True

    def leaf_hooks(self, arrive: Arrival) -> Callable[[int, Tensor], Hook]:
        """Returns a maker of hooks for leaf tensors, which also remember who got a contribution in this pass."""
        leaves, mode = self._leaves, self.mode

        def arrive_at_leaf(leaf: tuple[int, ref[Tensor]], gradient: Tensor | None) -> None:
            value, reference = leaf
            if mode.in_batch is None:
                leaves[value] = reference
            arrive(value, gradient)

        # Saving the parameter in the middle of a step must not warn about our hook.
        arrive_at_leaf.__torch_unserializable__ = True  # type: ignore[attr-defined]

        def make(value: int, tensor: Tensor) -> Hook:
            return MethodType(arrive_at_leaf, (value, ref(tensor)))

        return make

    def run(self, engine: Callable[..., Any], t_outputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs the engine with the pass noted around it. Errors of the engine pass through."""
        mode = self.mode
        if mode.closed or torch._C._are_functorch_transforms_active() or _any_wrapped(t_outputs):
            return self._run_unseen(engine, t_outputs, args, kwargs)
        accumulates = bool(kwargs.get("accumulate_grad", args[5] if len(args) > 5 else False))
        nested = self.current >= 0 and accumulates
        outer_pass, outer_phase = self.current, mode.phase
        grad_inputs: tuple[list[int], list[Any]] | None = None
        try:
            with _unrecorded():
                if not nested:
                    self._begin(t_outputs)
                if not accumulates:
                    grad_inputs = self._read(t_outputs, args, kwargs)
        except Exception as error:
            mode.fail(error)
            return engine(t_outputs, *args, **kwargs)
        mode.phase = BACKWARD
        result = None
        try:
            if mode.aten is not None:
                result = mode.aten.backward(engine, (t_outputs, *args), kwargs)
            else:
                result = engine(t_outputs, *args, **kwargs)
        except BaseException as error:
            mode.note_phase(error, BACKWARD)
            raise
        finally:
            mode.phase = outer_phase
            try:
                if not nested and not mode.closed:
                    with _unrecorded():
                        self._end(outer_pass, accumulates)
            except Exception as error:
                mode.fail(error)
        try:
            if grad_inputs is not None and not mode.closed:
                with _unrecorded():
                    self._grad_node(grad_inputs, args, kwargs, result)
        except Exception as error:
            mode.fail(error)
        return result

    def _run_unseen(
        self, engine: Callable[..., Any], t_outputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """A pass inside a transform, or over what one made: its results are tied to what it reads."""
        mode = self.mode
        if mode.closed and mode.in_batch is None:
            return engine(t_outputs, *args, **kwargs)
        with self.unseen():
            if mode.in_batch is not None:
                mode.in_batch((*t_outputs, *(kwargs.get("inputs", args[3] if len(args) > 3 else None) or ())), None)
            return engine(t_outputs, *args, **kwargs)

    def _begin(self, t_outputs: Any) -> None:
        tape = self.identity.tape
        roots = tuple(self.identity.read(t) for t in t_outputs if isinstance(t, Tensor))
        warning = make_room(tape.graph_size())
        if warning is not None:
            tape.notes.append(warning)
        number = len(tape.passes)
        tape.passes.append(roots)
        for tensor, value in zip((t for t in t_outputs if isinstance(t, Tensor)), roots, strict=True):
            if tensor.numel() == 1 and tensor.is_floating_point() and not tensor.is_meta and is_whole(tensor):
                tape.losses.append((value, local_part(tensor).detach().clone()))
        tape.order.append((PASS_BEGIN, number))
        tape.pass_times.append(self.mode.now())
        self.current = number
        self._on_pass(number)

    def _end(self, outer: int, accumulates: bool) -> None:
        tape = self.identity.tape
        leaves = [(value, tensor) for value, reference in self._leaves.items() if (tensor := reference()) is not None]
        if accumulates:
            self._filled = list(self._leaves.values())
        self._leaves.clear()
        if accumulates:
            leaves += self._shards({id(tensor) for _, tensor in leaves})
            for value, tensor in leaves:
                total = tensor.grad
                if total is not None:
                    self.identity.known.add_gradient(total, value)
            if self._totals is not None:
                self._totals(leaves)
            else:
                tape.order.extend((TOTAL_GRADIENT, value, tensor.grad is None) for value, tensor in leaves)
        tape.order.append((PASS_END, self.current))
        tape.pass_times.append(self.mode.now())
        self.ended += 1
        self.current = outer
        self._on_pass(outer)

    def _shards(self, known: set[int]) -> list[tuple[int, Tensor]]:
        """The parameters to which FSDP gave a gradient as the pass ended: shards, which no hook of ours is on."""
        if not shards_parameters():
            return []
        shards = (p for p in self.identity.known.sharded_parameters() if p.grad is not None and id(p) not in known)
        return [(self.identity.read(shard), shard) for shard in shards]

    # ---- torch.autograd.grad is a call with results of its own

    def _read(
        self, t_outputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[int], list[Any]] | None:
        """Reads the arguments of a `torch.autograd.grad`. None where a graph edge stands in place of a tensor."""
        targets = kwargs.get("inputs", args[3] if len(args) > 3 else ())
        if not all(isinstance(t, Tensor) for t in (*t_outputs, *targets)):
            return None
        inputs: list[int] = []
        tensors: list[Tensor] = []
        outputs = template_of(list(t_outputs), self.identity, inputs, tensors)
        wanted = template_of(list(targets), self.identity, inputs, tensors)
        seeds = [t if isinstance(t, Tensor) and self.identity.lookup(t) is not None else None for t in args[0]]
        return inputs, [outputs, wanted, template_of(seeds, self.identity, inputs, tensors)]

    def _grad_node(
        self, read: tuple[list[int], list[Any]], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        inputs, (outputs, wanted, seeds) = read
        mode, tape = self.mode, self.identity.tape
        retain, create = args[1], args[2]
        unused = kwargs.get("allow_unreachable", args[4] if len(args) > 4 else False)
        first = len(tape.values)
        self.identity.bind_all(result)
        code, lasti = user_frame()
        keywords = {"retain_graph": bool(retain), "create_graph": bool(create), "allow_unused": bool(unused)}
        tape.ops.append(
            (
                torch.autograd.grad, mode.state, code, lasti, BACKWARD, mode.group, tuple(inputs), first,
                len(tape.values) - first, PLAIN, (outputs, wanted, seeds), keywords,
            )
        )  # fmt: skip
        tape.times.append(mode.now())
        tape.order.append(CALL)


def _any_wrapped(tensors: Any) -> bool:
    """Whether a tensor is the wrapper of a `torch.func` transform, which may be over: `vjp` gives back a function."""
    return any(isinstance(t, Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(t) for t in tensors)
