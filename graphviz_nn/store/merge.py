"""The statistics of all ranks together, worked out from their files: training itself sends nothing for them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import numpy.typing as npt

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.steps import EventTable, HistogramTable, RunData, RunMeta, StepInfo
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.tensors import TensorData, TensorKey

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding
    from graphviz_nn.model.metrics import MetricTable

Floats = npt.NDArray[np.float64]

_EVENT_OF: Final = {
    "gradient": EventKind.GRADIENT,
    "parameter_gradient": EventKind.PARAMETER_GRADIENT,
    "update": EventKind.UPDATE,
}
_NOTE: Final = "The statistics are those of all ranks together; losses, events and times are those of rank {rank}."
_ROUNDING: Final = 1e-3
"""By how much float32 numbers may be off when they are asked for a number of elements."""


class MergedRun:
    """A `RunData` of the steps that all ranks recorded with the same calls, seen from the lowest rank.

    A row of `stats` is that of the elements of all ranks side by side: of the batches of all ranks under data
    parallelism, of the whole tensor where each rank holds a shard of it; what every rank holds a copy of counts once a
    rank. It is NaN where a rank did not measure the value, or where the ranks' numbers of elements cannot be told.
    Everything else (losses, events, times) is the lowest rank's own. Tensors and metrics are in the ranks' runs only.
    """

    def __init__(self, path: str, runs: Sequence[RunData]) -> None:
        """Raises `NotRecorded` where no step is in all runs with the same calls."""
        self.path: str | None = path
        self._runs = runs
        self._positions = _common_steps(runs)
        if not self._positions:
            raise NotRecorded(
                f"{path}: no step was recorded by all ranks with the same calls, so there is nothing to merge. Record "
                f"every n-th step (every=n), or look at one rank: --rank 0."
            )

    @property
    def meta(self) -> RunMeta:
        """The lowest rank's, with a note that says what is merged."""
        meta = self._runs[0].meta
        return msgspec.structs.replace(meta, notes=(*meta.notes, _NOTE.format(rank=meta.rank or 0)), rank=None)

    def steps(self) -> Sequence[StepInfo]:
        infos = self._runs[0].steps()
        return [infos[positions[0]] for positions in self._positions]

    def structure(self, digest: str) -> Structure:
        return self._runs[0].structure(digest)

    def events(self, position: int) -> EventTable:
        return self._runs[0].events(self._positions[position][0])

    def stats(self, position: int, table: str) -> StatTable | None:
        found = self._side_by_side(position, table)
        return None if found is None else merge(*found).astype(np.float32)

    def by_rank(self, position: int, table: str) -> Floats | None:
        """Returns the rows of `stats` as each rank has them, [ranks, rows, 9]; None where one measured nothing."""
        found = self._side_by_side(position, table)
        return None if found is None else found[0]

    def _side_by_side(self, position: int, table: str) -> tuple[Floats, Floats] | None:
        """The numbers of each rank, [ranks, rows, 9], and how many elements they are of, [ranks, rows]."""
        places = list(zip(self._runs, self._positions[position], strict=True))
        tables = [run.stats(place, table) for run, place in places]
        if any(found is None for found in tables):
            return None
        rows = [_rows(run, place, table) for run, place in places]
        order = list(rows[0])
        numbers = np.full((len(places), len(order), len(STATS)), math.nan)
        counts = np.zeros((len(places), len(order)))
        for rank, ((run, place), found) in enumerate(zip(places, tables, strict=True)):
            elements, certain = _elements(_structure(run, place), table, order)
            here = [rows[rank].get(key, -1) for key in order]
            known = np.array(here) >= 0
            if found is not None:
                numbers[rank, known] = found[np.array(here)[known]]
            counts[rank] = elements
            numbers[rank, ~certain & ~_plausible(numbers[rank], elements)] = math.nan
        return numbers, counts

    def histograms(self, position: int, table: str) -> HistogramTable | None:
        return self._runs[0].histograms(self._positions[position][0], table)

    def metric_names(self, position: int) -> Sequence[str]:
        del position
        return ()

    def metric(self, position: int, name: str) -> MetricTable | None:
        del position, name
        return None

    def tensor_keys(self, position: int) -> Sequence[TensorKey]:
        del position
        return ()

    def tensor(self, position: int, key: TensorKey) -> TensorData | None:
        del position, key
        return None

    def sources(self) -> Mapping[str, str]:
        return self._runs[0].sources()

    def findings(self) -> Sequence[Finding]:
        """The lowest rank's, in the steps that all ranks have."""
        places = {positions[0]: position for position, positions in enumerate(self._positions)}
        kept = (finding for finding in self._runs[0].findings() if finding.step in places)
        return tuple(replace(finding, step=places[finding.step]) for finding in kept)

    def close(self) -> None:
        for run in self._runs:
            run.close()


