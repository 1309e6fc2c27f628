"""Which exception ended a call or a step."""

from __future__ import annotations


class ErrorMark:
    """Knows an exception again without keeping it: its traceback would keep the program's tensors.

    The address alone is not enough, because an exception that the program swallowed leaves it to the next one.
    """

    __slots__ = ("_address", "_args", "_kind")

    def __init__(self, error: BaseException) -> None:
        self._address = id(error)
        self._kind = type(error)
        self._args = error.args

    def means(self, error: BaseException) -> bool:
        """Whether it is the marked exception."""
        return self._address == id(error) and self._kind is type(error) and self._args is error.args
