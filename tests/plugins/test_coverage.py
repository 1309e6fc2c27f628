"""The built-in layer types leave nothing common out, and name nothing that does not exist."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable

import pytest
import torch
from torch import nn
from torch.nn import functional, init
from torch.overrides import get_overridable_functions

from graphviz_nn.model.layer_types import Category
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import register_layer_types
from graphviz_nn.plugin.builtin.names import words
from graphviz_nn.recording.classify import SKIP, classify, operator_name
from graphviz_nn.recording.module_table import base_names
from tests.plugins.recorded_calls import BUILTIN

MODULES = sorted(
    {value for value in vars(nn).values() if inspect.isclass(value) and issubclass(value, nn.Module)} - {nn.Module},
    key=lambda kind: kind.__name__,
)

INTERNAL = words(
    "autocast backward batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_gather_stats "
    "batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats const_data_ptr is_distributed "
    "fbgemm_linear_fp16_weight fbgemm_linear_fp16_weight_fp32_activation fbgemm_linear_int8_weight "
    "fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight fbgemm_pack_gemm_matrix_fp16 "
    "fbgemm_pack_quantized_matrix miopen_convolution_add_relu miopen_convolution_relu "
    "miopen_convolution_transpose _sym_sqrt sym_float sym_int sym_ite sym_max sym_min sym_not sym_sum "
    "_clear_non_serializable_cached_data _dimI _dimV _nested_tensor_size _nested_tensor_storage_offsets "
    "_nested_tensor_strides"
)
"""Overridable functions that no program calls by name: backends, symbolic sizes, internals of nested tensors."""


@pytest.mark.parametrize("kind", MODULES, ids=lambda kind: kind.__name__)
def test_every_module_of_torch_nn(kind: type[nn.Module]) -> None:
    found = BUILTIN.for_module(Module("layer", kind.__name__, base_names(kind), {}, (), training=True))
    assert found is not None
    assert any(name in base_names(kind) for name in found.modules), "found by a pattern, not by its own class"


def test_a_module_of_its_own_has_no_layer_type() -> None:
    class Own(nn.Module):
        pass

    assert BUILTIN.for_module(Module("layer", "Own", base_names(Own), {}, (), training=True)) is None


@pytest.mark.filterwarnings("ignore")
def test_every_overridable_function() -> None:
    functions = [each for group in get_overridable_functions().values() for each in group]
    ops = {operator_name(function) for function in functions if classify(function) != SKIP}
    assert len(ops) > 900
    assert {op for op in ops if BUILTIN.for_op(op) is None} == set(INTERNAL)


@pytest.mark.parametrize("namespace", [functional, torch.linalg, torch.fft, torch.special])
def test_every_function_of_a_namespace(namespace: object) -> None:
    assert not {op for op in public_operators(namespace) if BUILTIN.for_op(op) is None}


def test_every_initialisation() -> None:
    in_place = [name for name in dir(init) if name.endswith("_") and not name.startswith("_")]
    assert len(in_place) > 8
    assert all(BUILTIN.for_op(name) is not None for name in in_place)


@pytest.mark.filterwarnings("ignore")
def test_every_operator_exists() -> None:
    """A name that torch does not know would be a misspelling that covers nothing."""
    homes = (torch, functional, torch.Tensor, torch._VF, torch._C._nn, nn.utils.rnn, init)
    known = {"input", "constant", "parameter", "buffer", "flex_attention"}
    for namespace in (torch.linalg, torch.fft, torch.special, torch.sparse, torch.Tensor):
        known |= {operator_name(getattr(namespace, name)).strip("_") for name in dir(namespace)}

    def exists(op: str) -> bool:
        return op in known or any(hasattr(home, form) for home in homes for form in (op, f"{op}_", f"_{op}", f"_{op}_"))

    assert not [op for kind in register_layer_types() for op in kind.functions if not exists(op)]


def test_every_class_exists() -> None:
    known = {name for kind in MODULES for name in base_names(kind)}
    named = [name for kind in register_layer_types() for name in kind.modules if name.startswith("torch.nn.")]
    assert not set(named) - known


def test_names_operators_and_classes_are_covered_once() -> None:
    kinds = register_layer_types()
    assert not repeated(kind.name for kind in kinds)
    assert not repeated(op for kind in kinds for op in kind.functions)
    assert not repeated(name for kind in kinds for name in kind.modules)


def test_every_category_is_used() -> None:
    assert {kind.category for kind in register_layer_types()} == set(Category)


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("transformers.models.llama.modeling_llama.LlamaRMSNorm", Category.NORMALISATION),
        ("transformers.models.t5.modeling_t5.T5LayerNorm", Category.NORMALISATION),
        ("transformers.models.llama.modeling_llama.LlamaRotaryEmbedding", Category.EMBEDDING),
        ("transformers.models.gpt2.modeling_gpt2.GPT2Attention", Category.ATTENTION),
        ("transformers.activations.NewGELUActivation", Category.ACTIVATION),
        ("transformers.pytorch_utils.Conv1D", Category.LINEAR),
        ("__main__.RMSNorm", Category.NORMALISATION),
        ("torchvision.ops.misc.FrozenBatchNorm2d", Category.NORMALISATION),
    ],
)
def test_layers_of_other_libraries(name: str, category: Category) -> None:
    bases = (name, "torch.nn.modules.module.Module")
    found = BUILTIN.for_module(Module("layer", name.rpartition(".")[2], bases, {}, (), training=True))
    assert found is not None
    assert found.category is category


def public_operators(namespace: object) -> set[str]:
    """Names of the functions on tensors that a namespace has, as the recorder writes them."""
    helpers = ("torch.overrides", "torch._jit_internal", "torch._C._functions", "typing")
    values = [getattr(namespace, name) for name in dir(namespace) if not name.startswith("_")]
    return {
        operator_name(value)
        for value in values
        if inspect.isroutine(value)
        and getattr(value, "__module__", None) not in helpers
        and "torch_function" not in value.__name__
        and value.__name__ != "assert_int_or_pair"
    }


def repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
