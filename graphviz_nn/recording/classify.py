"""What the recorder does with each overridable function, decided once a function.

A function is skipped (it only looks at a tensor), recorded as it is (PURE), recorded with a look for mutation
(MUTATES), or needs special care. The user-level operator name comes from here too.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import resolve_name

SKIP: Final = 0
PURE: Final = 1
MUTATES: Final = 2
SILENT: Final = 3
"""Writes running statistics without counting a new version of them."""
COMPOSITE: Final = 4
"""A Python function of several operators, opened: its inside is recorded too."""
SETS_DATA: Final = 5
SETS_REQUIRES_GRAD: Final = 6
REENTER: Final = 7
"""Runs the user's program further (a backward pass): the mode stays on inside."""

# Properties whose getter makes a tensor that a program computes with; every other getter only looks.
_TENSOR_PROPERTIES: Final = frozenset({"T", "mT", "H", "mH", "real", "imag", "data"})

_LOOKING_METHODS: Final = [
    "dim",
    "size",
    "stride",
    "numel",
    "is_contiguous",
    "data_ptr",
    "storage_offset",
    "element_size",
    "is_floating_point",
    "is_complex",
    "nelement",
    "ndimension",
    "__len__",
    "is_shared",
    "is_pinned",
    "get_device",
    "is_inference",
    "is_same_size",
    "is_set_to",
    "has_names",
    "register_hook",
    "register_post_accumulate_grad_hook",
    "retain_grad",
    "untyped_storage",
    "storage",
    "type_as_name",
    "dense_dim",
    "sparse_dim",
    "__repr__",
    "__format__",
    "__hash__",
    "__deepcopy__",
    "__reduce_ex__",
    "__setstate__",
    "is_signed",
    "is_conj",
    "is_neg",
    "dim_order",
    "names",
    "storage_type",
    "_is_view",
    "_is_zerotensor",
    "_nnz",
    "is_coalesced",
    "unsafe_get_storage",
    "__dlpack_device__",
    "pin_memory_name",
    "_typed_storage",
    "_use_count",
    "share_memory_",
    "_has_compatible_shallow_copy_type",
]
_LOOKING_FUNCTIONS: Final = [
    "is_floating_point",
    "is_complex",
    "numel",
    "is_tensor",
    "is_storage",
    "is_same_size",
    "get_default_dtype",
    "result_type",
    "is_nonzero_",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "promote_types",
    "can_cast",
    "is_conj",
    "is_neg",
    "is_signed",
    "get_device",
    "is_inference",
    "_debug_has_internal_overlap",
    "typename",
    "is_distributed",
    "_is_functional_tensor",
    "_has_compatible_shallow_copy_type",
    "_is_zerotensor",
]

# Running statistics: function → (positions of the buffers, position and name of the flag that switches writing on).
RUNNING_STATISTICS: Final[dict[Any, tuple[tuple[int, ...], tuple[str, ...], int, str]]] = {
    torch.batch_norm: ((3, 4), ("running_mean", "running_var"), 5, "training"),
    torch.instance_norm: ((3, 4), ("running_mean", "running_var"), 5, "use_input_stats"),
    functional.batch_norm: ((1, 2), ("running_mean", "running_var"), 5, "training"),
    functional.instance_norm: ((1, 2), ("running_mean", "running_var"), 5, "use_input_stats"),
}
for _name, _flag in (("native_batch_norm", 5), ("cudnn_batch_norm", 5), ("miopen_batch_norm", 5)):
    _function = getattr(torch, _name, None)
    if _function is not None:
        RUNNING_STATISTICS[_function] = ((3, 4), ("running_mean", "running_var"), _flag, "training")

_MAY_MUTATE_BY_OPTION: Final = frozenset({"embedding", "embedding_bag"})
COMPOSITES: Final = frozenset({functional.multi_head_attention_forward})

_ALIASES: Final = {
    "truediv": "div",
    "invert": "bitwise_not",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "absolute": "abs",
    "cross_entropy_loss": "cross_entropy",
    "nll_loss_nd": "nll_loss",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}


