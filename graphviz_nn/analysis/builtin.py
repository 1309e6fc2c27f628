"""The built-in checks and views, as a plugin like any other."""

from __future__ import annotations

from graphviz_nn.analysis.accumulation import missing_zero_grad
from graphviz_nn.analysis.arrival import cut_off, never_arrived
from graphviz_nn.analysis.depth import exploding, vanishing_depth
from graphviz_nn.analysis.edges import near_edge
from graphviz_nn.analysis.flow import gradient_flow, gradient_history, layer_table, loss_curve, node_norms
from graphviz_nn.analysis.half import half_overflow, half_underflow
from graphviz_nn.analysis.nonfinite import nonfinite_backward, nonfinite_forward
from graphviz_nn.analysis.time import exploding_time, vanishing_time
from graphviz_nn.analysis.zero import zero_gradient
from graphviz_nn.model.findings import Check
from graphviz_nn.model.views import View
from graphviz_nn.plugin import hookimpl


@hookimpl
def register_checks() -> list[Check]:
    return [
        Check("vanishing_depth", "gradients", vanishing_depth, {"ratio": 1e-4, "layers": 3}),
        Check("vanishing_time", "gradients", vanishing_time, {"ratio": 1e-6, "calls": 8}),
        Check("exploding", "gradients", exploding, {"ratio": 100, "layers": 3, "growth": 2}),
        Check("exploding_time", "gradients", exploding_time, {"ratio": 100, "calls": 8}),
        Check("zero_gradient", "gradients", zero_gradient, {"steps": 3}),
        Check("never_arrived", "gradients", never_arrived),
        Check("cut_off", "gradients", cut_off, {"steps": 8}),
        Check("missing_zero_grad", "gradients", missing_zero_grad, {"share": 0.01}),
        Check("nonfinite_forward", "numbers", nonfinite_forward),
        Check("nonfinite_backward", "numbers", nonfinite_backward),
        Check("half_overflow", "numbers", half_overflow),
        Check("half_underflow", "numbers", half_underflow, {"values": 0.1, "units": 16}),
        Check("near_edge", "numbers", near_edge, {"smallest": 5e-20, "exponent": 0.9}),
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
