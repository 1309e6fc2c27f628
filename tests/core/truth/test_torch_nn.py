"""Every class in `torch.nn` that can be built with small arguments is recorded, replayed, and equal."""

from __future__ import annotations

import inspect
import warnings

import pytest
import torch
from torch import Tensor, nn

from tests.support.checks import check_all
from tests.support.program import Program, Step
from tests.support.reference import tensors_in
from tests.support.torch_nn import ENTRIES, NOT_BUILT

CLASSES = sorted(
    name for name, kind in vars(nn).items() if inspect.isclass(kind) and issubclass(kind, nn.Module) and name[0] != "_"
)


def step_of(name: str) -> Step:
    """Returns a step that calls the module and goes backward from the mean square of everything that it gave back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some classes are old, or lazy, and say so
        module, inputs = ENTRIES[name]()
        if "Lazy" in name:
            module(*inputs)

    def step(*inputs: Tensor) -> Tensor:
        outputs = [t for t in tensors_in(module(*inputs)) if t.requires_grad]
        loss = torch.stack([output.square().mean() for output in outputs]).sum()
        loss.backward()
        return loss

    return Step(step, inputs, state=(module, inputs))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_module_is_recorded_replayed_and_equal(name: str):
    run = check_all(Program(name, lambda: step_of(name)))
    types = {module.type for module in run.structure().modules}
    assert name.removeprefix("Lazy") in {kind.removeprefix("Lazy") for kind in types}


def test_every_class_has_an_entry_or_a_reason():
    assert ENTRIES.keys() | NOT_BUILT.keys() == set(CLASSES)
    assert ENTRIES.keys() & NOT_BUILT.keys() == set()