def operator_name(function: Any) -> str:
    """Returns the name under which people know the function: `__radd__` → "add", `__iadd__` → "add_", `T` → "T".

    Reflected operators that do not commute keep their r: "rsub", "rdiv", "rpow".
    """
    name = str(getattr(function, "__name__", None) or type(function).__name__)
    if name in ("__get__", "__set__"):
        owner = getattr(function, "__self__", None)
        return str(getattr(owner, "__name__", name)) + ("_" if name == "__set__" else "")
    if isinstance(function, torch._ops.OpOverload):
        name = str(function.overloadpacket.__name__)
    if name.startswith("__") and name.endswith("__"):
        name = _plain_operator(name[2:-2])
    return _ALIASES.get(name, name)


def _plain_operator(name: str) -> str:
    """`iadd` → `add_`, `radd` → `add`, `rsub` → `rsub`, `getitem` as it is."""
    base = name[1:]
    if name.startswith("i") and hasattr(Tensor, f"__{base}__") and name not in ("index", "invert", "int", "iter"):
        return _ALIASES.get(base, base) + "_"
    if name.startswith("r") and hasattr(Tensor, f"__{base}__") and base in ("add", "mul", "and", "or", "xor"):
        return _ALIASES.get(base, base)
    if name == "rtruediv":
        return "rdiv"
    return name


def qualified_name(function: Any) -> str:
    """Returns an importable name ("torch.nn.functional.conv2d", "torch.Tensor.add_"), or "" where there is none."""
    if isinstance(function, torch._ops.OpOverload):
        return f"torch.ops.{function.namespace}.{function.overloadpacket.__name__}.{function._overloadname}"
    if isinstance(function, torch._ops.OpOverloadPacket):
        return f"torch.ops.{str(function._qualified_op_name).replace('::', '.')}"
    name = resolve_name(function)
    short = str(getattr(function, "__name__", ""))
    if name is None and short and getattr(torch._C._nn, short, None) is function:
        name = f"torch._C._nn.{short}"
    if name is None and short and getattr(torch._C._VariableFunctions, short, None) is function:
        name = f"torch.{short}"  # a private one, which torch itself calls
    return name or ""


def _skipped() -> frozenset[Any]:
    found: set[Any] = {torch._C._set_grad_enabled, Tensor.grad.__get__, Tensor.grad.__set__}  # type: ignore[union-attr]
    found.update(getattr(Tensor, name) for name in _LOOKING_METHODS if hasattr(Tensor, name))
    found.update(getattr(torch, name) for name in _LOOKING_FUNCTIONS if hasattr(torch, name))
    return frozenset(found)


_SKIPPED: Final = _skipped()


def classify(function: Any) -> int:
    """Returns the kind of care that a call of `function` needs, one of this module's constants."""
    if function in _SKIPPED:
        return SKIP
    if function in COMPOSITES:
        return COMPOSITE
    if function is Tensor.backward or function is torch.autograd.backward or function is torch.autograd.grad:
        return REENTER
    if function in RUNNING_STATISTICS:
        return SILENT
    name = getattr(function, "__name__", "")
    if name in ("__get__", "__set__"):
        return _classify_property(function, name)
    if name == "requires_grad_":
        return SETS_REQUIRES_GRAD
    return MUTATES if _may_mutate(function, name) else PURE


def _classify_property(function: Any, access: str) -> int:
    owner = getattr(getattr(function, "__self__", None), "__name__", "")
    if access == "__get__":
        return PURE if owner in _TENSOR_PROPERTIES else SKIP
    return {"data": SETS_DATA, "requires_grad": SETS_REQUIRES_GRAD, "real": MUTATES, "imag": MUTATES}.get(owner, SKIP)


def _may_mutate(function: Any, name: str) -> bool:
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return True
    if name.endswith("_") and not name.endswith("__"):
        return True
    if name == "__setitem__" or (name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")):
        return True
    if "foreach" in name or "batch_norm" in name or name in _MAY_MUTATE_BY_OPTION:
        return True
    code = getattr(function, "__code__", None)
    return code is not None and "inplace" in code.co_varnames
