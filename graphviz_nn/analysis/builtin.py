"""The built-in checks and views, as a plugin like any other."""

from __future__ import annotations

from typing import Final

from graphviz_nn.analysis.accumulation import missing_zero_grad
from graphviz_nn.analysis.agreement import passes_disagree
from graphviz_nn.analysis.arrival import cut_off, never_arrived
from graphviz_nn.analysis.attention import attention_collapsed
from graphviz_nn.analysis.attention_uniform import attention_uniform
from graphviz_nn.analysis.batch import batch_leak, softmax_over_batch
from graphviz_nn.analysis.batch_norm import batch_norm_small
from graphviz_nn.analysis.broadcasting import broadcast_loss
from graphviz_nn.analysis.chains import linear_chain
from graphviz_nn.analysis.clipping import clipped_away, loss_scale
from graphviz_nn.analysis.curves import loss_curve, node_norms
from graphviz_nn.analysis.data_metrics import METRICS as DATA_METRICS
from graphviz_nn.analysis.depth import exploding, vanishing_depth
from graphviz_nn.analysis.divergence import diverging
from graphviz_nn.analysis.edges import near_edge
from graphviz_nn.analysis.flow import gradient_flow, gradient_history, layer_table
from graphviz_nn.analysis.half import half_overflow, half_underflow
from graphviz_nn.analysis.initial import init_scale
from graphviz_nn.analysis.input_scale import input_scale, integer_images
from graphviz_nn.analysis.inputs import constant_input, input_nonfinite
from graphviz_nn.analysis.labels import uninformative_labels
from graphviz_nn.analysis.learning import decaying_away, never_changing, update_ratio
from graphviz_nn.analysis.loss_metrics import METRICS as LOSS_METRICS
from graphviz_nn.analysis.losses import missing_log_softmax, sigmoid_before_loss, softmax_before_loss
from graphviz_nn.analysis.metrics import METRICS
from graphviz_nn.analysis.modes import mode_mistake
from graphviz_nn.analysis.nonfinite import nonfinite_backward, nonfinite_forward
from graphviz_nn.analysis.objective import wrong_sign
from graphviz_nn.analysis.oscillation import oscillating
from graphviz_nn.analysis.ownership import frozen_between, not_in_optimizer, registered_nowhere
from graphviz_nn.analysis.plateau import flat
from graphviz_nn.analysis.ranks import ranks_disagree
from graphviz_nn.analysis.rates import learning_rate
from graphviz_nn.analysis.reach import output_range
from graphviz_nn.analysis.recomputation import recompute_differs
from graphviz_nn.analysis.regularisation import dropout_too_high
from graphviz_nn.analysis.saturation import saturated
from graphviz_nn.analysis.scale import activation_scale
from graphviz_nn.analysis.schedule import schedule
from graphviz_nn.analysis.symmetry import symmetric_init
from graphviz_nn.analysis.targets import targets_out_of_range
from graphviz_nn.analysis.time import exploding_time, vanishing_time
from graphviz_nn.analysis.units import collapsed, dead_units
from graphviz_nn.analysis.unused import no_update
from graphviz_nn.analysis.zero import zero_gradient
from graphviz_nn.model.findings import Check
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.views import View
from graphviz_nn.plugin import hookimpl

ENTROPIES: Final = ("softmax_entropy", "fused_entropy")


