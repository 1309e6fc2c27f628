"""What surrounds a recorded call besides its arguments: autocast, the grad mode, the state of the generator."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from graphviz_nn.model.generators import generator_states, set_generator_states
from graphviz_nn.model.nodes import Node

if TYPE_CHECKING:
    from torch import Tensor

_DEFAULT_DTYPES: Final = ("float32", "float64", "bfloat16", "float16")


class Autocast:
    """Enters and leaves autocast as the recorded calls had it.

    The context stays open between calls that had the same, because its cache of casted weights lives as long: the
    gradient of a weight that is used twice is added up before the cast or after it.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._now: dict[str, Any] | None = None

    def set(self, wanted: dict[str, Any] | None) -> None:
        """Makes the recorded setting the current one: `device`, `dtype` and `cache`, or None where it was off."""
        if wanted == self._now:
            return
        self.close()
        if wanted is not None:
            import torch

            dtype = getattr(torch, wanted["dtype"])
            self._stack.enter_context(torch.autocast(wanted["device"], dtype, cache_enabled=wanted["cache"]))
        self._now = wanted

    def close(self) -> None:
        """Leaves autocast."""
        self._stack.close()
        self._now = None


@contextmanager
def undisturbed() -> Iterator[None]:
    """Leaves the random state of the program as it was, and says no warning a second time.

    Inference mode is off inside: its tensors do not count their versions.
    """
    import torch

    states = generator_states()
    try:
        with warnings.catch_warnings(), torch.inference_mode(False):
            warnings.simplefilter("ignore")
            yield
    finally:
        set_generator_states(states)


@contextmanager
def default_dtype_of(node: Node, tensors: Sequence[Tensor]) -> Iterator[None]:
    """Sets the default dtype that the call had, where its result tells it.

    That is where nothing floating went in and something came out: `torch.ones(3)`, an integer tensor divided by 2.
    """
    import torch

    made = node.outputs[0].dtype
    if made not in _DEFAULT_DTYPES or any(t.is_floating_point() or t.is_complex() for t in tensors):
        yield
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, made))
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def needs_grad_mode(node: Node, tensors: Sequence[Tensor]) -> bool:
    """Whether the recorded call ran with the grad mode on, as far as it matters.

    It was off where a tensor that requires a gradient was read and none came out, and where a leaf or a view of one was
    written in place, which is forbidden otherwise. Where nothing requires a gradient it makes no difference but to
    views, which may be written in place later only if they were made with it on.
    """
    if not any(tensor.requires_grad for tensor in tensors):
        return True
    if any(output.requires_grad for output in node.outputs if not output.version):
        return True
    written = any(output.requires_grad for output in node.outputs if output.version == "mutated")
    owner = tensors[0] if tensors[0]._base is None else tensors[0]._base
    return written and not (owner.requires_grad and owner.is_leaf)
