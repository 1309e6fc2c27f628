"""Makes the record of a step that is over, reusing what was made of the last one where the step did the same."""

from __future__ import annotations

from typing import Any

from graphviz_nn.model.stats import StatTable
from graphviz_nn.model.steps import HistogramTable, StepInfo, StepRecord
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.recording.argument_forms import ArgumentForms
from graphviz_nn.recording.assemble import Assembly
from graphviz_nn.recording.modules import ModuleNames
from graphviz_nn.recording.step import RecordedStep
from graphviz_nn.recording.tables import Events, kept_tensors, loss_of, statistics_tables
from graphviz_nn.recording.tape import Tape
from graphviz_nn.recording.trained import Training


class Finisher:
    """Turns recorded steps into `StepRecord`s, one after the other."""

    def __init__(self, names: ModuleNames, training: Training) -> None:
        self._names = names
        self._training = training
        self._tape: Tape | None = None
        self._assembly: Assembly | None = None
        self._forms = ArgumentForms(())
        self._events: Events | None = None

    def record(self, step: RecordedStep) -> StepRecord:
        """Returns the record of a step after its `end`; on an accelerator its numbers are waited for here."""
        tape = step.tape
        assembly, events = self._assemble(tape)
        structure = assembly.structure
        stats: dict[str, StatTable] = {}
        histograms: dict[str, HistogramTable] = {}
        tensors: dict[TensorKey, TensorData] = {}
        if step.observations is not None:
            rows = assembly.refs.rows(structure.value_offsets)
            stats, histograms = statistics_tables(step.observations, events, rows, structure.value_count)
            tensors = kept_tensors(step.observations, assembly)
        info = StepInfo(
            index=step.index,
            structure=structure.digest,
            started=step.started,
            duration=step.duration,
            loss=loss_of(tape.losses),
            passes=len(tape.passes),
            forward_only=not tape.passes,
            error=step.error_info(),
            optimizers=self._training.optimizers,
        )
        metrics = {} if step.metrics is None else step.metrics.tables(assembly.ref)
        timed = events.timed(tape, step.mode.started)
        return StepRecord(info, structure, timed, stats, histograms, tensors, metrics)

    def _assemble(self, tape: Tape) -> tuple[Assembly, Events]:
        last, assembly, events = self._tape, self._assembly, self._events
        parameters = self._training.parameters(tape)
        known = assembly is not None and assembly.structure.parameters is parameters
        same = last is not None and known and _same_structure(last, tape) and self._forms.match(tape.ops)
        if assembly is None or not same:
            self._forms = ArgumentForms(tape.ops)
            assembly, events = Assembly(tape, self._names, parameters), None
        if last is None or events is None or last.order != tape.order:
            events = Events(tape, assembly)
            self._tape, self._assembly, self._events = tape, assembly, events
        return assembly, events

    @property
    def calls(self) -> list[tuple[Any, ...]]:
        """The calls of the last step, in the form of `graphviz_nn.recording.tape.Op`."""
        return [] if self._tape is None else self._tape.ops

    def release(self, tape: Tape) -> None:
        """Gives back the memory of a tape whose record has been made, unless later steps are compared with it."""
        if tape is not self._tape:
            tape.clear()


def _same_structure(a: Tape, b: Tape) -> bool:
    return (
        a.ops == b.ops
        and a.values == b.values
        and a.module_calls == b.module_calls
        and a.versions == b.versions
        and a.source_names == b.source_names
        and (a.aten, a.aten_backward, a.saved) == (b.aten, b.aten_backward, b.saved)
        and (a.groups, a.passes, a.outputs, a.recomputed, a.autocasts, a.errors, a.shards)
        == (b.groups, b.passes, b.outputs, b.recomputed, b.autocasts, b.errors, b.shards)
    )
