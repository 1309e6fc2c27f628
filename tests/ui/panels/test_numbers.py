"""Numbers of a step and how they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphviz_nn as gnn
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import HISTOGRAM_LOWEST, Stats
from graphviz_nn_ui.viewmodels.magnitudes import magnitudes
from graphviz_nn_ui.viewmodels.numbers import nonfinite_text, number_text, share_text, short_text
from graphviz_nn_ui.viewmodels.source_text import spans_of
from graphviz_nn_ui.viewmodels.step_numbers import TENSOR
from graphviz_nn_ui.viewmodels.ticks import decade_ticks, linear_ticks, power_text
from tests.support.panels import Opened, node_id, numbers_of


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.0, "0"), (312.41, "312.4"), (1e-7, "1e-7"), (float("nan"), "NaN"), (float("-inf"), "−∞")],
    )
    def test_number(self, value: float, text: str) -> None:
        assert number_text(value) == text

    @pytest.mark.parametrize(("value", "text"), [(0.001378, "1.38e-3"), (-2e-5, "-2e-5"), (45.51, "45.5"), (0, "0")])
    def test_short(self, value: float, text: str) -> None:
        assert short_text(value) == text

    def test_share_is_never_rounded_to_all_or_nothing(self) -> None:
        assert share_text(1e-6) == "< 0.1 %"
        assert share_text(0.99999) == "> 99.9 %"
        assert share_text(0.0) == "0 %"
        assert share_text(0.125) == "12.5 %"

    def test_what_is_not_finite_has_sign_and_word(self) -> None:
        stats = Stats(0, 0, 0, 0, 0, 0, 2, 0, 3)
        assert nonfinite_text(stats) == "✖ 2 NaN, 3 −Inf"

    def test_ticks(self) -> None:
        assert [tick.value for tick in linear_ticks(0.0, 10.0, 5)] == [0, 2, 4, 6, 8, 10]
        assert [tick.text for tick in decade_ticks(1e-3, 10.0, 10)] == ["10⁻³", "10⁻²", "10⁻¹", "1", "10¹"]
        assert len(decade_ticks(1e-30, 1e30, 5)) <= 5
        assert power_text(2, -10) == "2⁻¹⁰"


class TestStepNumbers:
    def test_stats_are_those_of_the_run(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        numbers = numbers_of(session)
        with gnn.load(digits_run) as run:
            for node in session.structure.nodes:
                for index in range(len(node.outputs)):
                    value = ValueRef(node.id, index)
                    if numbers.arrival(value, 0) == TENSOR:
                        assert numbers.stats("gradient", value) == run.stats(node, "gradient", index)
            weight = node_id(session, "stem.weight")
            for table in ("parameter_gradient", "update"):
                assert numbers.stats(table, ValueRef(weight, 0)) == run.stats(weight, table)

    def test_a_step_without_numbers(self, plain_run: Path, opened: Opened) -> None:
        session = opened(plain_run)
        numbers = numbers_of(session)
        conv = ValueRef(node_id(session, "stem"), 0)
        assert numbers.stats("output", conv) is None
        assert numbers.stats("gradient", conv) is None
        assert numbers.arrival(conv, 0) == TENSOR

    def test_times_are_between_events(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        times = session.data.events(session.position)["time"]
        conv = node_id(session, "stem")
        seq = int(session.step.order.events_of(conv)[0])
        assert numbers_of(session).seconds(conv) == pytest.approx(float(times[seq]) - float(times[seq - 1]), abs=1e-7)


class TestMagnitudes:
    def test_shares_are_of_all_elements(self) -> None:
        counts = np.zeros(64, np.uint16)
        counts[-HISTOGRAM_LOWEST] = 3
        counts[-HISTOGRAM_LOWEST + 1] = 1
        bars = magnitudes(counts, Stats(0, 0, 0, 0, 0, 0.5, 1, 0, 0), elements=10)
        assert bars is not None
        assert (bars.zeros, bars.bad) == (0.5, 0.1)
        assert bars.shares[-bars.lowest] == pytest.approx(0.3)
        assert bars.shares[1 - bars.lowest] == pytest.approx(0.1)
        assert bars.bar_text(-bars.lowest).startswith("1 ≤ |x| < 2: 30 %")

    def test_nothing_measured(self) -> None:
        assert magnitudes(None, None, 4) is None


class TestSource:
    def test_parts_have_roles(self) -> None:
        first, second, *_ = spans_of('def f(x):  # why\n    return "a"\n')
        assert {(span.start, span.length, span.role) for span in first} >= {(0, 3, "keyword"), (4, 1, "definition")}
        assert first[-1].role == "comment"
        assert any(span.role == "string" for span in second)

    def test_strings_over_lines_stay_in_their_lines(self) -> None:
        lines = spans_of('x = """one\ntwo"""\ny = 1\n')
        assert {span.role for span in lines[1]} == {"string"}
        assert lines[1][0].start == 0
        assert lines[2][-1] == (4, 1, "number")
