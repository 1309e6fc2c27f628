"""Whose code is on the stack right now."""

from __future__ import annotations

import sys
from types import CodeType
from typing import Final

from torch import nn

from graphviz_nn.recording.sources import DISTRIBUTED, PROGRAM, is_user_code, owner_of
from graphviz_nn.recording.tape import INFRA

_MODULE_CALL: Final = frozenset({id(nn.Module._call_impl.__code__), id(nn.Module._wrapped_call_impl.__code__)})
_getframe = sys._getframe


def user_frame() -> tuple[CodeType | None, int]:
    """Returns the innermost frame of the user's program as a code object and an instruction offset."""
    frame = _getframe(1)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return frame.f_code, frame.f_lasti
        frame = frame.f_back  # type: ignore[assignment]
    return None, 0


def phase_here(phase: int) -> int:
    """Returns the phase of a call made right now: `INFRA` where code of `torch.distributed` makes it, else `phase`.

    That is code which the program has not called by name but which runs in hooks of modules and gradients and
    inside operators. A module that is called from there (a wrapped one, a stage of a pipeline) is the program's.
    """
    frame = _getframe(1)
    inside = False
    while frame is not None:
        code = frame.f_code
        owner = owner_of(code.co_filename)
        if owner == DISTRIBUTED:
            inside = True
        elif inside:
            return phase if owner == PROGRAM else INFRA
        elif owner == PROGRAM or id(code) in _MODULE_CALL:
            break
        frame = frame.f_back  # type: ignore[assignment]
    return phase
