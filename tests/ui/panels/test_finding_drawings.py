"""What is drawn of a finding: the lists of its evidence, and what the run shows beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

import graphviz_nn as gnn
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.steps import RunData
from graphviz_nn.model.views import Curves
from graphviz_nn.session import Session
from graphviz_nn_ui.viewmodels.finding_course import course
from graphviz_nn_ui.viewmodels.finding_curves import curves
from graphviz_nn_ui.viewmodels.finding_rows import evidence_rows, histogram_of, rule_pages, rule_text, where_text
from graphviz_nn_ui.viewmodels.norms_over_steps import norms_over_steps
from graphviz_nn_ui.viewmodels.step_numbers import StepNumbers
from tools.rule_examples import EXAMPLES

Found = tuple[RunData, Finding]


@pytest.fixture(scope="module")
def example() -> Callable[[str], Found]:
    """What a rule finds in its example, and the run."""
    known: dict[str, Found] = {}

    def make(rule: str) -> Found:
        if rule not in known:
            torch.manual_seed(0)
            with gnn.record(None, every=1) as recording:
                EXAMPLES[rule](repaired=False)
            known[rule] = recording.run.data, next(f for f in recording.run.findings() if f.rule == rule)
        return known[rule]

    return make


def drawn(found: Found) -> dict[str, Curves]:
    return {each.title: each for each in course(*found, lambda: None).telling}


def test_the_band_of_a_ratio_is_what_the_rule_takes_for_healthy(example) -> None:
    (vanishing,) = curves(example("vanishing_depth")[1])
    assert vanishing.band is not None
    assert (vanishing.band[0], vanishing.x_axis, vanishing.y_axis) == (1e-4, "layer, from the output back", "ratio")
    assert vanishing.curves[0].y[-1] < vanishing.band[0] < vanishing.curves[0].y[0] < vanishing.band[1]


def test_activations_are_held_against_those_of_the_first_layer(example) -> None:
    (drift,) = curves(example("activation_scale")[1])
    first = drift.curves[0].y[0]
    assert drift.band == pytest.approx((first / 1e4, first * 1e4))
    assert drift.curves[0].y[-1] < drift.band[0]


def test_calls_are_held_against_the_last(example) -> None:
    for rule, beyond in (("vanishing_time", -1), ("exploding_time", 1)):
        (calls,) = curves(example(rule)[1])
        assert calls.band is not None
        numbers = calls.curves[0].y
        edge = calls.band[0] if beyond < 0 else calls.band[1]
        assert (numbers[0] - edge) * beyond > 0, rule
        assert calls.band[0] <= numbers[-1] <= calls.band[1]


def test_passes_are_bars_with_their_names(example) -> None:
    finding = example("passes_disagree")[1]
    gradients, factors = curves(finding)
    assert gradients.bars
    assert gradients.ticks == factors.ticks == ("div", "div_2", "div_3", "mse_loss_4")
    assert factors.curves[0].y.tolist() == pytest.approx([0.25, 0.25, 0.25, 1.0])
    assert dict(evidence_rows(finding)) == {"factor": "4", "samples by pass": "16, 16, 16, 16", "steps": "4"}


def test_lists_that_only_count_are_written(example) -> None:
    finding = example("linear_chain")[1]
    assert curves(finding) == []
    assert dict(evidence_rows(finding))["widths"] == "8, 16, 16, 6"


@pytest.mark.parametrize(
    ("rule", "titles"),
    [
        ("diverging", ["Loss"]),
        ("schedule", ["Learning rate", "Loss"]),
        ("learning_rate", ["Learning rate", "Loss", "Change of 2.weight by a step"]),
        ("update_ratio", ["Change of 0.weight by a step"]),
        ("missing_zero_grad", ["Gradient of 0.bias"]),
        ("dead_units", ["Largest output by unit (0: dead)"]),
        ("saturated", ["Results of sigmoid"]),
        ("near_edge", []),
        ("cut_off", ["Gradient of each layer's parameters"]),
        ("not_in_optimizer", ["Change of each layer's parameters"]),
        ("clipped_away", ["Gradient, before and after clipping"]),
        ("broadcast_loss", ["Loss"]),
    ],
)
def test_what_the_run_shows(example, rule, titles) -> None:
    assert list(drawn(example(rule))) == titles


def test_the_loss_of_the_whole_run_with_the_step_of_the_finding(example) -> None:
    data, finding = example("init_scale")
    loss = drawn((data, finding))["Loss"]
    assert loss.cursor == data.steps()[finding.step].index == 0
    assert loss.curves[0].y.tolist() == pytest.approx([info.loss for info in data.steps()])


def test_units_and_the_range_of_a_function(example) -> None:
    units = drawn(example("dead_units"))["Largest output by unit (0: dead)"]
    assert units.bars
    assert units.curves[0].y.tolist() == [0.0] * 32
    results = drawn(example("saturated"))["Results of sigmoid"]
    assert results.band is not None
    assert float(np.min(results.curves[0].y)) > results.band[1]


def test_accumulated_gradients_leave_those_of_the_pass_behind(example) -> None:
    of_pass, kept = drawn(example("missing_zero_grad"))["Gradient of 0.bias"].curves
    assert kept.y[0] == pytest.approx(of_pass.y[0])
    assert kept.y[-1] > 2 * of_pass.y[-1]


@pytest.mark.parametrize(
    ("rule", "title", "phase"),
    [
        ("near_edge", "Result of add, by magnitude", "forward"),
        ("zero_gradient", "Gradient of encoder, by magnitude", "backward"),
        ("integer_images", "Numbers of input, by magnitude", "forward"),
        ("saturated", "Result of 3 (sigmoid), by magnitude", "forward"),
        ("symmetric_init", "Numbers of 0.weight, by magnitude", "forward"),
        ("targets_out_of_range", "Numbers of target, by magnitude", "forward"),
    ],
)
def test_the_histogram_is_of_what_is_at_fault(example, rule, title, phase) -> None:
    data, finding = example(rule)
    session = Session(data)
    session.go_to_step(finding.step)
    found = histogram_of(finding, StepNumbers(data, session.step))
    assert found is not None
    assert found[:2] == (title, phase)


def test_a_single_number_has_no_histogram(example) -> None:
    data, finding = example("diverging")
    assert histogram_of(finding, StepNumbers(data, Session(data).step)) is None


def test_a_layer_without_a_name_is_told_by_its_operator(example) -> None:
    assert where_text(example("saturated")[1], example("saturated")[0]) == "3 (sigmoid)"
    assert where_text(example("zero_gradient")[1], example("zero_gradient")[0]) == "round"


def test_a_rule_is_explained_by_its_page_where_there_is_one(monkeypatch, tmp_path) -> None:
    assert "## Example" in rule_text("vanishing_depth")
    assert (rule_pages() / "vanishing_depth.md").is_file()
    monkeypatch.setattr("graphviz_nn_ui.viewmodels.finding_rows.rule_pages", lambda: tmp_path)
    assert "## Example" not in rule_text("vanishing_depth")
    assert "**Remedy.**" in rule_text("vanishing_depth")
    assert "| `vanishing_depth.ratio` | 0.0001 |" in rule_text("vanishing_depth")


def test_a_layer_that_gets_no_gradient_has_no_bar(example) -> None:
    layers = drawn(example("cut_off"))["Gradient of each layer's parameters"]
    first, second, head = layers.curves[0].y
    assert layers.bars
    assert layers.ticks == ("first", "second", "head")
    assert np.isnan(second)
    assert min(first, head) > 0


def test_a_layer_that_the_optimizer_leaves_alone_changes_by_nothing(example) -> None:
    layers = drawn(example("not_in_optimizer"))["Change of each layer's parameters"]
    assert layers.ticks == ("0", "2", "4")
    assert layers.curves[0].y[0] == 0
    assert min(layers.curves[0].y[1:]) > 0


def test_parameters_of_one_layer_stand_apart_where_only_some_are_at_fault(example) -> None:
    data, finding = example("not_in_optimizer")
    finding = replace(finding, evidence={"parameters": ["0.weight"]})
    assert drawn((data, finding))["Change of each layer's parameters"].ticks == ("0.weight", "0.bias", "2", "4")


def test_what_clipping_leaves_of_the_gradient(example) -> None:
    data, finding = example("clipped_away")
    before, after = drawn((data, finding))["Gradient, before and after clipping"].curves
    assert after.y[-1] / before.y[-1] < 1e-3
    assert finding.evidence["share"] == pytest.approx(np.median(after.y / before.y), rel=0.5)


def test_targets_beside_the_range_that_can_be_reached(example) -> None:
    ranges = curves(example("output_range")[1])[0]
    targets, results = ranges.curves
    assert ranges.band == (-1.0, 1.0)
    assert results.y.tolist() == [-1.0, 1.0]
    assert 4 < targets.y[0] < targets.y[1] < 6


def test_a_single_number_has_the_loss_and_no_norms(example) -> None:
    assert course(*example("broadcast_loss"), lambda: None).norms == []


def test_a_weight_that_decays_is_followed_and_not_its_results(example) -> None:
    data, finding = example("decaying_away")
    (norms,) = course(data, finding, lambda: None).norms
    weight = data.structure(data.steps()[finding.step].structure).by_name["0.weight"]
    assert norms.curves[0].y.tolist() == pytest.approx(norms_over_steps(data, finding.step, weight.id, int).curves[0].y)


def test_the_loss_beside_what_it_is_compared_with(example) -> None:
    data, finding = example("softmax_before_loss")
    loss, level = drawn((data, finding))["Loss"].curves
    assert level.label == "least it can be"
    assert level.x.tolist() == [loss.x[0], loss.x[-1]]
    assert set(level.y) == {finding.evidence["least_loss"]}
    assert min(loss.y) > level.y[0]
