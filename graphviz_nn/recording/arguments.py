"""Argument templates: a call's arguments with a slot where each tensor was, safe to keep and to compare."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from graphviz_nn.model import literals
from graphviz_nn.recording.tape import SLOT, Slot

if TYPE_CHECKING:
    from graphviz_nn.recording.identity import Identity

SIMPLE: Final = frozenset(
    {
        int, float, bool, str, type(None), complex, torch.dtype, torch.device, torch.layout, torch.memory_format,
        type(Ellipsis), torch.Size,
    }
)  # fmt: skip
"""Types whose instances are kept as they are."""


class Unknown:
    """An argument that can be shown but not written down. Equal to another of the same text."""

    __slots__ = ("text",)

    def __init__(self, value: Any) -> None:
        try:
            self.text = re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:200]
        except Exception as error:  # a user's __repr__ may do anything
            self.text = f"<{type(value).__name__}: {type(error).__name__} in repr>"

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def template_of(x: Any, identity: Identity, inputs: list[int], tensors: list[Tensor]) -> Any:
    """Returns the template of one argument; its tensors are read and added to `inputs` and `tensors` in order."""
    form = type(x)
    if form in SIMPLE:
        return x
    if isinstance(x, Tensor):
        if isinstance(x, UninitializedTensorMixin):  # of a lazy module: it has no shape yet
            return Unknown(type(x).__name__)
        inputs.append(identity.read(x))
        tensors.append(x)
        return SLOT
    if isinstance(x, (list, tuple)):
        items = [template_of(item, identity, inputs, tensors) for item in x]
        return items if isinstance(x, list) else tuple(items)
    if isinstance(x, dict):
        return {str(key): template_of(item, identity, inputs, tensors) for key, item in x.items()}
    if form is slice:
        return slice(*(template_of(part, identity, inputs, tensors) for part in (x.start, x.stop, x.step)))
    if isinstance(x, enum.IntEnum):
        return int(x)
    return Unknown(x)


def write_down(template: Any, counter: list[int]) -> Any:
    """Turns a template into the literal of `graphviz_nn.model.literals`; `counter[0]` numbers the slots."""
    if isinstance(template, Slot):
        counter[0] += 1
        return {literals.TENSOR: counter[0] - 1}
    if template is None or isinstance(template, (bool, float)):
        return template
    if isinstance(template, str):
        return literals.clean(template)
    if isinstance(template, int):
        return template if literals.fits(template) else {literals.UNKNOWN: str(template)}
    if isinstance(template, torch.Size):
        return {literals.SIZE: [int(n) for n in template]}
    if isinstance(template, tuple):
        return {literals.TUPLE: [write_down(item, counter) for item in template]}
    if isinstance(template, list):
        return [write_down(item, counter) for item in template]
    if isinstance(template, dict):
        return {literals.DICT: [[literals.clean(key), write_down(item, counter)] for key, item in template.items()]}
    if isinstance(template, slice):
        parts = (template.start, template.stop, template.step)
        return {literals.SLICE: [write_down(part, counter) for part in parts]}
    return _write_down_torch(template)


def _write_down_torch(template: Any) -> Any:
    if isinstance(template, torch.dtype):
        return {literals.DTYPE: str(template).removeprefix("torch.")}
    if isinstance(template, torch.layout):
        return {literals.LAYOUT: str(template).removeprefix("torch.")}
    if isinstance(template, torch.memory_format):
        return {literals.MEMORY_FORMAT: str(template).removeprefix("torch.")}
    if isinstance(template, torch.device):
        return {literals.DEVICE: str(template)}
    if template is Ellipsis:
        return {literals.ELLIPSIS: True}
    if isinstance(template, complex):
        return {literals.COMPLEX: [template.real, template.imag]}
    return {literals.UNKNOWN: literals.clean(template.text if isinstance(template, Unknown) else repr(template)[:200])}
