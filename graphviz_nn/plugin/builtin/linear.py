"""Linear layers, matrix products, and linear algebra."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.contraction import einsum
from graphviz_nn.plugin.builtin.names import torch_nn, words
from graphviz_nn.plugin.builtin.reading import attribute, shape


def _linear_label(of: LayerCall | Module) -> str | None:
    if isinstance(of, Module):
        inputs, outputs = attribute(of, "in_features"), attribute(of, "out_features")
        return f"Linear {inputs} → {outputs}" if inputs and outputs else None
    weight = shape(of, 1, "weight")
    if weight is None:
        return None
    return f"Linear {weight[1]} → {weight[0]}" if len(weight) == 2 else f"Linear {weight[-1]} → 1"


def _bilinear_label(of: LayerCall | Module) -> str | None:
    if isinstance(of, Module):
        sizes = [attribute(of, name) for name in ("in1_features", "in2_features", "out_features")]
    else:
        weight = shape(of, 2, "weight")
        sizes = [weight[1], weight[2], weight[0]] if weight is not None and len(weight) == 3 else [None]
    return None if None in sizes else f"Bilinear {sizes[0]}, {sizes[1]} → {sizes[2]}"


def _transposed_linear_label(of: LayerCall | Module) -> str | None:
    inputs, outputs = attribute(of, "nx"), attribute(of, "nf")
    return f"Linear {inputs} → {outputs}" if inputs and outputs else None


def _einsum_label(of: LayerCall | Module) -> str | None:
    equation = attribute(of, "equation", position=0)
    return f"einsum {equation.replace(' ', '').replace('->', ' → ')}" if isinstance(equation, str) else None


_LINEAR_ALGEBRA: Final = words(
    "cholesky cholesky_inverse cholesky_solve cross det geqrf inverse lobpcg logdet lu lu_solve lu_unpack matrix_exp "
    "matrix_power orgqr ormqr pca_lowrank pinverse qr slogdet svd svd_lowrank trace triangular_solve vander kron "
    "outer ger addr linalg_cholesky linalg_cholesky_ex linalg_cond linalg_cross linalg_det linalg_diagonal linalg_eig "
    "linalg_eigh linalg_eigvals linalg_eigvalsh linalg_householder_product linalg_inv linalg_inv_ex linalg_ldl_factor "
    "linalg_ldl_factor_ex linalg_ldl_solve linalg_lstsq linalg_lu linalg_lu_factor linalg_lu_factor_ex "
    "linalg_lu_solve linalg_matrix_exp linalg_matrix_power linalg_matrix_rank linalg_pinv linalg_qr linalg_slogdet "
    "linalg_solve linalg_solve_ex linalg_solve_triangular linalg_svd linalg_svdvals linalg_tensorinv "
    "linalg_tensorsolve linalg_vander linalg_vecdot"
)
_SPARSE_PRODUCTS: Final = words("smm spmm dsmm hsmm hspmm sspaddmm saddmm sparse_mm sparse_addmm sparse_sampled_addmm")


def _matrix_products() -> tuple[LayerType, ...]:
    linear = Category.LINEAR
    return (
        LayerType("Matrix product", linear, functions=("matmul", "rmatmul", "linalg_matmul"), flops=flops.matmul),
        LayerType("mm", linear, functions=("mm", "bmm", "mv", "dot", "vdot"), flops=flops.matrix_product),
        LayerType("addmm", linear, functions=("addmm", "addmv", "baddbmm", "addbmm"), flops=flops.added_product),
        LayerType("Scaled product", linear, functions=("scaled_mm",), flops=flops.matrix_product),
        LayerType(
            "Grouped product", linear, functions=("grouped_mm", "scaled_grouped_mm"), flops=flops.grouped_product
        ),
        LayerType("Contraction", linear, functions=("tensordot", "inner"), flops=flops.contraction),
        LayerType("einsum", linear, functions=("einsum",), label=_einsum_label, flops=einsum),
        LayerType("Chain of products", linear, functions=("chain_matmul", "linalg_multi_dot"), flops=flops.chain),
        LayerType("Covariance", linear, functions=("cov", "corrcoef"), flops=flops.covariance),
        LayerType("Sparse product", linear, functions=_SPARSE_PRODUCTS),
    )


TYPES: Final = (
    LayerType("Linear", Category.LINEAR, torch_nn("linear", "Linear"), ("linear",), _linear_label, flops.linear),
    LayerType(
        "Bilinear", Category.LINEAR, torch_nn("linear", "Bilinear"), ("bilinear",), _bilinear_label, flops.bilinear
    ),
    LayerType(
        "Transposed linear",
        Category.LINEAR,
        ("transformers.pytorch_utils.Conv1D",),
        label=_transposed_linear_label,
    ),
    *_matrix_products(),
    LayerType(
        "Linear algebra",
        Category.LINEAR,
        functions=_LINEAR_ALGEBRA,
    ),
)
