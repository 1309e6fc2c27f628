"""One door to every file format."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from graphviz_nn.errors import NotRecorded, OptionError, PluginError, SelectorError, did_you_mean
from graphviz_nn.export.files import write_whole
from graphviz_nn.model.exporters import Exporter, ExportRequest, PictureOptions
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.wording import plural
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.scene.compose import check_options


def export(
    data: RunData,
    path: str | PathLike[str],
    *,
    step: int = -1,
    format: str | None = None,
    options: PictureOptions | None = None,
) -> Path:
    """Writes one step of a run to a file and returns its path; a file that was there is replaced as a whole.

    Args:
        step: position in `data.steps()`, negative from the end.
        format: name of a format; by the suffix of `path` where none is given.

    Raises:
        OptionError: no registered exporter has this format or suffix, or an option has an unknown value.
        SelectorError: there is no such step, or a pattern of `options.expand` matches nothing.
        NotRecorded: the run holds no step, or not the numbers that are to colour it.
        UsageError: the file cannot be written.
    """
    target = Path(path)
    options = options or PictureOptions()
    exporter = find_exporter(target, format, plugins().exporters)
    check_options(options)
    content = exporter.write(ExportRequest(data, step_position(data, step), options))
    if not isinstance(content, bytes):
        raise PluginError(f"Exporter {exporter.name!r} returned {type(content).__name__}; it must return bytes.")
    write_whole(target, content)
    return target


def find_exporter(path: Path, format: str | None, exporters: Sequence[Exporter]) -> Exporter:
    """Returns the exporter of that name, or else the last registered one that has the suffix of `path`.

    Raises:
        OptionError: there is none; the message names the known ones and the nearest.
    """
    if format is not None:
        names = [exporter.name for exporter in exporters]
        if format not in names:
            raise OptionError(f"Unknown format {format!r}: known are {', '.join(names)}.{did_you_mean(format, names)}")
        return next(exporter for exporter in exporters if exporter.name == format)
    suffix = path.suffix.lower()
    found = [exporter for exporter in exporters if suffix in exporter.suffixes]
    if not found:
        known = [suffix for exporter in exporters for suffix in exporter.suffixes]
        what = f"Unknown suffix {suffix!r}" if suffix else f"The name {path.name!r} has no suffix"
        raise OptionError(f"{what}: known are {' '.join(known)}.{did_you_mean(suffix, known)}")
    return found[-1]


def step_position(data: RunData, step: int) -> int:
    """Returns the position of a step that may be counted from the end.

    Raises:
        NotRecorded: the run holds no step. SelectorError: it holds no such step.
    """
    count = len(data.steps())
    if not count:
        raise NotRecorded("The run has no recorded step yet: there is nothing to export.")
    if not -count <= step < count:
        raise SelectorError(f"There is no step {step}: the run has {plural(count, 'recorded step')}.")
    return step % count
