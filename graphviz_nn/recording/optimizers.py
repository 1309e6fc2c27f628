"""Steps of optimizers: where a training step ends, and what of it is not recorded call by call."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import optimizer as torch_optimizer

from graphviz_nn.recording.beginnings import Beginnings
from graphviz_nn.recording.module_entrance import ModuleEntrance
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.steps import Steps

_unrecorded = torch._C.DisableTorchFunction


class OptimizerWatch:
    """Hooks on every optimizer of the program."""

    def __init__(self, steps: Steps, beginnings: Beginnings, entrance: ModuleEntrance) -> None:
        self._steps = steps
        self._beginnings = beginnings
        self._entrance = entrance
        self._hooks: list[Any] = []

    def install(self) -> None:
        """Puts the hooks on; `remove` takes them off."""
        self._hooks = [
            torch_optimizer.register_optimizer_step_pre_hook(self._before),
            torch_optimizer.register_optimizer_step_post_hook(self._after),
        ]

    def remove(self) -> None:
        for hook in self._hooks:
            hook.remove()

    # ---- before

    def _before(self, optimizer: Any, args: Any, kwargs: Any) -> Any:
        """Returns None, or the arguments of the optimizer's step with its closure replaced by one that is watched."""
        steps = self._steps
        if steps.dead or steps.in_other_thread():
            return None
        if steps.open is not None and steps.open.in_optimizer():
            steps.open.optimizer_depth += 1  # a step that calls another's, as `super().step()` does: one step to us
            return None
        try:
            closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
            if closure is not None and not steps.explicit:
                self._before_closure(optimizer)
            if steps.open is not None:
                with _unrecorded():
                    steps.training.optimizer_begins(optimizer, steps.open.tape)
                steps.open.optimizer_begins(optimizer, with_closure=closure is not None)
            if closure is None:
                return None
            watched = self._watch_closure(closure, optimizer)
            if "closure" in kwargs:
                return args, {**kwargs, "closure": watched}
            return (args[0], watched, *args[2:]), kwargs
        except Exception as error:
            steps.fail(error)
            return None

    def _before_closure(self, optimizer: Any) -> None:
        """The forward pass runs inside the optimizer's step: if no step is open, it begins here."""
        steps = self._steps
        if steps.open is not None and id(optimizer) in steps.stepped:
            steps.finish()
        if steps.open is None and steps.skipping is None:
            steps.decide()

    def _watch_closure(self, closure: Callable[[], Any], optimizer: Any) -> Callable[[], Any]:
        """Returns the closure with recording on inside it; the optimizer's own calls around it are not recorded."""
        steps = self._steps

        @functools.wraps(closure)
        def watched() -> Any:
            step, steps.closure_running = steps.open, True
            try:
                with contextlib.nullcontext() if step is None or steps.dead else step.closure(optimizer):
                    return closure()
            finally:
                steps.closure_running = False

        return watched

    # ---- after

    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        del args, kwargs
        steps = self._steps
        if steps.dead or steps.in_other_thread():
            return
        if steps.open is not None and steps.open.optimizer_depth:
            steps.open.optimizer_depth -= 1
            return
        try:
            if steps.open is not None:
                self._after_recorded(steps.open, optimizer)
            elif not steps.explicit:
                self._after_skipped()
        except Exception as error:
            steps.fail(error)

    def _after_recorded(self, step: RecordedStep, optimizer: Any) -> None:
        steps = self._steps
        steps.stepped.add(id(optimizer))
        all_stepped = bool(steps.expected) and steps.stepped >= steps.expected
        # An optimizer may step in the middle of a backward pass, from a hook on its parameter.
        in_pass = step.passes.current >= 0
        goes_on = steps.explicit or in_pass or (bool(steps.expected) and not all_stepped)
        step.optimizer_ends(optimizer, goes_on=goes_on)
        if steps.explicit:
            return
        steps.trained = True
        if all_stepped and not in_pass:
            steps.finish()
            self._beginnings.watch()

    def _after_skipped(self) -> None:
        steps = self._steps
        if steps.skipping is None:
            self._entrance.optimizer_stepped(len(steps.expected))
            return
        steps.end_skipped()
        steps.trained = True
        self._entrance.skipped(self._beginnings.root_modules())
        self._beginnings.watch()
