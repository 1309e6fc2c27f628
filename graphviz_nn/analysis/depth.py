"""Gradients by depth: how they shrink or grow from the output back to the first layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphviz_nn.analysis.context import CheckContext, Numbers, StepFacts
from graphviz_nn.analysis.lineage import Lineage
from graphviz_nn.analysis.recovery import steps_to_recover
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, all its calls taken together.

    Attributes:
        node: its first call. below: layers on the shortest way from it to the loss, itself included.
        ratio: L2 norm of its output's gradient over that of the layer at the output; rms: the same per element.
        upstream: the larger of both ratios, the largest over everything that it was computed from.
    """

    node: Node
    below: int
    ratio: float
    rms: float
    upstream: float


def median_gradient(steps: list[StepFacts]) -> Numbers:
    """Returns the median over the steps of the L2 norm of each value's gradient; NaN where there was none."""
    if len(steps) == 1:
        return steps[0].gradient_l2
    return median_over(np.array([step.gradient_l2 for step in steps]))


def median_over(rows: Numbers) -> Numbers:
    """Returns the median of each column without its NaN; NaN where a column holds nothing else.

    numpy warns of such columns, and warnings cannot be silenced in one thread alone: they are left out.
    """
    medians = np.full(rows.shape[1], np.nan)
    known = ~np.isnan(rows).all(axis=0)
    if known.any():
        medians[known] = np.nanmedian(rows[:, known], axis=0)
    return medians


def layers(steps: list[StepFacts]) -> list[Layer]:
    """Returns the layers that got a gradient, the one nearest to the loss first; [] without a gradient there."""
    lineage = steps[-1].lineage
    l2 = median_gradient(steps)
    largest = _by_node(l2, lineage)
    below = lineage.layers_below(steps[-1].roots)
    calls = [node for node in lineage.weighted if below[node.id] > 0 and np.isfinite(largest[node.id])]
    if not calls:
        return []
    nearest = min(int(below[node.id]) for node in calls)
    head = max((node for node in calls if below[node.id] == nearest), key=lambda node: largest[node.id])
    head_l2 = float(largest[head.id])
    if head_l2 <= 0:
        return []
    rms = l2 / np.sqrt(lineage.numel)
    rms_by_node = _by_node(rms, lineage)
    by_l2, by_rms = largest / head_l2, rms_by_node / rms_by_node[head.id]
    upstream = _upstream(lineage, np.fmax(by_l2, by_rms))
    ratios, rms_ratios, depths = by_l2.tolist(), by_rms.tolist(), below.tolist()
    grouped: dict[str, list[int]] = {}
    for node in calls:
        grouped.setdefault(lineage.layer_key(node), []).append(node.id)
    found = [
        Layer(
            node=lineage.structure.nodes[numbers[0]],
            below=min([depths[number] for number in numbers]),
            ratio=max([ratios[number] for number in numbers]),
            rms=max([rms_ratios[number] for number in numbers]),
            upstream=max([upstream[number] for number in numbers]),
        )
        for numbers in grouped.values()
    ]
    return sorted(found, key=lambda layer: (layer.below, -layer.node.id))


def layers_by_structure(context: CheckContext) -> list[tuple[list[StepFacts], list[Layer]]]:
    """Returns the steps of each structure and their layers; rules share it."""
    return context.share("layers", lambda: [(steps, layers(steps)) for steps in context.by_structure()])


def _by_node(values: Numbers, lineage: Lineage) -> Numbers:
    """The largest of the values of each node's outputs; NaN where there is none."""
    found = np.full(len(lineage.structure.nodes), np.nan)
    np.fmax.at(found, lineage.value_node, values)
    return found


def _upstream(lineage: Lineage, ratios: Numbers) -> list[float]:
    """For each node, the largest ratio of it and everything above it."""
    own: list[float] = np.nan_to_num(ratios, nan=0.0).tolist()
    for node in lineage.flow:
        if node.kind == "parameter":
            own[node.id] = 0.0  # the gradient of a weight says nothing of what gets through to the layers above
        largest = own[node.id]
        for read in lineage.reads[node.id]:
            largest = max(largest, own[read])
        own[node.id] = largest
    return own


