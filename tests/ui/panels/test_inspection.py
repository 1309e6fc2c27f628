"""What the inspector shows, without a window."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import graphviz_nn as gnn
from graphviz_nn.model.nodes import ValueRef
from graphviz_nn.model.tensors import TensorKey
from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, Session, ValueSelection
from graphviz_nn_ui.viewmodels import parameter_lines
from graphviz_nn_ui.viewmodels.flow import flow_of
from graphviz_nn_ui.viewmodels.inspection import inspect
from graphviz_nn_ui.viewmodels.numbers import short_text
from graphviz_nn_ui.viewmodels.sections import Section
from graphviz_nn_ui.viewmodels.step_numbers import NEVER
from graphviz_nn_ui.viewmodels.tensor_cards import STAT_ROWS, cards_of, stat_texts, update_ratio
from tests.support.panels import Opened, node_id, numbers_of


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
        assert update_ratio(numbers, weight) == pytest.approx(expected)

    def test_no_finite_element_has_no_minimum(self, broken_run: Path, opened: Opened) -> None:
        session = opened(broken_run)
        card = cards_of(session, numbers_of(session), ValueRef(node_id(session, "log"), 0), 0)[0]
        texts = dict(zip(STAT_ROWS, stat_texts(card.stats), strict=True))
        assert texts["min"] == "–"
        assert texts["NaN/Inf"] == "✖ 8 −Inf"


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

    def test_parameters_are_worked_out_when_they_are_looked_at(
        self, digits_run: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = opened(digits_run)
        numbers, worked = numbers_of(session), []
        monkeypatch.setattr(parameter_lines, "update_ratio", lambda numbers, node: worked.append(node))
        found = inspect(session, numbers, ModuleSelection(""), 0, None).parameters
        assert len(found) == 7
        assert len(worked) == 1
        assert found[-1].name == "head.1.bias"
        assert [line.shape for line in found[:2]] == ["4×1×3×3", "4"]
        assert len(worked) == 3
        assert found == inspect(session, numbers, ModuleSelection(""), 0, None).parameters
        assert found != inspect(session, numbers, ModuleSelection("block"), 0, None).parameters

    def test_what_autograd_saved_is_listed(self, tmp_path: Path, opened: Opened) -> None:
        path = gnn.trace(nn.Conv2d(1, 2, 3), torch.rand(1, 1, 8, 8)).save(tmp_path / "convolution.gvnn")
        found = saved_for_backward(opened(path), "conv2d")
        assert [fact.name for fact in found.facts] == ["input", "weight"]
        assert found.facts[0].text.endswith("· 256 B")

    def test_where_nothing_was_saved_or_noted(self, forward_run: Path, digits_run: Path, opened: Opened) -> None:
        assert saved_for_backward(opened(forward_run), "stem").empty == "Nothing."
        assert "does not say" in saved_for_backward(opened(digits_run), "stem").empty


def saved_for_backward(session: Session, name: str) -> Section:
    """The section of the inspector on a call that says what autograd saved of it."""
    found = inspect(session, numbers_of(session), NodeSelection(node_id(session, name)), 0, None)
    (section,) = (section for section in found.sections if section.title == "Saved for backward")
    return section
