"""Data of a scale that networks do not begin well with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.analysis.feeds import FedSteps, Feed, fed_steps
from graphviz_nn.model.findings import Finding

_IMAGE_FEATURES = 16
_PIXEL = (100.0, 255.0)
_LEAST_PIXEL_MEAN = 5.0
_EXTREME_RATIO = 1e4


def input_scale(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """The data, or some of their features, are far larger or smaller than what initial weights are made for.

    **Symptom.** Training needs a tiny learning rate, or diverges; features of a small scale are not learned from.

    **Mathematics.** For a layer wx + b, the curvature of the loss with respect to w grows with E[x²], and steps larger
    than 2/curvature diverge: data of scale s ask for a learning rate s² times smaller. Between features, the ratio of
    scales squared bounds the condition number from below, and so the steps that gradient descent takes. Data far under
    1 are outweighed by the initial biases, and the gradient of w is smaller than that of b by the same factor.

    **Criterion.** What a trained first layer reads was computed from no parameter, and on most recorded steps: its root
    mean square is above `large`; or its largest magnitude is above 0 and under `small`; or the largest deviation of a
    feature is over `features` times the median one, or over 1e4 times the least that is not 0.

    **Healthy look-alikes.** Layers whose output goes into a normalisation at once; one-hot vectors and sparse counts,
    which reach 1; pixels at the border, which are constant; initial states of zeros.

    **Remedy.** Bring each feature to mean 0 and deviation 1, with numbers taken from the training data.

    **Source.** LeCun et al. 1998, "Efficient BackProp", sections 4.3 and 5.
    """
    for fed in fed_steps(context):
        for feed in fed.feeds:
            if feed.normalised or _holds_pixels(fed, feed):
                continue
            found = _of_all(fed, feed, thresholds) or _of_features(fed, feed, thresholds["features"])
            if found is not None:
                cause, evidence = found
                yield fed.steps[-1].finding(
                    "input_scale",
                    "warning",
                    feed.node,
                    cause,
                    "Bring each feature to mean 0 and deviation 1, with numbers taken from the training data.",
                    **evidence,
                )
                break


def _of_all(fed: FedSteps, feed: Feed, thresholds: Mapping[str, float]) -> tuple[str, dict[str, float]] | None:
    size = float(np.median([step.size[feed.row] for step in fed.steps]))
    largest = float(np.median([_magnitude(step, feed) for step in fed.steps]))
    if size > thresholds["large"]:
        return f"The data that come in have a root mean square of {size:.3g}.", {"size": size, "largest": largest}
    if 0 < largest < thresholds["small"]:
        return f"The data that come in are at most {largest:.2g} in magnitude.", {"size": size, "largest": largest}
    return None


def _magnitude(step: StepFacts, feed: Feed) -> float:
    return float(np.abs(step.output[feed.row, [COLUMN["min"], COLUMN["max"]]]).max())


def _of_features(fed: FedSteps, feed: Feed, limit: float) -> tuple[str, dict[str, float]] | None:
    tables = [step.metric("feature_spread") for step in fed.steps]
    rows = [
        row
        for table in tables
        if table is not None and (row := table.row(feed.read.node, feed.read.output)) is not None
    ]
    if not rows or not all(len(row) == 3 for row in rows):
        return None
    least, middle, largest = (float(number) for number in np.median(rows, axis=0))
    if not (np.isfinite([least, middle, largest]).all() and least > 0):
        return None
    if largest <= limit * middle and largest <= _EXTREME_RATIO * least:
        return None
    return (
        f"The features that come in have deviations from {least:.2g} to {largest:.2g}.",
        {"least_deviation": least, "median_deviation": middle, "largest_deviation": largest},
    )


def integer_images(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Images come in as they are stored, with whole numbers from 0 to 255.

    **Symptom.** The first loss is many times that of guessing; training needs a tiny learning rate, or diverges.

    **Mathematics.** Bytes have a mean of about 100 and no negative values. The first layer's outputs are some hundred
    times what its weights were drawn for, nearly all along one direction, that of the mean image; the curvature along
    it is about n·100² for n pixels, and bounds the learning rate for all other directions.

    **Criterion.** On every recorded step, what a trained first layer reads goes from a whole number of at least 0 to a
    whole number from 100 to 255, with a mean of at least 5, over at least 16 numbers a sample. Where the layer's output
    goes into a normalisation at once, scale and mean are undone: that is reported as information.

    **Healthy look-alikes.** Images divided by 255 or standardised; indices and positions, which are single numbers a
    sample; measurements, whose extremes are not whole.

    **Remedy.** Divide by 255, subtract the mean and divide by the deviation of the training images
    (`torchvision.transforms.v2.ToDtype(torch.float32, scale=True)` and `Normalize`).

    **Source.** LeCun et al. 1998, "Efficient BackProp", section 4.3.
    """
    del thresholds
    for fed in fed_steps(context):
        feed = next((feed for feed in fed.feeds if _holds_pixels(fed, feed)), None)
        if feed is not None:
            row = fed.steps[-1].output[feed.row]
            yield fed.steps[-1].finding(
                "integer_images",
                "info" if feed.normalised else "warning",
                feed.node,
                f"What comes in are whole numbers from {row[COLUMN['min']]:g} to {row[COLUMN['max']]:g}, as images are "
                "stored.",
                "Divide by 255, then subtract the mean and divide by the deviation of the training images.",
                lowest=float(row[COLUMN["min"]]),
                highest=float(row[COLUMN["max"]]),
                mean=float(row[COLUMN["mean"]]),
            )


def _holds_pixels(fed: FedSteps, feed: Feed) -> bool:
    if feed.features < _IMAGE_FEATURES:
        return False
    columns = [COLUMN["min"], COLUMN["max"], COLUMN["mean"]]
    low, high, mean = np.array([step.output[feed.row, columns] for step in fed.steps]).T
    whole = bool((low == np.round(low)).all() and (high == np.round(high)).all())
    inside = bool((low >= 0).all() and (high >= _PIXEL[0]).all() and (high <= _PIXEL[1]).all())
    return whole and inside and bool((low < high).all() and (mean >= _LEAST_PIXEL_MEAN).all())
