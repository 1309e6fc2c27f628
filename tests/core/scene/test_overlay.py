"""The numbers that colour a picture, by hand on a small network, and what is said where there are none."""

import math

import numpy as np
import pytest

from graphviz_nn.errors import NotRecorded, OptionError
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.stats import STATS, StatTable
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.overlay import Overlay, overlay, scientific
from tests.support.runs import EventRow, no_stats, one_step_run
from tests.support.structures import StructureBuilder


def network() -> Structure:
    """x(0) → linear(3; weight 1, bias 2) → chunk(4, two outputs)."""
    b = StructureBuilder()
    x = b.input("x", (4, 8))
    hidden = b.linear("fc", x, 6)
    b.op("chunk", hidden, shapes=[(4, 2), (4, 4)])
    return b.build()


def table(structure: Structure, **columns: dict[int, float]) -> StatTable:
    """Rows of the values named in the columns; zeros in the columns not given."""
    found = no_stats(structure.value_count)
    for name, numbers in columns.items():
        for row, number in numbers.items():
            if np.isnan(found[row, 0]):
                found[row] = 0
            found[row, STATS.index(name)] = number
    return found


def read(color_by: str, stats: dict[str, StatTable], events: list[EventRow] | None = None) -> Overlay:
    found = overlay(one_step_run(network(), events or [], stats), 0, color_by)
    assert found is not None
    return found


def test_none_is_no_overlay() -> None:
    assert overlay(one_step_run(network()), 0, "none") is None


def test_activation_is_the_norm_of_all_outputs_together() -> None:
    found = read("activation", {"output": table(network(), l2={3: 6.0, 4: 3.0, 5: 4.0})})
    assert found.number([3]) == 6
    assert found.number([4]) == 5
    assert math.isnan(found.number([0]))
    assert found.number([0, 3, 4]) == pytest.approx(math.sqrt((36 + 25) / 2))


def test_zeros_are_weighted_by_elements() -> None:
    found = read("zeros", {"output": table(network(), zeros={3: 0.5, 4: 1.0, 5: 0.25})})
    assert found.number([4]) == pytest.approx((8 * 1.0 + 16 * 0.25) / 24)
    assert found.number([3, 4]) == pytest.approx((24 * 0.5 + 8 * 1.0 + 16 * 0.25) / 48)


def test_gradient_follows_the_events_and_the_last_pass_wins() -> None:
    rows = np.zeros((3, len(STATS)), dtype=np.float32)
    rows[:, STATS.index("l2")] = [1.0, 2.0, 7.0]
    events: list[EventRow] = [
        (EventKind.CALL, 0, 0),
        (EventKind.GRADIENT, 4, 1),
        (EventKind.GRADIENT, 3, 0),
        (EventKind.GRADIENT, 3, 0),
    ]
    found = read("gradient", {"gradient": rows}, events)
    assert (found.number([4]), found.number([3])) == (1, 7)


def test_nonfinite_counts_outputs_and_gradients_and_alarms() -> None:
    rows = np.zeros((1, len(STATS)), dtype=np.float32)
    rows[0, STATS.index("posinf")] = 2
    stats = {"output": table(network(), nan={3: 3.0, 4: 0.0}), "gradient": rows}
    found = read("nonfinite", stats, [(EventKind.GRADIENT, 3, 0)])
    assert found.number([3]) == 5
    assert math.isnan(found.number([4]))
    assert found.alarms([3, 4])
    assert not found.alarms([4])


def test_other_quantities_alarm_too() -> None:
    found = read("activation", {"output": table(network(), l2={3: 1.0}, neginf={3: 1.0})})
    assert found.alarms([3])


def test_update_is_relative_to_the_parameters_read() -> None:
    rows = np.zeros((2, len(STATS)), dtype=np.float32)
    rows[:, STATS.index("l2")] = [0.3, 0.4]
    stats = {"output": table(network(), l2={1: 3.0, 2: 4.0}), "update": rows}
    found = read("update", stats, [(EventKind.UPDATE, 1, 0), (EventKind.UPDATE, 2, 0)])
    assert found.number([3], [1, 2]) == pytest.approx(0.1)
    assert found.number([3], [1]) == pytest.approx(0.1)
    assert math.isnan(found.number([4], []))


def test_time_is_from_the_event_before() -> None:
    events: list[EventRow] = [(EventKind.CALL, 0, 0), (EventKind.CALL, 3, 0), (EventKind.CALL, 4, 0)]
    run = one_step_run(network(), events, times=[0.5, 0.75, 1.75])
    found = overlay(run, 0, "time")
    assert found is not None
    assert [found.number([node]) for node in (0, 3, 4)] == [0.5, 0.25, 1.0]
    assert found.number([3, 4]) == 1.25


def test_memory_is_the_sum_of_the_outputs_bytes() -> None:
    found = read("memory", {})
    assert found.number([4]) == 4 * (8 + 16)
    assert found.number([3, 4]) == 4 * (24 + 24)
    assert found.quantity.text(96 * 1024) == "96 KiB"


@pytest.mark.parametrize(
    ("color_by", "events", "message"),
    [
        ("activation", [], "keep='stats'"),
        ("zeros", [], "keep='stats'"),
        ("gradient", [], "no backward pass was recorded"),
        ("gradient", [(EventKind.GRADIENT, 3, 0)], "keep='stats'"),
        ("update", [], "with an optimizer"),
        ("time", [(EventKind.CALL, 3, 0)], "no times"),
    ],
)
def test_what_was_not_recorded_says_how_to_record_it(color_by: str, events: list[EventRow], message: str) -> None:
    with pytest.raises(NotRecorded, match=message):
        read(color_by, {}, events)


def test_unknown_quantity() -> None:
    with pytest.raises(OptionError, match=r"'gradients'.*choose one of none.*Did you mean 'gradient'\?"):
        read("gradients", {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.35, "0.35"),
        (12.3, "12"),
        (999.4, "999"),
        (1.2e-6, "1.2e-6"),
        (123456, "1.2e5"),
        (-0.001, "-1.0e-3"),
    ],
)
def test_scientific(value: float, text: str) -> None:
    assert scientific(value) == text
