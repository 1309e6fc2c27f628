"""Data that cannot be learned from as it comes: not finite, or the same for every sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from graphviz_nn.analysis.comparisons import comparisons, output_of, row_of
from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.feeds import FedSteps, Feed, fed_steps
from graphviz_nn.analysis.nonfinite import DATA_KINDS, forward_origin
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node

_SAME = 1e-6


def input_nonfinite(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The data hold NaN or infinite values, and these reach the loss or the gradients.

    **Symptom.** The loss is NaN from one step on, often not the first: the step in which the sample came up.

    **Mathematics.** Every sum with a NaN is NaN, and a layer sums over all features. One such element in a batch makes
    its sample's output NaN, a mean over the batch too, and after the update every parameter.

    **Criterion.** The first value that is not finite on the way to a loss that is not finite (or above gradients that
    are not) is one that no call of the program made, and that is no parameter or buffer.

    **Healthy look-alikes.** Missing values that `where`, `nan_to_num` or indexing takes out before the loss; −inf in
    masks of attention scores.

    **Remedy.** Look for the sample; drop it, or fill in its missing values. Check the data once with
    `torch.isfinite(x).all()`.

    **Source.** IEEE 754-2019, section 6.2.
    """
    del thresholds
    spoiled = [(step, node) for step in context.since_finite if (node := _spoiled_source(step)) is not None]
    if spoiled:
        step, node = spoiled[0]
        row = step.output[step.lineage.rows(node)][0]
        nan, infinite = float(row[COLUMN["nan"]]), float(row[COLUMN["posinf"]] + row[COLUMN["neginf"]])
        yield step.finding(
            "input_nonfinite",
            "error",
            node,
            f"{nan + infinite:.0f} of the {step.lineage.numel[step.lineage.rows(node).start]:.0f} numbers that come in "
            "here are NaN or infinite.",
            "Find the samples, and drop them or fill in what is missing.",
            nan=nan,
            infinite=infinite,
            steps=float(len(spoiled)),
        )


def _spoiled_source(step: StepFacts) -> Node | None:
    found = forward_origin(step)
    return found[0] if found is not None and found[0].kind in DATA_KINDS else None


def constant_input(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """All samples are the same to the network, while their targets differ.

    **Symptom.** The prediction tends to the mean of the targets, or to the frequencies of the classes, whatever the
    sample; the loss stops at that of guessing.

    **Mathematics.** With one input x for all samples the prediction is one value f(x). The best one is the mean of the
    targets (or the frequencies of their classes), and no weights do better.

    **Criterion.** On every recorded step, at least two: the targets of a loss vary, and nothing that its prediction was
    computed from does. Tensors that come in, or are made without reading others (random numbers, positions), hold one
    number throughout, or their samples (dimension 0, at least `samples`) are equal as far as the first layer can tell.

    **Healthy look-alikes.** Initial states of zeros beside data that vary; learned tokens and prompts; noise as the
    input of a generator; coordinates that are the same for each sample, beside something that is not.

    **Remedy.** Look at what the data loader returns: the normalisation (division by a large number, integer division),
    an index that never moves, an overwritten buffer.

    **Source.** Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 5.5: the best constant prediction.
    """
    for fed in fed_steps(context):
        feed = next(_constant_feeds(fed, int(thresholds["samples"])), None) if len(fed.steps) > 1 else None
        if feed is not None:
            row = fed.steps[-1].output[feed.row]
            yield fed.steps[-1].finding(
                "constant_input",
                "warning",
                feed.node,
                f"The {feed.samples} samples that come in are all the same, though their targets differ.",
                "Look at what the data loader returns, and at the normalisation of the data.",
                samples=float(feed.samples),
                lowest=float(row[COLUMN["min"]]),
                highest=float(row[COLUMN["max"]]),
                steps=float(len(fed.steps)),
            )


def _constant_feeds(fed: FedSteps, least: int) -> Iterator[Feed]:
    last = fed.steps[-1]
    for found in comparisons(last):
        target = row_of(last.lineage, found.target)
        shape = output_of(last.lineage, found.target).shape
        if not shape or shape[0] < least or not all(_varies(step, target) for step in fed.steps):
            continue
        above = last.lineage.ancestors([found.prediction.node])
        candidates = [feed for feed in fed.feeds if feed.node.id in above and feed.samples >= least]
        if candidates and all(_tells_nothing(step, above, candidates) for step in fed.steps):
            yield candidates[0]


def _tells_nothing(step: StepFacts, above: frozenset[int], candidates: list[Feed]) -> bool:
    """Whether every tensor that the prediction begins with is the same for all samples."""
    alike = {feed.read.node for feed in candidates if _samples_are_equal(step, feed)}
    for number in _seen_past(step, above, alike):
        node = step.structure.nodes[number]
        if not node.inputs and node.outputs and node.kind not in ("parameter", "buffer"):
            rows = step.lineage.rows(node)
            if any(_varies(step, row) for row in range(rows.start, rows.stop)):
                return False
    return True


def _seen_past(step: StepFacts, above: frozenset[int], alike: set[int]) -> set[int]:
    """Those of the calls `above` that the prediction was computed from on a way that passes nothing of `alike`."""
    readers = step.lineage.readers
    seen: set[int] = set()
    for number in sorted(above, reverse=True):
        below = [reader for reader in readers[number] if reader in above]
        if number not in alike and (not below or any(reader in seen for reader in below)):
            seen.add(number)
    return seen


def _varies(step: StepFacts, row: int) -> bool:
    """Whether the value is not one number throughout; also where it was not measured."""
    return not bool(step.output[row, COLUMN["min"]] == step.output[row, COLUMN["max"]])


def _samples_are_equal(step: StepFacts, feed: Feed) -> bool:
    table = step.metric("sample_spread")
    row = None if table is None else table.row(feed.node.id)
    if row is None or len(row) < 2 or not np.isfinite(row).all():
        return False
    return bool(row[1] > 0 and row[0] <= _SAME * row[1])
