"""Where the calls of modules come to the recorder: in `nn.Module` itself, or in the classes of the roots alone.

Python asks for `__call__` at the class, so one patch of `nn.Module` shows every call of every module, for about a
quarter of a microsecond each. Where no step has been wanted for long, nothing but the beginning of a step has to be
noticed: then only the classes of the root modules are patched. A write to a class makes Python forget what it knows
about its subclasses, so this changes seldom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from torch import nn

from graphviz_nn.recording.patches import Patches

ModuleCall = Callable[..., Any]
"""Called as `nn.Module.__call__` is, with the module first."""
RESTS_AFTER: Final = 20
"""Steps in a row that were not recorded, after which only roots are patched."""


class ModuleEntrance:
    """The patches of `nn.Module.__call__`, and who takes the calls.

    Attributes:
        handler: takes the calls, or None where nobody wants to see them.
        original: `nn.Module.__call__` as it was.
        resting: only the classes of roots are patched.
    """

    def __init__(self, watch: Callable[[ModuleCall, nn.Module, tuple[Any, ...], dict[str, Any]], Any]) -> None:
        """`watch` takes the calls of roots while resting, after what it is to call in the end."""
        self.handler: ModuleCall | None = None
        self.original: ModuleCall = vars(nn.Module)["__call__"]
        self.resting = False
        self._watch = watch
        self._patches = Patches()
        self._ours: ModuleCall | None = None
        self._skipped = 0
        self._unnoticed = 0

    def install(self) -> None:
        """Patches `nn.Module`."""
        self.original = vars(nn.Module)["__call__"]
        self._ours = self._dispatching(self.original)
        self._patches.install(nn.Module, "__call__", self._ours)

    def remove(self) -> None:
        """Takes every patch out."""
        self._patches.remove()
        self.resting = False

    def wake(self) -> None:
        """A step is to be recorded, or its beginning was missed: sees all modules again."""
        self._skipped = self._unnoticed = 0
        if self.resting:
            self.remove()
            self.install()

    def skipped(self, roots: Iterable[nn.Module]) -> None:
        """A step ended that was not recorded; `roots` are the modules whose call begins the next one."""
        self._unnoticed = 0
        self._skipped += 1
        # Where somebody has patched over us, ours cannot be taken out.
        if self._skipped >= RESTS_AFTER and not self.resting and vars(nn.Module)["__call__"] is self._ours:
            self._rest({type(root) for root in roots})

    def optimizer_stepped(self, optimizers: int) -> None:
        """An optimizer stepped, one of so many, but no step was seen to begin: was a root missed that is new?"""
        self._unnoticed += 1
        if self.resting and self._unnoticed >= max(optimizers, 1):
            self.wake()

    def _rest(self, kinds: Iterable[type[nn.Module]]) -> None:
        self.remove()
        self.resting = True
        for kind in kinds:
            self._patches.install(kind, "__call__", self._noticing(kind.__call__))

    def _dispatching(self, original: ModuleCall) -> ModuleCall:
        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            handler = self.handler
            if handler is None:
                return original(module, *args, **kwargs)
            return handler(module, *args, **kwargs)

        return __call__

    def _noticing(self, found: ModuleCall) -> ModuleCall:
        def onward(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            # What a class inherits from `nn.Module` is looked up anew: it is patched once the call has begun a step.
            inner = nn.Module.__call__ if found is original else found
            return inner(module, *args, **kwargs)

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if self.handler is None or not self.resting:
                return onward(module, *args, **kwargs)
            return self._watch(onward, module, args, kwargs)

        original = self.original
        return __call__
