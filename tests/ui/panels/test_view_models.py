"""What the panels show, without a window: modules, events, tensors, flow, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.stats import HISTOGRAM_LOWEST, Stats
from graphviz_nn.model.tensors import TensorData, TensorKey
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Session, ValueSelection
from graphviz_nn_ui.viewmodels.event_rows import EventRows
from graphviz_nn_ui.viewmodels.finding_rows import (
    begins_at,
    count_text,
    curves,
    evidence_rows,
    go_to,
    next_finding,
    rule_text,
    worst_first,
)
from graphviz_nn_ui.viewmodels.flow import flow_of
from graphviz_nn_ui.viewmodels.inspection import inspect
from graphviz_nn_ui.viewmodels.magnitudes import magnitudes
from graphviz_nn_ui.viewmodels.module_rows import ModuleOverview, Modules, worst_findings
from graphviz_nn_ui.viewmodels.norms_over_steps import norms_over_steps
from graphviz_nn_ui.viewmodels.numbers import nonfinite_text, number_text, share_text, short_text
from graphviz_nn_ui.viewmodels.source_text import spans_of
from graphviz_nn_ui.viewmodels.step_numbers import NEVER, TENSOR, StepNumbers
from graphviz_nn_ui.viewmodels.tensor_cards import STAT_ROWS, cards_of, stat_texts, update_ratio
from graphviz_nn_ui.viewmodels.tensor_pages import (
    PAGE_COLUMNS,
    PAGE_ROWS,
    TensorPages,
    comma_separated,
    element_text,
    numpy_text,
    tensor_pages,
)
from graphviz_nn_ui.viewmodels.ticks import decade_ticks, linear_ticks, power_text

Opened = Callable[[Path], Session]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens runs as sessions; closes them after the test."""
    runs = []

    def open_run(path: Path) -> Session:
        runs.append(gnn.load(path))
        return Session(runs[-1].data)

    yield open_run
    for run in runs:
        run.close()


def numbers_of(session: Session) -> StepNumbers:
    return StepNumbers(session.data, session.step)


def node_id(session: Session, name: str) -> int:
    return session.structure.by_name[name].id


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


