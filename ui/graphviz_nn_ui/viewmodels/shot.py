"""What a command line asks to be shown: step, place, selection, expanded modules, look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphviz_nn.errors import SelectorError, did_you_mean

if TYPE_CHECKING:
    from graphviz_nn.model.structure import Structure
    from graphviz_nn.session import Selection, Session
    from graphviz_nn_ui.viewmodels.look import Look


@dataclass(frozen=True, slots=True)
class Shot:
    """What to show; None and () leave things as they are.

    Attributes:
        step: position of a recorded step, negative from the end. select: a node's name or a module's path.
        finding: a rule, of which the first finding is shown once the checks have found it; it chooses step and place.
        cursor: the last event that has happened. expand: patterns of module paths.
        color_by, theme: as in `Look`.
    """

    step: int | None = None
    select: str | None = None
    finding: str | None = None
    cursor: int | None = None
    expand: tuple[str, ...] = ()
    color_by: str | None = None
    theme: str | None = None

    def set_look(self, look: Look) -> None:
        """Raises `OptionError` for a value that the look does not take."""
        for name in ("color_by", "theme"):
            value = getattr(self, name)
            if value is not None:
                look.set(name, value)

    def go(self, session: Session) -> None:
        """Goes to the place. Raises `SelectorError` where the run has no such step, node or module."""
        if self.step is not None:
            count = len(session.data.steps())
            session.go_to_step(self.step + count if self.step < 0 else self.step)
        if self.expand:
            session.expand(*_keys(session.structure, self.expand))
        if self.cursor is not None:
            session.scrub(self.cursor)
        if self.select is not None:
            selection = named(session.structure, self.select)
            session.expand(*holding_keys(session.structure, selection))
            session.select(selection)


def named(structure: Structure, name: str, *, module: bool = False) -> Selection:
    """Returns the node of that name, or the module of that path; the module where both are and `module` is set.

    Raises:
        SelectorError: there is neither; names the nearest.
    """
    from graphviz_nn.session import ModuleSelection, NodeSelection

    if name in structure.by_name and not (module and name in structure.modules_by_path):
        return NodeSelection(structure.by_name[name].id)
    if name in structure.modules_by_path:
        return ModuleSelection(name)
    known = [*structure.by_name, *structure.modules_by_path]
    raise SelectorError(f"The step has no node and no module {name!r}.{did_you_mean(name, known)}")


def shown_keys(structure: Structure, path: str) -> list[str]:
    """Returns the keys to expand so that the first call of a module can be seen, closed."""
    first = next((number for number, call in enumerate(structure.module_calls) if call.path == path), None)
    return [] if first is None else [f"m{number}" for number in _around(structure, first)[1:]]


def holding_keys(structure: Structure, selection: Selection) -> list[str]:
    """Returns the keys to expand so that what is selected stands in the picture, not the closed box that it is in."""
    from graphviz_nn.session import ModuleSelection, NodeSelection

    match selection:
        case ModuleSelection(path, _):
            return shown_keys(structure, path)
        case NodeSelection(node):
            inside = structure.nodes[node]
            call = inside.module_call
            keys = [] if call is None else [f"m{number}" for number in _around(structure, call)]
            while inside.parent is not None:
                keys.append(f"f{inside.parent}")
                inside = structure.nodes[inside.parent]
            return keys
    return []


def _keys(structure: Structure, patterns: tuple[str, ...]) -> list[str]:
    """Keys of the module calls that match, and of those around them, without which they are out of sight."""
    from graphviz_nn.session.patterns import matcher

    calls, keys = structure.module_calls, set[int]()
    for pattern in patterns:
        matches = matcher(pattern)
        found = [number for number, call in enumerate(calls) if matches(call.path)]
        if not found:
            paths = sorted({call.path for call in calls})
            raise SelectorError(f"No module that was called matches {pattern!r}.{did_you_mean(pattern, paths)}")
        for number in found:
            keys.update(_around(structure, number))
    return [f"m{number}" for number in sorted(keys)]


def _around(structure: Structure, number: int) -> list[int]:
    """A module call and those that it was made in, innermost first."""
    found: list[int] = []
    around: int | None = number
    while around is not None:
        found.append(around)
        around = structure.module_calls[around].parent
    return found
