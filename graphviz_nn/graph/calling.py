"""One recorded call, made again: what it returned and what it wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from graphviz_nn.graph.environment import default_dtype_of, needs_grad_mode
from graphviz_nn.graph.restore import restore_call
from graphviz_nn.graph.schedule import Task
from graphviz_nn.model.nodes import Node

if TYPE_CHECKING:
    from torch import Tensor

_SILENTLY_WRITTEN: Final = ("running_mean", "running_var")
"""Arguments that normalisations write without counting a new version of the tensor."""


class Made(NamedTuple):
    """What a call made: the tensors in its result that it was not given, and those of its arguments that it wrote."""

    new: list[Tensor]
    written: list[Tensor]


def call_again(task: Task, tensors: Sequence[Tensor]) -> Made:
    """Calls the task's function with its recorded arguments, `tensors` in their slots. Its errors pass through."""
    import torch

    node, function = task.node, task.function
    assert function is not None
    versions = [tensor._version for tensor in tensors]
    args, kwargs = restore_call(node.arguments, tensors)
    grad_mode = node.op == "grad" or needs_grad_mode(node, tensors)
    with torch.set_grad_enabled(grad_mode), default_dtype_of(node, tensors):
        result = function(*args, **kwargs)
    return Made(list(_new_tensors(result, tensors)), _written(task, tensors, versions))


def may_be_written(node: Node, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Returns the arguments whose memory the call may write: those shaped like one of the values that it overwrote."""
    shapes = {output.shape for output in node.outputs if output.version == "mutated"}
    found = [tensor for tensor in tensors if tensor.is_nested or tuple(tensor.shape) in shapes]
    return found if found or not shapes else list(tensors)


def _new_tensors(result: Any, given: Sequence[Tensor]) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order, but for those that the call was given."""
    import torch

    if isinstance(result, torch.Tensor):
        if not _contains(given, result):
            yield result
    elif isinstance(result, (tuple, list)):
        for item in result:
            yield from _new_tensors(item, given)
    elif isinstance(result, dict):
        for item in result.values():
            yield from _new_tensors(item, given)


def _written(task: Task, tensors: Sequence[Tensor], versions: Sequence[int]) -> list[Tensor]:
    """As many arguments as the recorded call wrote, those first of which it is known."""
    count = sum(output.version == "mutated" for output in task.node.outputs)
    if not count:
        return []
    counted = [tensor for tensor, version in zip(tensors, versions, strict=True) if tensor._version != version]
    silent = [
        tensor
        for edge, tensor in zip(task.reads, tensors, strict=True)
        if edge.argument in _SILENTLY_WRITTEN and not _contains(counted, tensor)
    ]
    # Assigning to `.data` counts no version either.
    rest = [tensor for tensor in tensors if not _contains(counted, tensor) and not _contains(silent, tensor)]
    return [*counted, *silent, *rest][:count]


def _contains(tensors: Sequence[Tensor], tensor: Tensor) -> bool:
    return any(other is tensor for other in tensors)
