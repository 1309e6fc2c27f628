"""Where steps begin: calls of root modules, and checkpoints of whole models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final
from weakref import ref

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointFunction

from graphviz_nn.recording.module_entrance import ModuleCall, ModuleEntrance
from graphviz_nn.recording.patches import Patches
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.steps import Steps

_PASSES_BEFORE_AN_UPDATE: Final = 3
_MOST_CALLS: Final = 500_000
"""Calls after which a step is ended that no update ends: it would fill the memory."""


class Beginnings:
    """Watches what the program calls, and has a step begun or ended where the calls tell."""

    def __init__(self, steps: Steps, entrance: ModuleEntrance, model: nn.Module | None) -> None:
        self._steps = steps
        self._entrance = entrance
        self._model = None if model is None else ref(model)
        self._patches = Patches()
        self._inside = False
        steps.root_call = self._at_root_call

    def install(self) -> None:
        """Patches the two classes through which a program's modules and custom functions are called.

        Once for all steps: a write to a class makes Python forget what it knows about all its subclasses.
        """
        self._entrance.install()
        # Below `Function.apply`, so that `relu = MyReLU.apply`, bound at the head of a file, comes through here too.
        applied = vars(torch._C._FunctionBase)["apply"]
        self._patches.install(torch.autograd.function._SingleLevelFunction, "apply", self._applying(applied))
        self._patches.install(torch.jit, "trace", self._beginning_no_step(torch.jit.trace))
        name = "_checkpoint_without_reentrant_generator"
        generator = vars(torch.utils.checkpoint)[name]
        self._patches.install(torch.utils.checkpoint, name, self._beginning_at_checkpoint(name, generator))

    def remove(self) -> None:
        """Takes every patch out but that of modules."""
        self._patches.remove()

    def watch(self) -> None:
        """Waits for the next forward call of a root module."""
        self._entrance.handler = None if self._steps.dead else self._watcher

    def root_modules(self) -> Iterator[nn.Module]:
        """Yields the modules whose call may begin a step, as far as they have been seen."""
        for root in self._steps.names.roots:
            module = root.module()
            if root.is_model and module is not None:
                yield module

    # ---- what is put in the place of torch's own

    def _applying(self, original: Any) -> Any:
        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            if cls is CheckpointFunction:
                self._at_checkpoint()
            step = self._steps.open
            if step is None:
                return original.__get__(None, cls)(*args, **kwargs)
            return step.functions.apply(original.__get__(None, cls), cls, args, kwargs)

        return classmethod(apply)

    def _beginning_at_checkpoint(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what stands in the place of the function that runs a checkpoint without reentry."""

        def generator(*args: Any, **kwargs: Any) -> Any:
            if self._at_checkpoint():  # now a step's own replacement stands on top of this one
                return vars(torch.utils.checkpoint)[name](*args, **kwargs)
            return original(*args, **kwargs)

        return generator

    def _beginning_no_step(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the function, in which a call of a module does not begin a step."""

        def call(*args: Any, **kwargs: Any) -> Any:
            if self._steps.in_other_thread():
                return original(*args, **kwargs)
            outer, self._inside = self._inside, True
            try:
                return original(*args, **kwargs)
            finally:
                self._inside = outer

        return call

    def _watcher(self, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Takes the module calls while no step is open."""
        return self.at_call(self._entrance.original, module, args, kwargs)

    # ---- what is called

    def at_call(self, original: ModuleCall, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called while no step is open: `original` is to be called in the end."""
        steps = self._steps
        if self._inside or steps.dead or steps.in_other_thread():
            return original(module, *args, **kwargs)
        resting = self._entrance.resting
        try:
            self._at_call_between_steps(module)
        except Exception as error:
            steps.fail(error)
        if steps.open is not None:
            # What stood in the place of a class's own call leads on to the patch of all modules, which is there again.
            return (original if resting else steps.open.module_call)(module, *args, **kwargs)
        self._inside = True
        try:
            return original(module, *args, **kwargs)
        finally:
            self._inside = False

    def _at_call_between_steps(self, module: nn.Module) -> None:
        """A root module is called and no step is open: begin one, recorded or skipped."""
        if self._steps.closure_running or not self._is_model(module):
            return  # a step that is skipped; or a loss or an activation used on its own
        forward_only = not torch.is_grad_enabled()
        if forward_only and self._steps.trained:
            return  # validation between training steps
        self._begin_or_skip()

    def _at_checkpoint(self) -> bool:
        """A checkpoint is run, maybe of a whole model: outside all modules it begins a step. Returns whether it did."""
        steps = self._steps
        if steps.dead or self._inside or steps.explicit or steps.closure_running or not torch.is_grad_enabled():
            return False
        if steps.in_other_thread():
            return False
        try:
            if steps.open is not None:
                if not steps.open.may_end_at_checkpoint:
                    return False
                steps.finish()
                self.watch()
            self._begin_or_skip()
        except Exception as error:
            steps.fail(error)
        return steps.open is not None

    def _begin_or_skip(self) -> None:
        """What may train is called and no step is open: one begins, recorded or not, unless one is being skipped."""
        steps = self._steps
        if steps.skipping is not None:
            if steps.trained:
                return
            steps.end_skipped()  # no optimizer tells where a step ends
        steps.decide()
        if steps.skipping is not None and steps.trained:
            self._entrance.handler = None  # the optimizer's hook will tell when the step is over

    def _at_root_call(self, module: nn.Module) -> Callable[..., Any] | None:
        """A root module is called inside a recorded step. Returns who takes the call if that begins another step."""
        steps = self._steps
        step = steps.open
        if step is None or steps.explicit or steps.closure_running:
            return None
        try:
            over = step.closing or step.updated_by_hand or self._was_forward_only(step, module)
            if not (over or self._has_no_update(step)):
                return None
            steps.finish()
            self.watch()
        except Exception as error:
            steps.fail(error)
        return self._watcher

    def _was_forward_only(self, step: RecordedStep, module: nn.Module) -> bool:
        """Whether the step has been inference alone: this module was called in it, and nothing can go backward."""
        if step.tape.passes or step.tape.graph_size():
            return False
        entry = self._steps.names.entry(module)
        return entry is not None and step.calls_of(entry) > 0 and entry.root.is_model

    def _has_no_update(self, step: RecordedStep) -> bool:
        """Whether the program trains nothing, as it seems, and has set the gradients of this step to None (or goes on).

        The first times are left alone: a first step may have such passes before its optimizer steps, as training
        against adversarial samples has.
        """
        steps = self._steps
        if steps.trained or not step.tape.passes:
            return False
        if len(step.tape.ops) > _MOST_CALLS:
            step.tape.notes.append(f"No update ended the step: it was ended after {len(step.tape.ops):,} calls.")
            return True
        if not step.passes.takes_back_gradients():
            return False
        steps.unused += 1
        return steps.unused > _PASSES_BEFORE_AN_UPDATE

    def _is_model(self, module: nn.Module) -> bool:
        return _has_parameters(module) or (self._model is not None and self._model() is module)


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
