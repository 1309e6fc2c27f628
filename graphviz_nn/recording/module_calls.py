"""Calls of modules while a step is recorded: which module each operator belongs to, and where steps begin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from graphviz_nn.recording import tape as t
from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.identity import OUTSIDE
from graphviz_nn.recording.known import KnownTensors, named_tensors
from graphviz_nn.recording.modules import ModuleEntry, ModuleNames
from graphviz_nn.recording.patches import is_on
from graphviz_nn.recording.tape import MODULE_ENTER, MODULE_EXIT

_stack_length = torch._C._len_torch_function_stack
_stack_at = torch._C._get_function_stack_at


class ModuleCalls:
    """Notes each call of a module on the tape.

    Attributes:
        counts: how many times each module was called, by `id` of its entry.
    """

    def __init__(
        self,
        mode: CallRecorder,
        names: ModuleNames,
        known: KnownTensors,
        root_call: Callable[[nn.Module], Callable[..., Any] | None],
        past_optimizer: Callable[[], bool],
    ) -> None:
        self.counts: dict[int, int] = {}
        self._mode = mode
        self._names = names
        self._known = known
        self._root_call = root_call
        self._past_optimizer = past_optimizer
        self._thread = threading.get_ident()
        self._modules: list[nn.Module] = []

    def replacement(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what takes the place of `nn.Module.__call__`, whose original is given."""
        mode, tape, entry_of = self._mode, self._mode.tape, self._names.entries.get
        module_calls, order, counts = tape.module_calls, tape.order.append, self.counts

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            # Modules are called by the hundred: what is known of them is looked up without a call.
            if mode.closed or not ((_stack_length() and _stack_at(0) is mode) or is_on(mode) or self._is_over()):
                return original(module, *args, **kwargs)
            outer = mode.state
            entry = entry_of(id(module))
            if entry is not None and entry.module() is not module:
                entry = None
            if entry is None or outer is OUTSIDE:
                if outer is OUTSIDE and mode.phase == t.FORWARD:
                    successor = self._root_call(module)
                    if successor is not None:  # another step begins with this call
                        return successor(module, *args, **kwargs)
                try:
                    entry = self._enter_new(module, entry, outer, args, kwargs)
                except Exception as error:
                    mode.fail(error)
                    return original(module, *args, **kwargs)
            call = counts.get(id(entry), 0) + 1
            counts[id(entry)] = call
            index = len(module_calls)
            module_calls.append((entry, call, outer[2], mode.phase, module.training))
            order((MODULE_ENTER, index))
            mode.state = (entry, call, index)
            try:
                result = original(module, *args, **kwargs)
            finally:
                mode.state = outer
                order((MODULE_EXIT, index))
            if outer is OUTSIDE and mode.phase == t.FORWARD and entry.root.is_model:
                self._note_outputs(result)
            return result

        return __call__

    def _is_over(self) -> bool:
        """Whether the mode is off because an optimizer has stepped: the next call of a root begins another step."""
        if threading.get_ident() != self._thread:
            self._note_thread()
            return False
        return self._past_optimizer()

    def _note_thread(self) -> None:
        note = "A module was called in another thread: what it computed there is not recorded call by call."
        notes = self._mode.tape.notes
        if not notes or notes[-1] != note:
            notes.append(note)

    def _enter_new(
        self, module: nn.Module, entry: ModuleEntry | None, outer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> ModuleEntry:
        # A module that the program drops at once is still there when the step's record is made.
        self._modules.append(module)
        if entry is None:
            entry = self._names.add_root(module) if outer is OUTSIDE else self._names.add_inside(module, outer[0])
        if outer is OUTSIDE and self._mode.phase == t.FORWARD:
            self._known.add_arguments(module, args, kwargs)
        return entry

    def _note_outputs(self, result: Any) -> None:
        try:
            values = (self._mode.identity.lookup(tensor) for _, tensor in named_tensors(result, ""))
            self._mode.tape.outputs.extend(value for value in values if value is not None)
        except Exception as error:
            self._mode.fail(error)

    def release(self) -> None:
        """Lets go of the modules."""
        self._modules.clear()
