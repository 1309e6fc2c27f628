"""Where torch is entered: what of the engine, of checkpoints and of memory is replaced while a step is recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor

from graphviz_nn.recording.calls import CallRecorder
from graphviz_nn.recording.functions import Segment
from graphviz_nn.recording.observe import Observations
from graphviz_nn.recording.passes import Passes
from graphviz_nn.recording.patches import Patches, is_on, override_checks

_OTHER_THREAD: Final = (
    "A backward pass in another thread than the recorded one is no pass here: its gradients are not kept."
)


class Entrances:
    """Makes and installs the replacements."""

    def __init__(self, mode: CallRecorder, passes: Passes, observations: Observations | None) -> None:
        self._mode = mode
        self._passes = passes
        self._observations = observations
        self._thread = threading.get_ident()

    def install(self, patches: Patches) -> None:
        """Puts all of them in; `patches` takes them out again."""
        patches.install(
            torch.autograd, "_engine_run_backward", self._engine(vars(torch.autograd)["_engine_run_backward"])
        )
        if self._observations is not None:
            patches.install(torch.UntypedStorage, "resize_", self._resizing(torch.UntypedStorage.resize_))
        patches.install(Tensor, "set_", self._setting(Tensor.set_))
        patches.install(torch.autograd, "_make_grads", self._unseen(torch.autograd._make_grads))
        checkpoint = torch.utils.checkpoint
        generator = checkpoint._checkpoint_without_reentrant_generator
        patches.install(checkpoint, "_checkpoint_without_reentrant_generator", self._checkpoint(generator))
        for owner, name, check in override_checks(self._mode):
            if name in vars(owner):
                patches.install(owner, name, check)

    def _in_recorded_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def _engine(self, original: Callable[..., Any]) -> Callable[..., Any]:
        passes, mode = self._passes, self._mode

        def _engine_run_backward(t_outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if not (is_on(mode) or self._in_recorded_thread()):
                notes = mode.tape.notes
                if not mode.closed and _OTHER_THREAD not in notes:
                    notes.append(_OTHER_THREAD)
                return original(t_outputs, *args, **kwargs)
            return passes.run(original, t_outputs, args, kwargs)

        return _engine_run_backward

    def _unseen(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """The gradient that a backward pass starts from is made by torch, not by the program."""
        mode = self._mode

        def unseen(*args: Any, **kwargs: Any) -> Any:
            if not (is_on(mode) or self._in_recorded_thread()):
                return original(*args, **kwargs)
            closed, mode.closed = mode.closed, True  # modes of the user's see these calls as ever
            try:
                return original(*args, **kwargs)
            finally:
                mode.closed = closed

        return unseen

    def _resizing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Memory may be given back under a tensor, as FSDP does with whole parameters: first measure what waits."""
        mode, observations = self._mode, self._observations

        def resize_(storage: torch.UntypedStorage, size: int) -> Any:
            if not mode.closed and observations is not None:
                try:
                    observations.flush()
                except Exception as error:
                    mode.fail(error)
            return original(storage, size)

        return resize_

    def _setting(self, original: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """`x.set_(y)` gives x the memory of y. It is the one method that writes and tells no function mode."""
        mode = self._mode

        def set_(tensor: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if mode.closed or not is_on(mode):
                return original(tensor, *args, **kwargs)
            with torch._C.DisableTorchFunction():
                mode.special.set_memory(original, (tensor, *args), kwargs)
            return tensor

        return set_

    def _checkpoint(self, original: Callable[..., Any]) -> Callable[..., Any]:
        mode = self._mode

        def generator(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Iterator[None]:
            # torch advances it once before the function's first run and once after; later runs go through `segment`.
            segment = Segment(mode, fn)
            inner = original(segment, *args, **kwargs)
            try:
                next(inner)
                segment.begin()
                yield
                segment.end()
                yield from inner
            finally:
                inner.close()

        return generator