def vanishing_depth(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The gradient shrinks from layer to layer, so that the first layers hardly learn.

    **Symptom.** The last layers train, the first stay near their initial values; a deeper network is no better, or
    worse, than a shallow one.

    **Mathematics.** The gradient at layer l is the product of the Jacobians of all layers below it. Where their
    singular values are mostly under one (sigmoid: derivative at most 1/4; weights of variance well under 1/fan-in), it
    falls geometrically with depth. A scale of the loss multiplies every layer alike and drops out of a ratio.

    **Criterion.** At a layer with at least `layers` layers between it and the output, the gradient relative to that
    at the last layer's output, both as L2 norm and per element (RMS = L2/√elements), is under `ratio`, as the median
    over the recorded steps; so is everything that the layer was computed from; it is not exactly zero; and no single
    layer accounts for all of it: without the largest step down, the ratio still is under √`ratio`. The larger of the
    two measures is used because pooling changes the one and fan-out the other.

    Default 1e-4: with PyTorch's default initialisation a ReLU layer passes on 1/√6, GELU and SiLU layers less, a
    sigmoid layer a seventh. By SGD with momentum (learning rate 0.02, 600 steps) networks of 8 GELU, 10 ReLU or 4
    sigmoid layers, with ratios of 8e-5 to 3e-4, no longer learned to tell four clusters apart. Optimizers that divide
    by the size of the gradient (Adam) move the first layers as fast as the last, and trained up to 16 ReLU, GELU or
    SiLU layers in 50 to 350 steps, with ratios down to 3e-9; but hardly 6 sigmoid layers, which saturate as their
    weights grow. So it is information where no activation between the layers has bounded results, nothing but weights
    is multiplied with there, and the weights, at the pace of the slowest, will have grown enough within `recovery`
    steps: each by ratio^(−1/n) for n layers. Those networks took about a third of that.

    **Healthy look-alikes.** Zero-initialised residual branches, ReZero and LoRA: inside the branch the gradient is
    small, but what it was computed from gets a full one. Frozen prefixes get none and are not judged. Losses scaled by
    1e-6, sums instead of means and converged models scale the reference too.

    **Remedy.** Residual connections, normalisation, ReLU-like activations, He or Glorot initialisation.

    **Source.** Hochreiter 1991; Glorot & Bengio 2010; He et al. 2015 (arXiv:1502.01852), section 2.2.
    """
    for steps, found in layers_by_structure(context):
        first = vanished(found, thresholds["ratio"], thresholds["layers"])
        if first is None:
            continue
        trail = [layer for layer in found if layer.below <= first.below]
        depth = first.below - found[0].below
        recovery = steps_to_recover(steps, [layer.node for layer in trail[1:]], first.upstream ** (1 / depth))
        yield steps[-1].finding(
            "vanishing_depth",
            "warning" if recovery > thresholds["recovery"] else "info",
            first.node,
            f"The gradient shrinks to {first.upstream:.1e} of itself over {depth} layers.",
            "Use residual connections, normalisation, ReLU-like activations, or He or Glorot initialisation.",
            ratio=first.upstream,
            layers=float(depth),
            **({"recovery": recovery} if np.isfinite(recovery) else {}),
            by_layer=[layer.ratio for layer in trail],
            names=[layer.node.name for layer in trail],
        )


def vanished(found: list[Layer], ratio: float, layers: float) -> Layer | None:
    """Returns the layer with the smallest gradient where it shrank to under `ratio` step by step; None: it did not."""
    small = [layer for layer in found if layer.below - found[0].below >= layers and 0 < layer.upstream < ratio]
    if not small:
        return None
    first = min(small, key=lambda layer: layer.upstream)
    trail = [layer for layer in found if layer.below <= first.below]
    return None if first.upstream / _steepest(trail, down=True) >= ratio**0.5 else first


def exploding(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The gradient grows from layer to layer on its way back, so that the first layers take wild steps.

    **Symptom.** Gradient norms of the first layers are orders of magnitude above those of the last; the loss jumps,
    then becomes NaN; only tiny learning rates survive.

    **Mathematics.** The product of Jacobians grows geometrically where their singular values are mostly above one, as
    with weights of standard deviation 1 in layers of width n: each layer multiplies the gradient by about √(n/2).

    **Criterion.** At a layer with at least `layers` layers below it, the gradient relative to that at the last layer's
    output, both as L2 norm and per element, is above `ratio` (median over the recorded steps), it grew by more than
    `growth` a layer on average, and without the largest step up it still is above √`ratio`. Both measures must
    agree, because fan-out alone changes one of them. Above `ratio`³ it is an error.

    **Healthy look-alikes.** One normalisation after an input of tiny scale multiplies the gradient once, not layer by
    layer. Plain networks with batch norm over 8 samples or more grow it by 1.1 to 1.3 a layer, which the default of 1.4
    leaves out, as it does residual ones at any batch; over 4 samples or fewer 20 plain layers exceed it, and do not
    learn. Plain ReLU layers whose weights are g times as large as He's grow it by g. Sums instead of means, large
    targets and scaled losses change the reference as well.

    **Remedy.** He or Glorot initialisation, normalisation, residual branches scaled down with depth; clipping hides it.

    **Source.** Pascanu et al. 2013 (arXiv:1211.5063); Yang et al. 2019 (arXiv:1902.08129) for batch norm.
    """
    limit = thresholds["ratio"]
    for steps, found in layers_by_structure(context):
        large = list(_exploded(found, thresholds))
        if not large:
            continue
        first = max(large, key=lambda layer: min(layer.ratio, layer.rms))
        trail = [layer for layer in found if layer.below <= first.below]
        size = min(first.ratio, first.rms)
        if size / _steepest(trail, down=False) <= limit**0.5:
            continue
        yield steps[-1].finding(
            "exploding",
            "error" if size > limit**3 else "warning",
            first.node,
            f"The gradient grows to {size:.1e} times that at the output over {first.below - found[0].below} layers.",
            "Use He or Glorot initialisation and normalisation, or scale residual branches down with depth.",
            ratio=size,
            layers=float(first.below - found[0].below),
            by_layer=[layer.ratio for layer in trail],
            names=[layer.node.name for layer in trail],
        )


def _exploded(found: list[Layer], thresholds: Mapping[str, float]) -> Iterator[Layer]:
    for layer in found:
        depth = layer.below - found[0].below
        size = min(layer.ratio, layer.rms)
        if depth >= thresholds["layers"] and size > thresholds["ratio"] and size ** (1 / depth) > thresholds["growth"]:
            yield layer


def _steepest(trail: list[Layer], *, down: bool) -> float:
    """The largest change of the gradient between neighbours in depth: at most 1 down, at least 1 up."""
    by_depth: dict[int, float] = {}
    for layer in trail:
        by_depth[layer.below] = max(layer.ratio, by_depth.get(layer.below, 0.0))
    values = np.array([by_depth[depth] for depth in sorted(by_depth)])
    values = values[values > 0]
    changes = values[1:] / values[:-1]
    return float(min([*changes, 1.0])) if down else float(max([*changes, 1.0]))