@hookimpl
def register_checks() -> list[Check]:
    return [
        Check("vanishing_depth", "gradients", vanishing_depth, {"ratio": 1e-4, "layers": 3, "recovery": 1000}),
        Check("vanishing_time", "gradients", vanishing_time, {"ratio": 1e-6, "calls": 8}),
        Check("exploding", "gradients", exploding, {"ratio": 100, "layers": 3, "growth": 1.4}),
        Check("exploding_time", "gradients", exploding_time, {"ratio": 100, "calls": 8}),
        Check("zero_gradient", "gradients", zero_gradient, {"steps": 3}),
        Check("never_arrived", "gradients", never_arrived),
        Check("cut_off", "gradients", cut_off, {"steps": 8}),
        Check("missing_zero_grad", "gradients", missing_zero_grad, {"share": 0.01}),
        Check("clipped_away", "gradients", clipped_away, {"share": 0.01, "steps": 3}),
        Check("passes_disagree", "gradients", passes_disagree, {"factor": 1.5}),
        Check("recompute_differs", "gradients", recompute_differs, {"difference": 0.01}),
        Check("ranks_disagree", "gradients", ranks_disagree, {"share": 0.9}),
        Check("nonfinite_forward", "numbers", nonfinite_forward),
        Check("nonfinite_backward", "numbers", nonfinite_backward),
        Check("half_overflow", "numbers", half_overflow),
        Check("half_underflow", "numbers", half_underflow, {"values": 0.1, "units": 16}),
        Check("near_edge", "numbers", near_edge, {"smallest": 5e-20, "exponent": 0.9}, metrics=("nearest_zero",)),
        Check("loss_scale", "numbers", loss_scale, {"scale": 256}),
        Check("dead_units", "activations", dead_units, {"share": 0.6, "samples": 16}, metrics=("unit_maxima",)),
        Check(
            "saturated", "activations", saturated, {"share": 0.5, "gates": 0.95, "hard": 0.75}, metrics=("quantiles",)
        ),
        Check("activation_scale", "activations", activation_scale, {"ratio": 1e4, "layers": 3}),
        Check("collapsed", "activations", collapsed, {"share": 3e-4, "gradient": 1e-4}, metrics=("sample_spread",)),
        Check("attention_collapsed", "activations", attention_collapsed, {"share": 0.25}, metrics=ENTROPIES),
        Check(
            "attention_uniform",
            "activations",
            attention_uniform,
            {"share": 0.999, "span": 200, "keys": 0.01},
            metrics=(*ENTROPIES, "sample_spread"),
        ),
        Check("dropout_too_high", "activations", dropout_too_high, {"keep": 0.19}),
        Check(
            "symmetric_init",
            "parameters",
            symmetric_init,
            {"share": 0.5},
            metrics=("weight_neighbours", "gradient_neighbours"),
        ),
        Check("init_scale", "parameters", init_scale, {"large": 3, "small": 0.02}, metrics=("quantiles",)),
        Check("update_ratio", "parameters", update_ratio, {"high": 1}),
        Check("never_changing", "parameters", never_changing, {"steps": 3}),
        Check("decaying_away", "parameters", decaying_away, {"rate": 0.01, "steps": 4}),
        Check("not_in_optimizer", "parameters", not_in_optimizer, {"steps": 1}),
        Check("registered_nowhere", "parameters", registered_nowhere),
        Check("frozen_between", "parameters", frozen_between, {"share": 0.5}),
        Check("softmax_before_loss", "structure", softmax_before_loss),
        Check("sigmoid_before_loss", "structure", sigmoid_before_loss),
        Check("missing_log_softmax", "structure", missing_log_softmax, {"total": 0.1}, metrics=("nll_log_total",)),
        Check("output_range", "structure", output_range, {"share": 0.1}),
        Check("broadcast_loss", "structure", broadcast_loss),
        Check("softmax_over_batch", "structure", softmax_over_batch),
        Check("batch_leak", "structure", batch_leak),
        Check("batch_norm_small", "structure", batch_norm_small, {"values": 4}),
        Check("linear_chain", "structure", linear_chain, {"layers": 3}),
        Check("mode_mistake", "structure", mode_mistake),
        Check("input_nonfinite", "data", input_nonfinite),
        Check("constant_input", "data", constant_input, {"samples": 4}, metrics=("sample_spread",)),
        Check(
            "input_scale",
            "data",
            input_scale,
            {"large": 30, "small": 0.01, "features": 100},
            metrics=("feature_spread",),
        ),
        Check("integer_images", "data", integer_images),
        Check("targets_out_of_range", "data", targets_out_of_range, {"beyond": 0.25, "steps": 3}),
        Check(
            "uninformative_labels",
            "data",
            uninformative_labels,
            {"span": 200, "travel": 0.5},
            metrics=("label_entropy",),
        ),
        Check("diverging", "training", diverging, {"steps": 8, "gradients": 10, "weights": 1.5}),
        Check("oscillating", "training", oscillating, {"steps": 9, "share": 0.8}),
        Check("flat", "training", flat, {"steps": 20, "span": 500}, metrics=("label_entropy",)),
        Check("wrong_sign", "training", wrong_sign, {"steps": 2}),
        Check("no_update", "training", no_update, {"passes": 8}),
        Check("learning_rate", "training", learning_rate, {"steps": 8, "low": 1e-6, "growth": 4}),
        Check("schedule", "training", schedule, {"steps": 10, "share": 0.2}),
    ]


@hookimpl
def register_views() -> list[View]:
    return [
        View("norms", "Norms over training", node_norms, description="norms of a value and its gradient, by step"),
        View(
            "gradient_flow", "Gradient flow", gradient_flow, of_node=False, description="gradients by layer, one step"
        ),
        View(
            "gradient_history",
            "Gradient flow over training",
            gradient_history,
            of_node=False,
            description="gradients by layer and training step",
        ),
        View("layers", "Layers", layer_table, of_node=False, description="gradients of layers, as a table"),
        View("loss", "Loss", loss_curve, of_node=False, description="the loss over the training steps"),
    ]


@hookimpl
def register_metrics() -> list[Metric]:
    return [*METRICS, *LOSS_METRICS, *DATA_METRICS]
