"""Asks autograd itself for the gradient of every tensor that a program touches, in every backward pass.

`Reference` watches a plain run: for each call it keeps the autograd edges of the tensors that the call read and made.
Each time the program starts a backward pass, autograd is first asked, as `torch.autograd.grad` asks, for the gradients
at all edges known so far. No hook is involved, and an edge stays with the version of the tensor it was taken from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, Node, get_gradient_edge
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.checkpoint import CheckpointFunction

EdgeKey = tuple[Node, int]
SET_DATA: Final = Tensor.data.__set__


@dataclass(frozen=True)
class Read:
    """A tensor that a call read: its edge (None where it needs no gradient) and whether it is a leaf."""

    edge: EdgeKey | None
    is_leaf: bool


@dataclass(frozen=True)
class Call:
    """One call: its function's names, what it read, and the edges of what it made and wrote (None: no gradient).

    `number` is its place in the order in which calls began, `last_inside` that of the last call inside it.
    """

    name: str
    short_name: str
    number: int
    last_inside: int
    reads: tuple[Read, ...]
    makes: tuple[EdgeKey | None, ...]
    writes: tuple[EdgeKey | None, ...]
    raised: bool
    in_optimizer: bool


@dataclass(frozen=True)
class Pass:
    """One backward pass: the gradient at each edge known when it began, and whether it went only to given inputs."""

    gradients: Mapping[EdgeKey, Tensor | None]
    partial: bool


@dataclass
class Reference(TorchFunctionMode):
    """The watcher; use it through `watched`.

    A Python function of torch is followed into its body, so that `calls` holds it and the calls inside it.
    """

    calls: list[Call] = field(default_factory=list)
    passes: list[Pass] = field(default_factory=list)
    hooked: set[EdgeKey] = field(default_factory=set)
    edges: dict[EdgeKey, GradientEdge] = field(default_factory=dict)
    following: list[Any] = field(default_factory=list)
    asking: bool = False
    in_optimizer: int = 0
    begun: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.asking or torch._C._are_functorch_transforms_active():
            return func(*args, **kwargs)
        number, self.begun = self.begun, self.begun + 1
        tensors = list(tensors_in((args, kwargs)))
        reads = tuple(Read(self._edge(t), t.is_leaf) for t in tensors)
        versions = [None if t.is_inference() else t._version for t in tensors]
        result, raised = None, True
        try:
            result = self._run(func, args, kwargs)
            raised = False
        finally:
            known = {id(t) for t in tensors}
            makes = tuple(self._edge(t) for t in tensors_in(result) if id(t) not in known)
            writes = (self._edge(args[0]),) if func == SET_DATA else tuple(self._written(tensors, versions))
            short = getattr(func, "__name__", "")
            name = resolve_name(func) or _private_name(func, short)
            span = (number, self.begun - 1)
            self.calls.append(Call(name, short, *span, reads, makes, writes, raised, self.in_optimizer > 0))
        if func is Tensor.register_hook and reads[0].edge is not None:
            self.hooked.add(reads[0].edge)
        return result

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func in self.following or not asks_for_overrides(func):
            return func(*args, **kwargs)
        self.following.append(func)  # `Tensor.split` calls `super().split`, which comes back as `Tensor.split`
        try:
            with self:
                return body_of(func)(*args, **kwargs)
        finally:
            self.following.pop()

    def _written(self, tensors: list[Tensor], versions: list[int | None]) -> Iterator[EdgeKey | None]:
        for tensor, version in zip(tensors, versions, strict=True):
            if version is not None and tensor._version != version:
                yield self._edge(tensor)
                if tensor._is_view() and tensor._base is not None:
                    yield self._edge(tensor._base)

    def _edge(self, tensor: Tensor) -> EdgeKey | None:
        if not tensor.requires_grad or torch.is_inference_mode_enabled():
            return None
        try:
            edge = get_gradient_edge(tensor)
        except (AssertionError, RuntimeError):
            return None  # a view made under no_grad says that it requires a gradient, yet it has no edge
        key = (edge.node, edge.output_nr)
        self.edges.setdefault(key, edge)
        return key

    def run_backward(
        self, roots: Any, gradients: Any, retain: bool, create: bool, inputs: Any, *rest: Any, **more: Any
    ) -> Any:
        """Stands in for autograd's own entry: asks for every gradient first, then goes on as the program wished."""
        engine = torch.autograd.Variable._execution_engine
        if self.asking or torch._C._are_functorch_transforms_active():
            return engine.run_backward(roots, gradients, retain, create, inputs, *rest, **more)
        edges = dict(self.edges)
        self.asking = True
        try:
            quiet = {"allow_unreachable": True, "accumulate_grad": False}
            answers = engine.run_backward(roots, gradients, True, create, tuple(edges.values()), **quiet)
        finally:
            self.asking = False
        detached = [None if answer is None else answer.detach().clone() for answer in answers]
        self.passes.append(Pass(dict(zip(edges, detached, strict=True)), partial=bool(inputs)))
        return engine.run_backward(roots, gradients, retain, create, inputs, *rest, **more)

    def optimizer_begins(self, *_: Any) -> None:
        self.in_optimizer += 1

    def optimizer_ends(self, *_: Any) -> None:
        self.in_optimizer -= 1


@contextmanager
def watched(*, without_reentry: bool = False) -> Iterator[Reference]:
    """Watches the program that runs inside.

    Autograd cannot be asked about the inside of a reentrant checkpoint; `without_reentry` runs it as plain calls,
    which compute the same numbers.
    """
    reference = Reference()
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch.autograd, "_engine_run_backward", reference.run_backward))
        if without_reentry:
            plain = classmethod(lambda cls, function, preserve, *args: function(*args))
            stack.enter_context(patch.object(CheckpointFunction, "apply", plain))
        stack.enter_context(register_optimizer_step_pre_hook(reference.optimizer_begins))
        stack.enter_context(register_optimizer_step_post_hook(reference.optimizer_ends))
        stack.enter_context(reference)
        yield reference


def asks_for_overrides(function: Any) -> bool:
    """Whether it is a Python function that hands itself over to modes and subclasses before it does its work."""
    return isinstance(function, FunctionType) and any("has_torch_function" in n for n in function.__code__.co_names)


def body_of(function: FunctionType) -> FunctionType:
    """Returns the function without the check that would hand the call over to a mode again."""
    names = {"has_torch_function": _no, "has_torch_function_unary": _no, "has_torch_function_variadic": _no}
    body = FunctionType(
        function.__code__, function.__globals__ | names, function.__name__, function.__defaults__, function.__closure__
    )
    body.__kwdefaults__ = function.__kwdefaults__
    return body


def _no(*args: Any) -> bool:
    return False


def tensors_in(thing: Any) -> Iterator[Tensor]:
    """Yields the tensors in nested lists, tuples, dicts and slices, in order."""
    if isinstance(thing, Tensor):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            yield from tensors_in(item)
    elif isinstance(thing, dict):
        for item in thing.values():
            yield from tensors_in(item)
    elif isinstance(thing, slice):
        yield from tensors_in((thing.start, thing.stop, thing.step))


def _private_name(func: Any, short: str) -> str:
    """The name of an operator that torch calls itself and lists nowhere."""
    return f"torch.{short}" if short and getattr(torch._C._VariableFunctions, short, None) is func else ""
