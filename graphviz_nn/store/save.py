"""Writes a whole run, from wherever it is, to a run file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec

from graphviz_nn.errors import DamagedRunFile
from graphviz_nn.model.stats import TABLES
from graphviz_nn.model.steps import RunData, StepRecord
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.store.connection import explain
from graphviz_nn.store.database import RunDatabase
from graphviz_nn.store.destination import Destination


def save(data: RunData, path: str | os.PathLike[str]) -> None:
    """Writes the run to `path`: what `open_run(path)` reads then equals `data`, bit for bit.

    An older run at `path`, be it `data` itself, is replaced only when the new file is complete. One tensor at a time
    is held in memory.

    Raises:
        NotARunFile: something that is not a run stands at `path`.
        RunFileError: `path` cannot be written (no folder, no permission, disk full, being recorded to).
        DamagedRunFile: `data` is a damaged file.
    """
    destination = Destination(path)
    try:
        _write(data, destination.staging)
        destination.publish()
    except (OSError, sqlite3.Error) as error:
        raise explain(error, destination.path) from error
    finally:
        destination.discard()
        destination.release()


def _write(data: RunData, staging: str) -> None:
    database = RunDatabase(staging)
    try:
        database.set_meta(data.meta)
        for file, text in data.sources().items():
            database.add_source(file, text)
        for position in range(len(data.steps())):
            database.add_step(_record(data, position))
        for finding in data.findings():
            database.add_finding(finding)
    finally:
        database.close()


def _record(data: RunData, position: int) -> StepRecord:
    info = data.steps()[position]
    stats = {name: data.stats(position, name) for name in TABLES}
    histograms = {name: data.histograms(position, name) for name in TABLES}
    structure = data.structure(info.structure)
    metrics = {name: data.metric(position, name) for name in data.metric_names(position)}
    return StepRecord(
        info=msgspec.structs.replace(info, structure=structure.digest),  # one of an older format had other fields
        structure=structure,
        events=data.events(position),
        stats={name: table for name, table in stats.items() if table is not None},
        histograms={name: table for name, table in histograms.items() if table is not None},
        tensors=_TensorsOnDemand(data, position),
        metrics={name: table for name, table in metrics.items() if table is not None},
    )


class _TensorsOnDemand(Mapping[TensorKey, TensorData]):
    """The tensors of a step, each read when it is asked for and not kept."""

    def __init__(self, data: RunData, position: int) -> None:
        self._data = data
        self._position = position
        self._keys = data.tensor_keys(position)

    def __getitem__(self, key: TensorKey) -> TensorData:
        tensor = self._data.tensor(self._position, key)
        if tensor is None:
            raise DamagedRunFile(f"tensor {tuple(key)} of step {self._position} cannot be read.")
        return tensor

    def __iter__(self) -> Iterator[TensorKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