class TestModules:
    def test_tree_follows_the_paths(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        (root,) = tree.roots
        assert [child.name for child in root.children] == ["stem", "block", "head"]
        assert tree.by_path["block.conv"].parent is tree.by_path["block"]
        assert tree.by_path["block.conv"].parameters == 4 * 4 * 9
        assert root.parameters == 40 + 144 + 8 + 650

    def test_gradient_of_a_module_is_that_of_its_parameters(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        overview = ModuleOverview(Modules(session.structure), numbers_of(session))
        norms = overview.norms_at(session.cursor)
        with gnn.load(digits_run) as run:
            weight, bias = (run.stats(f"stem.{name}", "parameter_gradient").l2 for name in ("weight", "bias"))
        stem = overview.tree.by_path["stem"]
        assert norms[stem.number] == pytest.approx(np.hypot(weight, bias))
        assert np.isnan(norms[overview.tree.by_path["block.pool"].number])

    def test_gradients_come_with_the_cursor(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        overview = ModuleOverview(Modules(session.structure), numbers_of(session))
        order = session.step.order
        bias = node_id(session, "head.1.bias")
        events = order.events_of(bias)
        first = int(events[order.kind[events] == EventKind.GRADIENT][0])
        head, stem = (overview.tree.by_path[path].number for path in ("head", "stem"))
        assert np.isnan(overview.norms_at(first - 1)[stem])
        known = overview.norms_at(first)
        assert known[head] > 0
        assert np.isnan(known[stem])

    def test_filter_keeps_what_is_around(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        narrowed = tree.matching("BatchNorm")
        assert [row.path for row in narrowed] == ["", "block", "block.norm"]
        assert tree.matching("  ") is tree
        assert not len(tree.matching("nothing like it"))

    def test_findings_show_on_the_modules_around(self, digits_run: Path, opened: Opened) -> None:
        tree = Modules(opened(digits_run).structure).tree
        warning = Finding("a", "warning", 0, None, "block.conv", {}, "", "")
        error = Finding("b", "error", 0, None, "block", {}, "", "")
        worst = worst_findings([warning, error], tree)
        assert worst["block.conv"] is warning
        assert worst["block"] is worst[""] is error


class TestEvents:
    def test_every_event_has_words(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session))
        assert len(rows) == len(session.step.order)
        assert all(rows[place].what for place in range(len(rows)))
        conv = node_id(session, "stem")
        call = rows[rows.row_of_node(conv, 0)]
        assert (call.kind, call.what, call.module, call.phase) == (EventKind.CALL, "conv2d", "stem", "forward")

    def test_filters(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        numbers = numbers_of(session)
        updates = EventRows(numbers, "Updates")
        assert {updates[place].phase for place in range(len(updates))} == {"optimizer"}
        backward = EventRows(numbers, phase="Backward")
        assert {backward[place].phase for place in range(len(backward))} == {"backward"}
        assert not len(EventRows(numbers, "Updates", "Forward"))

    def test_the_row_at_a_cursor_is_the_last_that_happened(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session), "Gradients")
        first = int(rows.shown[0])
        assert rows.row_at(first - 1) == -1
        assert rows.row_at(first) == 0
        assert rows.row_at(session.cursor) == len(rows) - 1

    def test_a_row_says_what_it_is_about(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        rows = EventRows(numbers_of(session))
        assert rows.selection(0) == ModuleSelection("", 1)
        place = rows.row_of_node(node_id(session, "stem"), 0)
        assert rows.selection(place) == NodeSelection(node_id(session, "stem"))


class TestCards:
    def test_value_and_gradient_side_by_side(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        value, gradient = cards_of(session, numbers_of(session), ValueRef(node_id(session, "stem"), 0), 0)
        with gnn.load(digits_run) as run:
            stats = run.stats("stem", "output")
        texts = dict(zip(STAT_ROWS, stat_texts(value.stats), strict=True))
        assert texts["min"] == short_text(stats.min)
        assert texts["mean"] == short_text(stats.mean)
        assert texts["‖·‖₂"] == short_text(stats.l2)
        assert gradient.key == TensorKey("gradient", node_id(session, "stem"), 0, 0)
        assert gradient.happened

    def test_what_comes_later_is_said(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        session.scrub(3)
        _, gradient = cards_of(session, numbers_of(session), ValueRef(node_id(session, "stem"), 0), 0)
        assert not gradient.happened
        assert "after the cursor" in gradient.state

    def test_never_arrived_says_why(self, digits_run: Path, forward_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        image = next(node for node in session.structure.nodes if node.kind == "input")
        numbers = numbers_of(session)
        assert numbers.arrival(ValueRef(image.id, 0), 0) == NEVER
        assert "requires_grad is False" in cards_of(session, numbers, ValueRef(image.id, 0), 0)[1].state
        forward = opened(forward_run)
        stem = ValueRef(node_id(forward, "stem"), 0)
        assert "no backward pass" in cards_of(forward, numbers_of(forward), stem, 0)[1].state

    def test_a_parameter_has_contribution_gradient_and_update(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        numbers = numbers_of(session)
        weight = node_id(session, "stem.weight")
        titles = [card.title for card in cards_of(session, numbers, ValueRef(weight, 0), 0)]
        assert titles == ["value", "pass 0", ".grad", "update"]
        with gnn.load(digits_run) as run:
            expected = run.stats(weight, "update").l2 / run.stats(weight, "output").l2
        assert update_ratio(session, numbers, weight) == pytest.approx(expected)

    def test_no_finite_element_has_no_minimum(self, broken_run: Path, opened: Opened) -> None:
        session = opened(broken_run)
        card = cards_of(session, numbers_of(session), ValueRef(node_id(session, "log"), 0), 0)[0]
        texts = dict(zip(STAT_ROWS, stat_texts(card.stats), strict=True))
        assert texts["min"] == "–"
        assert texts["NaN/Inf"] == "✖ 8 −Inf"


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


class TestFlow:
    def test_three_in_three_out(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        coming, going = flow_of(session, numbers_of(session), node_id(session, "block.conv"))
        assert [group.title for group in coming] == ["Inputs", "Parameters", "Incoming gradient"]
        assert [group.title for group in going] == ["Outputs", "Gradient of the inputs", "Gradient of the parameters"]
        (weight,) = coming[1].rows
        assert (weight.title, weight.name, weight.there, weight.kept) == ("weight", "block.conv.weight", True, True)

    def test_before_the_backward_pass_gradients_name_their_event(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        session.scrub(5)
        coming, _ = flow_of(session, numbers_of(session), node_id(session, "block.conv"))
        row = coming[2].rows[0]
        assert not row.there
        assert row.norm.startswith("at #")

    def test_without_a_backward_pass_there_are_no_gradients(self, forward_run: Path, opened: Opened) -> None:
        session = opened(forward_run)
        coming, going = flow_of(session, numbers_of(session), node_id(session, "block.conv"))
        assert [group.phase for group in (*coming, *going)] == ["forward"] * 3


class TestInspection:
    def test_every_node_module_and_edge(
        self, digits_run: Path, lstm_run: Path, broken_run: Path, forward_run: Path, plain_run: Path, opened: Opened
    ) -> None:
        for path in (digits_run, lstm_run, broken_run, forward_run, plain_run):
            session = opened(path)
            numbers = numbers_of(session)
            for node in session.structure.nodes:
                assert inspect(session, numbers, NodeSelection(node.id), 0, None).title
                for index in range(len(node.outputs)):
                    assert inspect(session, numbers, ValueSelection(node.id, index), 0, None).cards
                for place, edge in enumerate(node.inputs):
                    found = inspect(session, numbers, EdgeSelection(edge.node, edge.output, node.id, place), 0, None)
                    assert f"fills {edge.argument}" in found.subtitle
            for module in session.structure.modules:
                assert inspect(session, numbers, ModuleSelection(module.path), 0, None).sections

    def test_the_call_that_failed(self, broken_run: Path, opened: Opened) -> None:
        session = opened(broken_run)
        failed = next(node for node in session.structure.nodes if "error" in node.attributes)
        found = inspect(session, numbers_of(session), NodeSelection(failed.id), 0, None)
        assert "shapes cannot be multiplied" in found.alarm
        assert not found.cards

    def test_kept_tensors_are_offered_once(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        found = inspect(session, numbers_of(session), NodeSelection(node_id(session, "stem")), 0, None)
        keys = [choice.key for choice in found.tensors]
        assert len(keys) == len(set(keys))
        assert [choice.title for choice in found.tensors[:2]] == ["value", "gradient"]
        assert all(key in session.step.kept for key in keys)

    def test_a_module_lists_its_parameters(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        found = inspect(session, numbers_of(session), ModuleSelection("block"), 0, None)
        assert [line.name for line in found.parameters] == ["conv.weight", "norm.weight", "norm.bias"]
        assert all(line.ratio != "–" for line in found.parameters)

    def test_what_autograd_saved_is_listed_or_missed_aloud(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        found = inspect(session, numbers_of(session), NodeSelection(node_id(session, "stem")), 0, None)
        (saved,) = (section for section in found.sections if section.title == "Saved for backward")
        assert saved.facts or "does not say" in saved.empty


class TestPages:
    @staticmethod
    def in_memory(
        array: np.ndarray, strides: tuple[int, ...] | None = None, shape: tuple[int, ...] = ()
    ) -> TensorPages:
        class Whole:
            def read(self, start: int, stop: int) -> TensorData:
                assert 0 <= start <= stop <= array.size
                reads.append(stop - start)
                return TensorData(str(array.dtype), (stop - start,), array.reshape(-1)[start:stop].view(np.uint8))

        reads: list[int] = []
        pages = TensorPages(str(array.dtype), shape or array.shape, strides, Whole())
        pages.reads = reads  # type: ignore[attr-defined]
        return pages

    def test_last_two_dimensions_stand_in_the_table(self) -> None:
        array = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
        pages = self.in_memory(array)
        assert (pages.leading, pages.rows, pages.columns) == ((2, 3), 4, 5)
        assert np.array_equal(pages.page((1, 2)).numbers, array[1, 2])
        assert np.array_equal(pages.page((0, 1), row=1, column=3).numbers, array[0, 1, 1:, 3:])

    def test_a_page_of_a_wide_matrix_reads_its_own_part(self) -> None:
        array = np.arange(300 * 20_000, dtype=np.float32).reshape(300, 20_000)
        pages = self.in_memory(array)
        page = pages.page((), row=130, column=19_900)
        assert page.numbers.shape == (PAGE_ROWS, PAGE_COLUMNS)
        assert np.array_equal(page.numbers, array[130 : 130 + PAGE_ROWS, 19_900 : 19_900 + PAGE_COLUMNS])
        assert sum(pages.reads) <= PAGE_ROWS * PAGE_COLUMNS  # type: ignore[attr-defined]

    def test_strides(self) -> None:
        array = np.arange(12, dtype=np.int64)
        transposed = self.in_memory(array, strides=(1, 3), shape=(3, 4))
        assert np.array_equal(transposed.page(()).numbers, array.reshape(4, 3).T)
        expanded = self.in_memory(np.arange(3.0), strides=(0, 1), shape=(4, 3))
        assert np.array_equal(expanded.page(()).numbers, np.tile(np.arange(3.0), (4, 1)))

    @pytest.mark.parametrize("shape", [(), (7,), (0,), (0, 3), (3, 0), (2, 0, 4)])
    def test_few_dimensions_and_none(self, shape: tuple[int, ...]) -> None:
        array = np.ones(shape, np.float32)
        pages = self.in_memory(array)
        page = pages.page(tuple(0 for _ in pages.leading))
        assert page.numbers.size == array.size

    def test_range_leaves_out_what_is_not_finite(self) -> None:
        page = self.in_memory(np.array([[np.nan, 2.0], [-np.inf, -1.0]])).page(())
        assert (page.low, page.high, page.bad) == (-1.0, 2.0, 2)
        assert element_text(page.numbers[0, 0]) == "✖ NaN"
        assert element_text(page.numbers[1, 0]) == "✖ −∞"

    def test_copies_lose_nothing(self) -> None:
        numbers = np.array([[0.1, 1 / 3], [1e-20, np.nan]], np.float32)
        read = np.array([line.split(",") for line in comma_separated(numbers).split("\n")], np.float32)
        assert np.array_equal(read, numbers, equal_nan=True)
        again = eval(numpy_text(numbers), {"array": np.array, "float32": np.float32, "nan": np.nan})
        assert np.array_equal(again, numbers, equal_nan=True)

    def test_pages_of_a_file_are_those_of_the_tensor(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        key = TensorKey("gradient", node_id(session, "stem"), 0)
        pages = tensor_pages(session.data, session.position, key)
        assert pages is not None
        with gnn.load(digits_run) as run:
            gradient = run.gradient("stem")
            assert gradient is not None
            assert np.array_equal(pages.page((3, 1)).numbers, gradient[3, 1].numpy())
        assert tensor_pages(session.data, session.position, TensorKey("value", 10**6, 0)) is None

    def test_a_type_that_numpy_has_not_says_what_to_do(self) -> None:
        class Halves:
            def read(self, start: int, stop: int) -> TensorData:
                return TensorData("float8_e5m2", (stop - start,), np.zeros(stop - start, np.uint8))

        with pytest.raises(NotRecorded, match=r"run\.value"):
            TensorPages("float8_e5m2", (2, 2), None, Halves()).page(())


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


class TestFindings:
    FOUND = Finding(
        "vanishing_depth", "warning", 11, None, "stem",
        {"ratio": 1e-6, "by_layer": [1.0, 1e-3, 1e-6], "names": ["head.1", "block.conv", "stem"]},
        "It shrinks.", "Do something.",
    )  # fmt: skip

    def test_the_worst_comes_first(self) -> None:
        info = Finding("a", "info", 0, None, None, {}, "", "")
        error = Finding("b", "error", 0, None, None, {}, "", "")
        assert worst_first([info, self.FOUND, error]) == [error, self.FOUND, info]
        assert worst_first([info, error], ["info"]) == [info]
        assert count_text([error, info, error]) == "✖ 2 errors · ● 1 info"
        assert count_text([]) == "no findings"

    def test_lists_are_drawn_and_the_rest_is_written(self) -> None:
        (curve,) = curves(self.FOUND)
        assert curve.ticks == ("head.1", "block.conv", "stem")
        assert curve.logarithmic
        assert curve.band is not None
        assert curve.band[0] == 1e-4
        assert evidence_rows(self.FOUND) == [("ratio", "1e-6")]

    def test_rules_explain_themselves(self) -> None:
        assert "**Remedy.**" in rule_text("vanishing_depth")
        assert rule_text("no_such_rule") == ""

    def test_trouble_begins_where_it_shows(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        order, states, stem = session.step.order, session.step.states, node_id(session, "stem")
        forward = Finding("nonfinite_forward", "error", 11, stem, "stem", {}, "", "")
        backward = Finding("nonfinite_backward", "error", 11, stem, "stem", {}, "", "")
        assert order.kind[begins_at(forward, order, states)] == EventKind.CALL
        assert order.kind[begins_at(backward, order, states)] == EventKind.GRADIENT
        assert begins_at(self.FOUND, order, states) == len(order) - 1

    def test_going_there(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        stem = node_id(session, "stem")
        finding = Finding("nonfinite_forward", "error", 2, stem, "stem", {}, "", "")
        go_to(session, finding)
        assert session.position == 2
        assert session.place.nodes[0] == stem
        assert session.selection == NodeSelection(stem)

    def test_next_and_former(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        stem, head = node_id(session, "stem"), node_id(session, "head.1")
        position = session.position
        found = [Finding("nonfinite_forward", "error", position, node, None, {}, "", "") for node in (head, stem)]
        earlier = Finding("nonfinite_forward", "error", 3, stem, None, {}, "", "")
        session.scrub(-1)
        assert next_finding(session, [*found, earlier]) is found[1]
        go_to(session, found[1])
        assert next_finding(session, [*found, earlier]) is found[0]
        assert next_finding(session, [*found, earlier], back=True) is earlier
        go_to(session, found[0])
        assert next_finding(session, found) is None

    def test_norms_over_steps(self, digits_run: Path, opened: Opened) -> None:
        session = opened(digits_run)
        drawn = norms_over_steps(session.data, session.position, node_id(session, "stem"), lambda: None)
        assert drawn is not None
        assert [curve.label for curve in drawn.curves] == ["output", "gradient"]
        with gnn.load(digits_run) as run:
            assert drawn.curves[1].y[-1] == pytest.approx(run.stats("stem", "gradient").l2)
        assert len(drawn.curves[0].x) == 12

    def test_norms_of_a_run_without_numbers(self, plain_run: Path, opened: Opened) -> None:
        session = opened(plain_run)
        assert norms_over_steps(session.data, session.position, 0, lambda: None) is None
