"""Connects widgets to signals that outlive them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QObject

from graphviz_nn.signal import Signal


def while_alive(
    owner: QObject, signal: Signal[*tuple[Any, ...]], callback: Callable[..., object]
) -> Callable[[], None]:
    """Connects a callback to a signal for as long as Qt has the owner; returns a function that disconnects it.

    Qt destroys widgets with their windows, whatever Python still refers to. The callback is left out from then on, and
    forgotten at the next emission.
    """
    connection = _WhileAlive(owner, signal, callback)
    signal.connect(connection)
    return connection.disconnect


class _WhileAlive:
    """`__self__` is that of the callback: by it a signal knows whom to leave out who asked for the change."""

    def __init__(self, owner: QObject, signal: Signal[*tuple[Any, ...]], callback: Callable[..., object]) -> None:
        self._owner = owner
        self._signal = signal
        self._callback = callback
        self.__self__ = getattr(callback, "__self__", None)

    def __call__(self, *arguments: Any) -> None:
        if sip.isdeleted(self._owner):
            self.disconnect()
        else:
            self._callback(*arguments)

    def disconnect(self) -> None:
        self._signal.disconnect(self)
