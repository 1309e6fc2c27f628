"""Facts about a module: its class, calls, costs and parameters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from graphviz_nn.model.events import EventKind
from graphviz_nn.model.modules import Module
from graphviz_nn.scene.words import count_text
from graphviz_nn.session import ModuleSelection, Session
from graphviz_nn_ui.viewmodels.numbers import size_text, time_text
from graphviz_nn_ui.viewmodels.sections import Fact, Section, attribute_text
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers

if TYPE_CHECKING:
    from graphviz_nn.graph.cost import Costs

_MOST_CALLS: Final = 200


def module_sections(session: Session, numbers: StepNumbers, module: Module, costs: Costs | None) -> tuple[Section, ...]:
    """Returns what there is to say about a module in the open step."""
    calls = _calls(session, numbers, module.path)
    sections = (
        Section("Module", tuple(_facts(module, len(calls)))),
        Section("Cost", tuple(_cost(module.path, calls, costs))),
        Section("Attributes", tuple(Fact(name, attribute_text(value)) for name, value in module.attributes.items())),
        Section(
            "Calls",
            tuple(
                Fact(f"call {call}", time_text(seconds), selection=ModuleSelection(module.path, call))
                for call, seconds in calls[:_MOST_CALLS]
            ),
            "This step did not call it.",
        ),
    )
    return tuple(section for section in sections if section.facts or section.empty)


def _facts(module: Module, calls: int) -> Iterator[Fact]:
    yield Fact("class", module.bases[0] if module.bases else module.type)
    yield Fact("path", module.path or "(root)")
    yield Fact("mode", "training" if module.training else "evaluation", "At its first call")
    yield Fact("calls", str(calls))


def _cost(path: str, calls: list[tuple[int, float]], costs: Costs | None) -> Iterator[Fact]:
    times = [seconds for _, seconds in calls if not math.isnan(seconds)]
    if times:
        yield Fact("time of its calls", time_text(math.fsum(times)), "Recording included")
    if costs is None:
        return
    total, own = costs.module_parameters.get(path, 0), costs.own_parameters.get(path, 0)
    yield Fact("parameters", f"{count_text(total)}, {count_text(own)} of its own", f"{total:,}; {own:,} of its own")
    yield Fact("memory of parameters", size_text(costs.module_parameter_bytes.get(path, 0)))
    flops = costs.module_flops.get(path, 0)
    yield Fact("operations, forward", f"{count_text(flops)} FLOPs", f"{flops:,}; a multiply-add counts 2")
    yield Fact("memory of values, forward", size_text(costs.module_bytes.get(path, 0)))


def _calls(session: Session, numbers: StepNumbers, path: str) -> list[tuple[int, float]]:
    """Each call's count from 1, and its seconds (NaN where not measured)."""
    order = session.step.order
    entered = {int(order.module_call[seq]): int(seq) for seq in np.flatnonzero(order.kind == EventKind.MODULE_ENTER)}
    found = []
    for number, call in enumerate(order.structure.module_calls):
        if call.path != path:
            continue
        start = entered.get(number)
        end = -1 if start is None else int(order.spans.partner[start])
        seconds = float(numbers.spent[start + 1 : end + 1].sum()) if start is not None and end >= 0 else math.nan
        found.append((call.call, seconds))
    return found
