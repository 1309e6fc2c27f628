"""Everything that a person can do, by name: one list behind menus, tool bar, palette and shortcut sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphviz_nn.signal import Signal


def _always() -> bool:
    return True


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Command:
    """Something that a person can do.

    Attributes:
        name: unique, dotted by subject: "step.into".
        title: what menus and the palette say, in sentence case: "Step into".
        run: does it.
        menu: the menu that shows it, or "" for the palette alone; "Debug/Run to" is a submenu.
        shortcut: as Qt writes it ("Shift+F11"), or "".
        tip: one sentence for tooltip and status bar.
        icon: name of a shipped icon, or "".
        enabled: whether it can be done now. checked: whether a switch is on now, where it is one (`checkable`).
    """

    name: str
    title: str
    run: Callable[[], object]
    menu: str = ""
    shortcut: str = ""
    tip: str = ""
    icon: str = ""
    enabled: Callable[[], bool] = _always
    checkable: bool = False
    checked: Callable[[], bool] = _never


class Commands:
    """The commands, in the order in which they were added.

    Attributes:
        changed: () commands were added or removed.
        refreshed: () some may have become possible, impossible, on or off: ask them again.
    """

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self.changed: Signal[()] = Signal()
        self.refreshed: Signal[()] = Signal()

    def __iter__(self) -> Iterator[Command]:
        return iter(list(self._commands.values()))

    def __getitem__(self, name: str) -> Command:
        return self._commands[name]

    def add(self, *commands: Command) -> None:
        """Adds commands; one takes the place of an earlier one with its name."""
        for command in commands:
            self._commands[command.name] = command
        self.changed.emit()

    def remove(self, *names: str) -> None:
        for name in names:
            self._commands.pop(name, None)
        self.changed.emit()

    def refresh(self) -> None:
        """Tells that what is possible may have changed."""
        self.refreshed.emit()
