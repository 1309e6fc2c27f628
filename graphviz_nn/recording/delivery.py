"""What a recording hands to its sink: the description of the run, its steps, and the source files that they name."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata

import msgspec
import torch

from graphviz_nn.errors import RunFileError
from graphviz_nn.model.steps import RunMeta, RunSink, StepRecord
from graphviz_nn.model.structure import Structure
from graphviz_nn.recording.distributed import DTENSOR_NOTE, notes_on_group, place_of_process
from graphviz_nn.recording.sources import read_source
from graphviz_nn.recording.step import RecordedStep

_NO_STEP = (
    "No step was found: no module with parameters was called in the recording's thread. Name the root with model=…, or "
    "mark each step by hand with `with recorder.step():`."
)


class Delivery:
    """Stands between a recorder and its sink.

    Attributes:
        notes: what a reader of the run should know.
        over_limit: bytes that keeping tensors would have taken in the step that met the memory limit, or 0.
    """

    def __init__(self, sink: RunSink, keep: str, command: tuple[str, ...]) -> None:
        self.notes: list[str] = []
        self.over_limit = 0
        self._sink = sink
        self._meta = describe_run(keep, command)
        self._files: set[str] = set()
        self._searched: Structure | None = None

    def begin(self) -> None:
        """Hands over the description of the run."""
        self._sink.set_meta(self._meta)

    def write(self, step: RecordedStep, record: StepRecord) -> None:
        """Hands over the record of a step that has ended, and the source files that it names for the first time."""
        self.notes.extend(step.tape.notes)
        if step.tape.shards:
            self.notes.append(DTENSOR_NOTE)
        if step.observations is not None and step.observations.over_limit:
            self.over_limit = step.observations.over_limit
            limit = step.observations.policy.memory_limit
            self.notes.append(
                f"Keeping tensors stopped at the memory limit of {limit:,} bytes: raise it with memory_limit=…, or "
                f"keep fewer with keep='stats' or selectors."
            )
        if record.info.forward_only and record.info.error is None:
            self.notes.append("No gradient could arrive in a step: it ran no backward pass.")
        self._sink.write(record)
        if record.structure is not self._searched:
            self._searched = record.structure
            self._add_files(record.structure)

    def _add_files(self, structure: Structure) -> None:
        for node in structure.nodes:
            if node.source is not None and node.source.file not in self._files:
                self._files.add(node.source.file)
                text = read_source(node.source.file)
                if text is not None:
                    self._sink.add_source(node.source.file, text)

    def close(self, steps_seen: int, *, complete: bool, fail: Callable[[BaseException], None]) -> None:
        """Hands over the description with all notes and closes the sink; `fail` is told of what cannot be done."""
        if not steps_seen and complete:
            self.notes.append(_NO_STEP)
        self.notes.extend(notes_on_group(self._meta.rank))
        notes = tuple(dict.fromkeys(self.notes))
        meta = msgspec.structs.replace(self._meta, notes=notes, complete=complete)
        for finish in (partial(self._sink.set_meta, meta), self._sink.close):
            try:
                finish()
            except RunFileError:
                pass  # the writer has said so when it happened
            except Exception as error:
                fail(error)


def describe_run(keep: str, command: tuple[str, ...]) -> RunMeta:
    """Returns what is known of a run before its first step."""
    place = place_of_process()
    return RunMeta(
        created=time.time(),
        command=command or tuple(sys.argv),
        keep=keep,
        versions=versions(),
        device=_device(),
        rank=None if place is None else place.rank,
        world_size=None if place is None else place.world_size,
    )


def versions() -> dict[str, str]:
    """Versions of what was recorded with."""
    try:
        own = metadata.version("graphviz-nn")
    except metadata.PackageNotFoundError:
        own = "unknown"
    return {"graphviz_nn": own, "torch": f"{torch.__version__}", "python": platform.python_version()}


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
