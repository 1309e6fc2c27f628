"""Runs the Python body of an overridable function with the recorder still on.

Such a function begins with `if has_torch_function(...): return handle_torch_function(...)`. While a mode is active the
check is always true, so calling the function from its own handler would never reach its body. A copy whose globals
answer "no" does.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import Any


def _no(*args: Any) -> bool:
    del args
    return False


@cache
def without_override_check(function: Any) -> Any:
    """Returns the function with its own override check switched off; one that is not Python comes back as it is."""
    if not isinstance(function, FunctionType):
        return function
    overridden = {"has_torch_function": _no, "has_torch_function_unary": _no, "has_torch_function_variadic": _no}
    copy = FunctionType(
        function.__code__,
        {**function.__globals__, **overridden},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
