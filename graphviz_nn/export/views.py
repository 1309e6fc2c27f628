"""Views as files, without a window."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Final

from graphviz_nn.errors import GraphvizNNError, OptionError, PluginError, SelectorError, UsageError, did_you_mean
from graphviz_nn.export.files import write_whole
from graphviz_nn.export.registry import step_position
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import OF, Curves, HeatMap, ImageGrid, Table, View, ViewData, ViewOptions
from graphviz_nn.plugin.manager import plugins

FIGURES: Final = (".png", ".svg", ".pdf")
SUFFIXES: Final = (*FIGURES, ".csv")


def export_view(
    data: RunData,
    path: str | PathLike[str],
    view: str,
    *,
    node: str | None = None,
    of: str = "value",
    index: int = 0,
    step: int = -1,
    options: ViewOptions | None = None,
    theme: str = "light",
) -> Path:
    """Writes what a view shows of a node, or of a step, to a PNG, SVG, PDF or CSV file; returns its path.

    Args:
        node: the node's name, or the path of a module in which the view fits one node. of: "value" or "gradient" of it,
            output `index`. step: position, negative from the end.
        theme: "light" or "dark".

    Raises:
        OptionError: no such view or file format, or images are to be a CSV file.
        SelectorError: no such step or node, or the view does not fit it, or fits several nodes of a module.
        NotRecorded: the run does not hold what the view reads.
        PluginError: the view failed by itself.
    """
    target = Path(path)
    suffix = _suffix(target)
    chosen = find_view(view, plugins().views)
    subject = _subject(data, step_position(data, step), chosen, node, of, index)
    shown = make(chosen, subject, options or ViewOptions())
    write_whole(target, _csv(shown) if suffix == ".csv" else figure(shown, suffix, theme))
    return target


def find_view(name: str, views: Sequence[View]) -> View:
    """Returns the view of that name. Raises `OptionError`, which names the known ones, where there is none."""
    names = [view.name for view in views]
    if name not in names:
        raise OptionError(f"Unknown view {name!r}: known are {', '.join(names)}.{did_you_mean(name, names)}")
    return views[names.index(name)]


def make(view: View, subject: Subject, options: ViewOptions) -> ViewData:
    """Returns what the view shows.

    Raises:
        GraphvizNNError: what the view says of its own accord.
        PluginError: it raised something else, or returned what is no view data.
    """
    try:
        shown = view.make(subject, options)
    except GraphvizNNError:
        raise
    except Exception as error:
        raise PluginError(f"The view {view.name!r} failed: {type(error).__name__}: {error}") from error
    if not isinstance(shown, ViewData):
        raise PluginError(
            f"The view {view.name!r} returned {type(shown).__name__}; it must return an ImageGrid, HeatMap, Table or "
            "Curves."
        )
    return shown


def applies(view: View, subject: Subject) -> bool:
    """Whether the view can show the subject; one that raises when asked cannot."""
    if view.of_node != (subject.node_id is not None):
        return False
    try:
        return bool(view.applies(subject))
    except Exception:
        return False


def figure(shown: ViewData, suffix: str, theme: str = "light") -> bytes:
    """Returns view data drawn by matplotlib, as the bytes of a file with this suffix."""
    from graphviz_nn.export.figures import draw

    return draw(shown, suffix.removeprefix("."), theme)


def _subject(data: RunData, position: int, view: View, node: str | None, of: str, index: int) -> Subject:
    if of not in OF:
        raise OptionError(f"There is no {of!r} of a node: choose {' or '.join(OF)}.")
    if not view.of_node:
        if node is not None:
            raise UsageError(f"The view {view.name!r} is of a whole step: leave the node out.")
        return Subject(data, position)
    structure = data.structure(data.steps()[position].structure)
    if node is None:
        fitting = [
            each.name for each in structure.nodes if each.outputs and applies(view, Subject(data, position, each.id))
        ]
        hint = f" It fits: {', '.join(fitting[:8])}{' …' if len(fitting) > 8 else ''}." if fitting else ""
        raise UsageError(f"The view {view.name!r} is of one node: name it with --node.{hint}")
    found = structure.by_name.get(node) or _in_module(data, position, view, node, of)
    if not 0 <= index < len(found.outputs):
        raise SelectorError(f"{node!r} has {len(found.outputs)} outputs: there is no output {index}.")
    subject = Subject(data, position, found.id, index, of)
    if not applies(view, subject):
        others = ", ".join(each.name for each in plugins().views if applies(each, subject))
        raise SelectorError(f"The view {view.name!r} does not fit {node!r}. Views that do: {others or 'none'}.")
    return subject


def _in_module(data: RunData, position: int, view: View, path: str, of: str) -> Node:
    """The one node in the module of that path, or in one below it, which the view fits."""
    structure = data.structure(data.steps()[position].structure)
    if path not in structure.modules_by_path:
        names = (*structure.by_name, *structure.modules_by_path)
        raise SelectorError(f"No node is named {path!r}.{did_you_mean(path, names)}")
    inside = [node for node in structure.nodes if node.outputs and f"{node.module}.".startswith(f"{path}.")]
    found = [node for node in inside if applies(view, Subject(data, position, node.id, of=of))]
    if len(found) != 1:
        listed = ", ".join(node.name for node in found[:8]) + (", …" if len(found) > 8 else "")
        raise SelectorError(
            f"{path!r} is a module, and the view {view.name!r} fits {len(found) or 'no'} nodes in it"
            + (f": name one of {listed}." if found else ".")
        )
    return found[0]


def _suffix(target: Path) -> str:
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        hint = did_you_mean(suffix, SUFFIXES)
        raise OptionError(
            f"{target}: a view is written to {', '.join(SUFFIXES)}, not to {suffix or 'no suffix'}.{hint}"
        )
    return suffix


def _csv(shown: ViewData) -> bytes:
    rows: list[Sequence[object]]
    match shown:
        case Table():
            rows = [shown.heading, *shown.rows]
        case HeatMap():
            rows = [(shown.row_axis, *shown.columns)]
            rows += [(name, *numbers) for name, numbers in zip(shown.rows, shown.values.tolist(), strict=True)]
        case Curves():
            rows = [("curve", shown.x_axis, shown.y_axis)]
            for curve in shown.curves:
                places = [shown.ticks[int(x)] for x in curve.x] if shown.ticks else curve.x.tolist()
                rows += [(curve.label, x, y) for x, y in zip(places, curve.y.tolist(), strict=True)]
        case ImageGrid():
            raise OptionError("Images are not written to .csv: choose .png, .svg or .pdf.")
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()