def merge(numbers: Floats, counts: Floats) -> Floats:
    """Returns the statistics of the union of disjoint sets of elements, [rows, 9], from those of each.

    Sums, extremes and counts are those of the union; mean and standard deviation by the pairwise formula of Chan, Golub
    and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979), in float64.

    Args:
        numbers: [sets, rows, 9], columns as in `STATS`. counts: [sets, rows], elements, those not finite included.
    """
    mean, std, low, high, l2, zeros = (numbers[..., column] for column in range(6))
    odd = numbers[..., 6:9]
    finite = np.where(np.isnan(odd).any(-1), 0.0, counts - odd.sum(-1))
    weighs = finite > 0
    total = finite.sum(0)
    merged = np.full((numbers.shape[1], len(STATS)), math.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = finite / total
        middle = np.where(weighs, share * mean, 0.0).sum(0)
        spread = np.where(weighs, share * (std**2 + (mean - middle) ** 2), 0.0).sum(0)
        merged[:, 0], merged[:, 1] = middle, np.sqrt(spread)
        merged[:, 2] = np.where(weighs, low, math.inf).min(0)
        merged[:, 3] = np.where(weighs, high, -math.inf).max(0)
        merged[:, 4] = np.sqrt(np.where(weighs, l2**2, 0.0).sum(0))
        merged[total <= 0, :5] = math.nan
        merged[:, 5] = (zeros * counts).sum(0) / counts.sum(0)
    merged[:, 6:9] = odd.sum(0)
    merged[np.isnan(odd).any((0, 2))] = math.nan
    return merged


def _common_steps(runs: Sequence[RunData]) -> list[tuple[int, ...]]:
    """For each step that all runs have with the same calls, in order, its position in each of them."""
    places = [{step.index: position for position, step in enumerate(run.steps())} for run in runs]
    shared = [index for index in places[0] if all(index in place for place in places)]
    found = [tuple(place[index] for place in places) for index in shared]
    calls: dict[tuple[int, str], tuple[object, ...]] = {}

    def same(positions: tuple[int, ...]) -> bool:
        seen = set()
        for number, (run, position) in enumerate(zip(runs, positions, strict=True)):
            key = (number, run.steps()[position].structure)
            if key not in calls:
                calls[key] = _calls(run.structure(key[1]))
            seen.add(calls[key])
        return len(seen) == 1

    return [positions for positions in found if same(positions)]


def _calls(structure: Structure) -> tuple[object, ...]:
    """What ranks that did the same have in common; devices, and sizes of batches and shards, may differ."""
    return tuple((node.kind, node.op, node.name, len(node.outputs)) for node in structure.nodes)


def _structure(run: RunData, position: int) -> Structure:
    return run.structure(run.steps()[position].structure)


def _rows(run: RunData, position: int, table: str) -> dict[tuple[int, ...], int]:
    """The row of each key: (node, output) of a value, and for events also the pass and how many of it came before."""
    if table == "output":
        structure = _structure(run, position)
        return {
            (node.id, index): structure.value_row(ValueRef(node.id, index))
            for node in structure.nodes
            for index in range(len(node.outputs))
        }
    events = run.events(position)
    of_kind = events[events["kind"] == _EVENT_OF[table]]
    seen: dict[tuple[int, ...], int] = defaultdict(int)
    rows = {}
    columns = (of_kind[name].tolist() for name in ("node", "index", "pass"))
    for row, place in enumerate(zip(*columns, strict=True)):
        rows[(*place, seen[place])] = row
        seen[place] += 1
    return rows


def _elements(
    structure: Structure, table: str, order: Sequence[tuple[int, ...]]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """How many elements each row's tensor has in this rank, and whether that is certain.

    The gradient of a DTensor may be spread in another way than the DTensor itself.
    """
    counts, certain = [], []
    for node, index, *_ in order:
        found = structure.nodes[node]
        shard = found.attributes.get("shards", {}).get(str(index))
        counts.append(math.prod(shard["shape"] if shard else found.outputs[index].shape))
        certain.append(shard is None or table in ("output", "update"))
    return np.array(counts, np.float64), np.array(certain, np.bool_)


def _plausible(numbers: Floats, counts: Floats) -> npt.NDArray[np.bool_]:
    """Whether a row's numbers fit a number of elements: the squared norm is n (mean² + std²)."""
    with np.errstate(invalid="ignore"):
        finite = counts - numbers[:, 6:9].sum(-1)
        expected = finite * (numbers[:, 0] ** 2 + numbers[:, 1] ** 2)
        close: npt.NDArray[np.bool_] = np.abs(expected - numbers[:, 4] ** 2) <= _ROUNDING * numbers[:, 4] ** 2
    return close
