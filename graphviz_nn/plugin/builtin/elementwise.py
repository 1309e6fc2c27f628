"""Arithmetic, elementary functions, comparisons, reductions, sorting: everything that works on numbers one by one."""

from __future__ import annotations

from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin.names import words
from graphviz_nn.plugin.builtin.reading import attribute, integers, is_number
from graphviz_nn.plugin.builtin.wording import number, numbers

_SYMBOLS: Final = {
    "add": "+ {}",
    "sub": "− {}",
    "mul": "× {}",
    "div": "÷ {}",
    "floordiv": "// {}",
    "floor_divide": "// {}",
    "mod": "mod {}",
    "remainder": "mod {}",
    "fmod": "fmod {}",
    "rsub": "{} − x",
    "rdiv": "{} ÷ x",
    "rfloordiv": "{} // x",
    "rmod": "{} mod x",
    "rpow": "{} ^ x",
    "lt": "< {}",
    "le": "≤ {}",
    "gt": "> {}",
    "ge": "≥ {}",
    "eq": "= {}",
    "ne": "≠ {}",
}
_EXPONENTS: Final = {2: "x²", 3: "x³", 0.5: "√x", -1: "1 ÷ x", -0.5: "1 ÷ √x"}


def _number_label(of: LayerCall | Module) -> str | None:
    """ "× 0.125", "1 − x" where one side is a plain number."""
    if isinstance(of, Module):
        return None
    form, other = _SYMBOLS.get(of.node.op.strip("_")), attribute(of, "other", position=1)
    return form.format(number(other)) if form and is_number(other) else None


def _power_label(of: LayerCall | Module) -> str | None:
    exponent = attribute(of, "exponent", "other", position=1)
    if not is_number(exponent):
        return None
    return _EXPONENTS.get(exponent) or f"x ^ {number(exponent)}"


def _clamp_label(of: LayerCall | Module) -> str | None:
    low, high = attribute(of, "min", position=1), attribute(of, "max", position=2)
    if is_number(low) and is_number(high):
        return f"clamp {number(low)} … {number(high)}"
    if is_number(low):
        return f"clamp ≥ {number(low)}"
    return f"clamp ≤ {number(high)}" if is_number(high) else None


def _fill_label(of: LayerCall | Module) -> str | None:
    """ "masked_fill −∞"."""
    value = attribute(of, "value", position=2)
    return f"{of.node.op.strip('_')} {number(value)}" if isinstance(of, LayerCall) and is_number(value) else None


def _dimension_label(of: LayerCall | Module) -> str | None:
    """ "mean dim 1", "argmax dim −1"."""
    dimensions = integers(attribute(of, "dim", "axis", position=1))
    return f"{of.node.op} dim {numbers(dimensions)}" if isinstance(of, LayerCall) and dimensions else None


def _topk_label(of: LayerCall | Module) -> str | None:
    count = attribute(of, "k", position=1)
    return f"{of.node.op} {count}" if isinstance(of, LayerCall) and isinstance(count, int) else None


_ARITHMETIC: Final = words(
    "add sub mul div floordiv floor_divide mod remainder fmod rsub rdiv rfloordiv rmod rpow multiply "
    "subtract divide true_divide neg negative positive abs absolute maximum minimum fmax fmin lerp addcmul "
    "addcdiv xlogy copysign hypot gcd lcm ldexp nextafter heaviside float_power reciprocal square sqrt rsqrt"
)
_COMPARISONS: Final = words(
    "eq ne lt le gt ge equal not_equal less less_equal greater greater_equal isclose allclose isnan isinf isfinite "
    "isposinf isneginf isreal isin logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
    "bitwise_not bitwise_left_shift bitwise_right_shift lshift rshift rlshift rrshift sign sgn signbit contains"
)
_FUNCTIONS: Final = words(
    "exp exp2 expm1 log log2 log10 log1p logit logaddexp logaddexp2 sin cos tan asin acos atan arcsin arccos arctan "
    "atan2 arctan2 sinh cosh asinh acosh atanh arcsinh arccosh arctanh sinc erf erfc erfinv lgamma digamma polygamma "
    "mvlgamma igamma igammac i0 angle polar complex conj conj_physical real imag frac floor ceil round trunc fix "
    "frexp deg2rad rad2deg nan_to_num resolve_conj resolve_neg view_as_real view_as_complex"
)
_SPECIAL: Final = words(
    "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 chebyshev_polynomial_t chebyshev_polynomial_u "
    "chebyshev_polynomial_v chebyshev_polynomial_w digamma entr erf erfc erfcx erfinv exp2 expm1 gammainc gammaincc "
    "gammaln hermite_polynomial_h hermite_polynomial_he i0 i0e i1 i1e laguerre_polynomial_l legendre_polynomial_p "
    "log1p log_ndtr logit logsumexp modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 "
    "multigammaln ndtr ndtri polygamma psi round scaled_modified_bessel_k0 scaled_modified_bessel_k1 "
    "shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v "
    "shifted_chebyshev_polynomial_w sinc spherical_bessel_j0 xlog1py xlogy zeta"
)
_REDUCTIONS: Final = words(
    "sum mean prod std var std_mean var_mean max min amax amin aminmax argmax argmin all any norm logsumexp median "
    "nanmean nanmedian nansum mode quantile nanquantile kthvalue count_nonzero cumsum cumprod cummax cummin "
    "logcumsumexp diff gradient trapezoid trapz cumulative_trapezoid linalg_norm linalg_vector_norm "
    "linalg_matrix_norm frobenius_norm nuclear_norm native_norm hash_tensor"
)
_SORTING: Final = words(
    "sort argsort msort unique unique_consecutive bincount histc histogram histogramdd searchsorted bucketize "
    "combinations"
)

TYPES: Final = (
    LayerType("Arithmetic", Category.ELEMENTWISE, functions=_ARITHMETIC, label=_number_label),
    LayerType("Power", Category.ELEMENTWISE, functions=("pow",), label=_power_label),
    LayerType("Clamp", Category.ELEMENTWISE, functions=("clamp", "clip"), label=_clamp_label),
    LayerType("Clamp at one end", Category.ELEMENTWISE, functions=("clamp_min", "clamp_max")),
    LayerType("Comparison", Category.ELEMENTWISE, functions=_COMPARISONS, label=_number_label),
    LayerType("Function", Category.ELEMENTWISE, functions=_FUNCTIONS),
    LayerType("Special function", Category.ELEMENTWISE, functions=tuple(f"special_{name}" for name in _SPECIAL)),
    LayerType("Reduction", Category.ELEMENTWISE, functions=_REDUCTIONS, label=_dimension_label),
    LayerType("Sorting", Category.ELEMENTWISE, functions=_SORTING, label=_dimension_label),
    LayerType("Top k", Category.ELEMENTWISE, functions=("topk",), label=_topk_label),
    LayerType("Choice", Category.ELEMENTWISE, functions=("where", "map", "map2", "apply")),
    LayerType("Masked fill", Category.ELEMENTWISE, functions=("masked_fill",), label=_fill_label),
)
