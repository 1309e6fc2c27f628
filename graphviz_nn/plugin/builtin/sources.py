"""Values that no call made, and calls that make values out of nothing."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category, LayerType
from graphviz_nn.plugin.builtin.names import words

_FILLED: Final = words(
    "zeros ones full empty zeros_like ones_like full_like empty_like new_zeros new_ones new_full new_empty "
    "new_empty_strided empty_strided empty_permuted scalar_tensor"
)
_FACTORIES: Final = words(
    "eye arange range linspace logspace tensor as_tensor asarray from_numpy frombuffer new_tensor rand randn randint "
    "randperm rand_like randn_like randint_like tril_indices triu_indices sparse_coo_tensor sparse_csr_tensor "
    "sparse_compressed_tensor bartlett_window blackman_window hamming_window hann_window kaiser_window affine_grid "
    "affine_grid_generator fft_fftfreq fft_rfftfreq"
)

TYPES: Final = (
    LayerType("Input", Category.INPUT, functions=("input", "constant")),
    LayerType("Parameter", Category.PARAMETER, functions=("parameter", "buffer")),
    LayerType("New tensor", Category.INPUT, functions=_FACTORIES),
    # The zero states of recurrent layers and the like: they say nothing that the call reading them does not.
    LayerType("Filled tensor", Category.INPUT, functions=_FILLED, bookkeeping=True),
)
