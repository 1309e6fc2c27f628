"""The states of PyTorch's own random generators: the CPU's, then that of each CUDA or XPU device in use.

Their numbers, 0 for the CPU and k + 1 for device k, are those of kept tensors of the kind "random_state".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def generator_states() -> dict[int, Tensor]:
    """Returns the state of each generator by its number, as a uint8 tensor on the CPU. Waits for no device."""
    return {number: generator.get_state() for number, generator in enumerate(_generators())}


def set_generator_states(states: Mapping[int, Tensor]) -> None:
    """Puts generators into the given states; those of devices that this machine does not have are left out."""
    generators = _generators(start=any(states))
    for number, state in states.items():
        if number < len(generators):
            generators[number].set_state(state)


def _generators(*, start: bool = False) -> list[Any]:
    """The generators by number. Devices that the program has not used have none yet, unless they are to be started."""
    import torch

    found: list[Any] = [torch.default_generator]
    for module in (torch.cuda, torch.xpu):
        if start and module.is_available():
            module.init()
        # A graph that is being captured has states of its own that must not be read.
        if module.is_initialized() and not _is_capturing(module):
            found.extend(module.default_generators)
    return found


def _is_capturing(module: Any) -> bool:
    check = getattr(module, "is_current_stream_capturing", None)
    return check is not None and bool(check())
