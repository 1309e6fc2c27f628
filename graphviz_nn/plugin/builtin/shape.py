"""Views, joins and splits, indexing, padding, copies and casts."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.literals import TUPLE, describe
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import torch_nn, words
from graphviz_nn.plugin.builtin.reading import attribute, integers, is_number, positional
from graphviz_nn.plugin.builtin.wording import number, numbers, phrase, size, unless_all

_LONGEST_INDEX: Final = 40


def _dimensions_label(of: LayerCall | Module) -> str | None:
    """ "transpose 1, 2", "permute 0, 2, 1, 3": the operator and every integer that it was given."""
    if isinstance(of, Module):
        return None
    found = [each for argument in positional(of) for each in integers(argument) or ()]
    if not found:
        found = [each for value in of.attributes.values() for each in integers(value) or ()]
    return f"{of.node.op} {numbers(found)}" if found else None


def _joined_label(of: LayerCall | Module) -> str | None:
    """ "cat dim 1"; dimension 0 where none was given."""
    if isinstance(of, Module):
        return None
    dimension = attribute(of, "dim", "axis", position=1)
    return f"{of.node.op} dim {number(dimension) if isinstance(dimension, int) else 0}"


def _dim_label(of: LayerCall | Module) -> str | None:
    """ "gather dim 1"."""
    dimension = attribute(of, "dim", position=1)
    return f"{of.node.op} dim {number(dimension)}" if isinstance(of, LayerCall) and is_number(dimension) else None


def _split_label(of: LayerCall | Module) -> str | None:
    """ "split 768, dim 2", "chunk 3, dim −1"."""
    if isinstance(of, Module):
        return None
    parts = integers(attribute(of, "split_size_or_sections", "split_size", "split_sizes", "chunks", position=1))
    dimension = attribute(of, "dim", position=2)
    name = of.node.op.removesuffix("_with_sizes")
    return phrase(f"{name} {numbers(parts)}", f"dim {number(dimension or 0)}") if parts else None


def _index_label(of: LayerCall | Module) -> str | None:
    """ "x[:, −1]"; a tensor among the indices is "·"."""
    if isinstance(of, Module) or not of.node.arguments or len(of.node.arguments[0]) < 2:
        return None
    index = of.node.arguments[0][1]
    parts = index[TUPLE] if isinstance(index, dict) and TUPLE in index else [index]
    text = ", ".join(map(_index_text, parts))
    return f"x[{text}]" if len(text) <= _LONGEST_INDEX else None


def _index_text(index: Any) -> str:
    if isinstance(index, dict):
        text = describe(index)
        return "·" if text is None else "…" if text == "..." else str(text).replace("-", "−")
    if isinstance(index, list):
        return f"[{', '.join(map(_index_text, index))}]"
    return number(index) if is_number(index) else str(index)


def _flatten_label(of: LayerCall | Module) -> str | None:
    first, last = attribute(of, "start_dim", position=1), attribute(of, "end_dim", position=2)
    if not isinstance(first, int):
        return "flatten" if isinstance(of, LayerCall) else None
    return f"Flatten from dim {number(first)}" + ("" if last in (None, -1) else f" to {number(last)}")


def _padding_label(of: LayerCall | Module, name: str) -> str | None:
    """ "Zero pad 1", "Reflection pad 1, 1, 2, 2": first and last side of the last dimension, and so on."""
    widths = integers(attribute(of, "padding", "pad", position=1))
    if widths is None:
        return None
    text = number(widths[0]) if len(set(widths)) == 1 else numbers(widths)
    mode = attribute(of, "mode", position=2) if isinstance(of, LayerCall) else None
    return phrase(f"{name} {text}", mode if mode != "constant" and isinstance(mode, str) else None)


def _unfold_label(of: LayerCall | Module) -> str | None:
    """ "Unfold 3×3, stride 2" for patches of an image, "unfold 2, 3, 1" for windows along one dimension."""
    kernel = size(attribute(of, "kernel_size"), 2)
    if kernel is None:
        return _dimensions_label(of)
    return phrase(f"Unfold {kernel}", unless_all(attribute(of, "stride"), 1, "stride"))


def _fold_label(of: LayerCall | Module) -> str | None:
    kernel = size(attribute(of, "kernel_size", position=2), 2)
    return phrase(f"Fold {kernel}", unless_all(attribute(of, "stride"), 1, "stride")) if kernel else None


def _factor_label(of: LayerCall | Module, name: str, key: str) -> str:
    factor = attribute(of, key, position=1)
    return f"{name} × {factor}" if isinstance(factor, int) else name


def _cast_label(of: LayerCall | Module) -> str | None:
    """ "to float16"."""
    if isinstance(of, Module):
        return None
    targets = [*positional(of), attribute(of, "dtype"), attribute(of, "device")]
    names = [str(target).removeprefix("torch.") for target in targets if isinstance(target, str)]
    return f"{of.node.op} {' '.join(dict.fromkeys(names))}" if names else None


def _groups_label(of: LayerCall | Module) -> str:
    groups = attribute(of, "groups", position=1)
    return f"ChannelShuffle {groups} groups" if isinstance(groups, int) else "ChannelShuffle"


def _pad_types() -> tuple[LayerType, ...]:
    names = ("Constant", "Zero", "Reflection", "Replication", "Circular")
    return tuple(
        LayerType(
            f"{name}Pad",
            Category.SHAPE,
            torch_nn("padding", *(f"{name}Pad{dimensions}d" for dimensions in (1, 2, 3))),
            label=partial(_padding_label, name=f"{name} pad"),
        )
        for name in names
    )


_VIEWS: Final = words("view reshape reshape_as unflatten ravel T mT H mH t adjoint as_strided diag_embed diag diagflat")
_ORDER: Final = words(
    "transpose permute swapaxes swapdims moveaxis movedim repeat tile repeat_interleave roll flip fliplr flipud rot90 "
    "select narrow narrow_copy diagonal tril triu broadcast_to"
)
_JOINS: Final = words("cat concat concatenate stack")
_JOINS_WITHOUT_DIMENSION: Final = words(
    "hstack vstack dstack column_stack row_stack block_diag meshgrid cartesian_prod atleast_1d atleast_2d atleast_3d "
    "broadcast_tensors"
)
_SPLITS: Final = words(
    "split split_with_sizes chunk tensor_split unsafe_split unsafe_split_with_sizes unsafe_chunk hsplit vsplit dsplit"
)
_GATHERS: Final = words(
    "gather scatter scatter_add scatter_reduce index_select index_add index_copy index_fill index_reduce "
    "take_along_dim unbind"
)
_INDEXING: Final = words(
    "index index_put take put masked_select masked_scatter nonzero nonzero_static argwhere select_scatter "
    "slice_scatter diagonal_scatter as_strided_scatter slice_inverse unravel_index fill_diagonal setitem iter "
    "reversed"
)
_BOOKKEEPING: Final = words(
    "unsqueeze squeeze expand expand_as view_as sum_to_size contiguous clone detach requires_grad numpy item tolist "
    "data pin_memory share_memory set resize resize_as resize_as_sparse sparse_resize sparse_resize_and_clear array "
    "array_wrap dlpack module_load record_stream is_nonzero"
)
_CASTS: Final = words(
    "to type type_as float double half bfloat16 long int short byte char bool cfloat cdouble chalf cpu cuda xpu ipu "
    "mtia autocast_to_full_precision autocast_to_reduced_precision"
)
_SPARSE: Final = words(
    "to_dense to_sparse to_sparse_csr to_sparse_csc to_sparse_coo to_mkldnn coalesce coalesced indices values "
    "crow_indices col_indices ccol_indices row_indices sparse_mask sparse_mask_projection"
)
_COPY: Final = words("copy fill zero")
_VIEW_COPIES: Final = words(
    "alias_copy as_strided_copy ccol_indices_copy col_indices_copy crow_indices_copy detach_copy diagonal_copy "
    "expand_copy indices_copy permute_copy row_indices_copy select_copy slice_copy split_copy split_with_sizes_copy "
    "squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsqueeze_copy values_copy view_as_complex_copy "
    "view_as_real_copy view_copy"
)


def _type(name: str, functions: tuple[str, ...], **options: Any) -> LayerType:
    return LayerType(name, Category.SHAPE, functions=functions, **options)


TYPES: Final = (
    LayerType("Flatten", Category.SHAPE, torch_nn("flatten", "Flatten"), ("flatten",), _flatten_label),
    LayerType("Unflatten", Category.SHAPE, torch_nn("flatten", "Unflatten")),
    _type("View", _VIEWS),
    _type("Reordering", _ORDER, label=_dimensions_label),
    _type("Join", _JOINS, label=_joined_label),
    _type("Join of all", _JOINS_WITHOUT_DIMENSION),
    _type("Split", _SPLITS, label=_split_label),
    _type("Gather", _GATHERS, label=_dim_label),
    _type("Item", ("getitem",), label=_index_label),
    _type("Indexing", _INDEXING),
    _type("Copy into", _COPY),
    _type("Copy of a view", _VIEW_COPIES),
    _type("Sparse form", _SPARSE),
    _type("Bookkeeping", _BOOKKEEPING, bookkeeping=True),
    _type("Cast", _CASTS, label=_cast_label, bookkeeping=True),
    _type("Pad", ("pad", "constant_pad_nd"), label=partial(_padding_label, name="pad")),
    *_pad_types(),
    LayerType("Unfold", Category.SHAPE, torch_nn("fold", "Unfold"), ("unfold",), _unfold_label),
    LayerType("Fold", Category.SHAPE, torch_nn("fold", "Fold"), ("fold",), _fold_label),
    LayerType(
        "PixelShuffle",
        Category.SHAPE,
        torch_nn("pixelshuffle", "PixelShuffle"),
        ("pixel_shuffle",),
        partial(_factor_label, name="PixelShuffle", key="upscale_factor"),
    ),
    LayerType(
        "PixelUnshuffle",
        Category.SHAPE,
        torch_nn("pixelshuffle", "PixelUnshuffle"),
        ("pixel_unshuffle",),
        partial(_factor_label, name="PixelUnshuffle", key="downscale_factor"),
    ),
    LayerType(
        "ChannelShuffle",
        Category.SHAPE,
        torch_nn("channelshuffle", "ChannelShuffle"),
        ("channel_shuffle", "native_channel_shuffle"),
        _groups_label,
    ),
)
