"""A name in a run file reaches operators of torch, and nothing that reads a file or runs code."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - its usual name

from graphviz_nn.graph.operators import find_operator
from graphviz_nn.recording.classify import qualified_name

OPERATORS = {
    "torch.nn.functional.conv2d": F.conv2d,
    "torch.Tensor.add_": torch.Tensor.add_,
    "torch.Tensor.T.__get__": torch.Tensor.T.__get__,
    "torch.Tensor.data.__set__": torch.Tensor.data.__set__,
    "torch.Tensor.new_zeros": torch.Tensor.new_zeros,
    "torch.Tensor.__getitem__": torch.Tensor.__getitem__,
    "torch.zeros": torch.zeros,
    "torch.sigmoid_": torch.sigmoid_,
    "torch.nn.functional.relu_": F.relu_,
    "torch._foreach_mul_": torch._foreach_mul_,
    "torch.linalg.svd": torch.linalg.svd,
    "torch.autograd.grad": torch.autograd.grad,
    "torch.nn.init.normal_": torch.nn.init.normal_,
    "torch.ops.aten.add": torch.ops.aten.add,
    "torch.ops.aten.add.Tensor": torch.ops.aten.add.Tensor,
}

REFUSED = (
    "torch.load", "torch.save", "torch.from_file", "torch.hub.load", "torch.os.system", "torch.jit.load", "torch.sys",
    "torch.compile", "torch.import_ir_module", "torch.serialization.load", "torch.utils.cpp_extension.load",
    "torch.package.PackageImporter", "torch.ops.load_library", "torch.ops.aten.save", "torch.ops.aten.from_file",
    "torch.ops.image.read_file", "torch.ops.aten.__class__", "torch.Tensor.__class__", "torch.Tensor.__init_subclass__",
    "torch.nn.functional.warnings", "torch.nn.functional.importlib", "torch.nn.init.warnings", "torch._C",
    "torch._VariableFunctions.__class__", "torch.__import__", "os.system", "builtins.eval", "subprocess.run",
    "mine.layers.f", "", "torch", ".", "torch.", "torch.Tensor", "torch.Tensor.", "torch.nn.Module.__call__",
)  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_found(name: str):
    found = find_operator(name)
    assert found is not None
    assert found == OPERATORS[name]


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_is(name: str):
    assert find_operator(name) is None


def test_what_the_recorder_names_is_found():
    functions = [
        F.conv2d,
        torch.einsum,
        F.max_pool2d,
        torch.lstm,
        F.gelu,
        F.silu,
        torch.Tensor.__rsub__,
        torch.fft.fft,
        F.glu,
    ]
    assert [find_operator(qualified_name(function)) for function in functions] == functions
