"""Signals: order, changes while one is under way, who is left out, callbacks that raise."""

import pytest

from graphviz_nn.signal import Signal


class Panel:
    """Hears numbers, and moves on at the first."""

    def __init__(self, signal: Signal[int]) -> None:
        self.signal = signal
        self.heard: list[int] = []
        signal.connect(self.hear)

    def hear(self, number: int) -> None:
        self.heard.append(number)


def test_callbacks_are_called_in_the_order_in_which_they_were_connected():
    signal: Signal[int] = Signal()
    heard = []
    for name in "abc":
        signal.connect(lambda number, name=name: heard.append((name, number)))
    signal.emit(7)
    assert heard == [("a", 7), ("b", 7), ("c", 7)]


def test_connecting_twice_calls_once_and_the_returned_function_disconnects():
    signal: Signal[int] = Signal()
    panel = Panel(signal)
    disconnect = signal.connect(panel.hear)
    signal.emit(1)
    disconnect()
    disconnect()
    signal.emit(2)
    assert panel.heard == [1]


def test_the_panel_that_caused_a_change_is_left_out():
    signal: Signal[int] = Signal()
    first, second = Panel(signal), Panel(signal)
    signal.emit(1, origin=first)
    signal.emit(2, origin=second.hear)
    assert (first.heard, second.heard) == ([2], [1])


def test_a_callback_may_disconnect_a_later_one_and_connect_another():
    signal: Signal[int] = Signal()
    late: list[int] = []
    removed = Panel(Signal())

    def change(number: int) -> None:
        signal.disconnect(removed.hear)
        signal.connect(late.append)

    signal.connect(change)
    signal.connect(removed.hear)
    signal.emit(1)
    assert (removed.heard, late) == ([], [])
    signal.emit(2)
    assert (removed.heard, late) == ([], [2])


def test_a_callback_may_emit_again():
    signal: Signal[int] = Signal()
    heard: list[int] = []
    signal.connect(lambda number: signal.emit(number - 1) if number else None)
    signal.connect(heard.append)
    signal.emit(2)
    assert heard == [0, 1, 2]


def test_a_callback_that_raises_keeps_no_other_from_being_called():
    signal: Signal[int] = Signal()
    panel_before = Panel(signal)
    signal.connect(lambda number: 1 // number)
    panel_after = Panel(signal)
    with pytest.raises(ZeroDivisionError):
        signal.emit(0)
    assert panel_before.heard == panel_after.heard == [0]
    signal.connect(lambda number: [][number])
    with pytest.raises(ExceptionGroup) as raised:
        signal.emit(0)
    assert [type(error) for error in raised.value.exceptions] == [ZeroDivisionError, IndexError]
