"""How the window shows things: what a person chose, and what is remembered between sessions."""

from __future__ import annotations

from typing import Final

from graphviz_nn.errors import OptionError, did_you_mean
from graphviz_nn.model.exporters import COLOR_BY, DIRECTIONS, THEMES
from graphviz_nn.signal import Signal

OPEN: Final = "open"
FOLDED: Final = "folded"

_CHOICES: Final = {
    "color_by": COLOR_BY,
    "direction": DIRECTIONS,
    "theme": THEMES,
    "show_all": (False, True),
    "legend": (OPEN, FOLDED),
    "minimap": (OPEN, FOLDED),
}

COLOR_WORDS: Final = {
    "none": "Nothing",
    "gradient": "Gradient norm",
    "activation": "Activation norm",
    "zeros": "Share of zeros",
    "nonfinite": "NaN and ±Inf",
    "update": "Update to weight ratio",
    "time": "Time",
    "memory": "Memory",
}
"""What a person reads for each of `COLOR_BY`."""


class Look:
    """The picture's options and the window's theme.

    Attributes:
        changed: (name of the field that changed).
    """

    def __init__(self) -> None:
        self.changed: Signal[str] = Signal()
        self._values: dict[str, str | bool] = {
            "color_by": "gradient",
            "direction": "down",
            "theme": "auto",
            "show_all": False,
            "legend": OPEN,
            "minimap": OPEN,
        }

    @property
    def color_by(self) -> str:
        """One of `COLOR_BY`: what colours the canvas."""
        return str(self._values["color_by"])

    @property
    def direction(self) -> str:
        """One of `DIRECTIONS`."""
        return str(self._values["direction"])

    @property
    def theme(self) -> str:
        """One of `THEMES`; "auto" follows the system."""
        return str(self._values["theme"])

    @property
    def show_all(self) -> bool:
        """Whether no-ops, shape arithmetic and bookkeeping are drawn too."""
        return bool(self._values["show_all"])

    @property
    def legend(self) -> str:
        """Whether the canvas's legend is `OPEN` or `FOLDED` to its title."""
        return str(self._values["legend"])

    @property
    def minimap(self) -> str:
        """Whether the canvas's map is `OPEN` or `FOLDED` to its title."""
        return str(self._values["minimap"])

    def set(self, name: str, value: str | bool, *, origin: object = None) -> bool:
        """Chooses a value for a field; returns whether that is a change.

        Raises:
            OptionError: there is no such field, or the field does not take this value.
        """
        choices = _CHOICES.get(name)
        if choices is None:
            raise OptionError(f"There is no setting {name!r}.{did_you_mean(name, _CHOICES)}")
        if value not in choices:
            raise OptionError(f"{name} cannot be {value!r}: choose one of {', '.join(map(str, choices))}.")
        if self._values[name] == value:
            return False
        self._values[name] = value
        self.changed.emit(name, origin=origin)
        return True
