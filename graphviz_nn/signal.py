"""Typed signals: who changes something tells whoever asked to hear of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVarTuple

Arguments = TypeVarTuple("Arguments")


class Signal(Generic[*Arguments]):
    """A list of callbacks, called in the order in which they were connected.

    `Signal[int, str]` passes an integer and a string. Callbacks are held by strong reference until `disconnect`.
    """

    def __init__(self) -> None:
        self._callbacks: list[Callable[[*Arguments], object]] = []

    def connect(self, callback: Callable[[*Arguments], object]) -> Callable[[], None]:
        """Calls `callback` at each later emission; connecting it again changes nothing.

        Returns:
            A function that disconnects it.
        """
        if callback not in self._callbacks:
            self._callbacks.append(callback)
        return lambda: self.disconnect(callback)

    def disconnect(self, callback: Callable[[*Arguments], object]) -> None:
        """Calls `callback` no more, not even in an emission that is under way. Not connected: nothing to do."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)

    def emit(self, *arguments: *Arguments, origin: object = None) -> None:
        """Calls each callback that was connected when the emission began and still is.

        Args:
            origin: who caused the change: a callback, or the object whose methods are left out.

        Raises:
            Exception: what a callback raised, after all were called; an `ExceptionGroup` where several raised.
        """
        errors: list[Exception] = []
        for callback in tuple(self._callbacks):
            if callback not in self._callbacks or (origin is not None and _belongs(callback, origin)):
                continue
            try:
                callback(*arguments)
            except Exception as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup("several callbacks of a signal raised", errors)

    def __len__(self) -> int:
        return len(self._callbacks)


def _belongs(callback: Callable[..., object], origin: object) -> bool:
    return callback == origin or getattr(callback, "__self__", None) is origin
