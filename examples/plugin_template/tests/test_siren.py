"""The plugin's own tests: `pytest` in a folder beside an installed package."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from siren_layers import SineLayer
from torch import nn

from graphviz_nn.errors import NotRecorded
from graphviz_nn.run import Run
from graphviz_nn.testing import assert_finding, assert_quiet, boxes, fit, record, show


def siren(width: int, *, plain: bool = False) -> nn.Sequential:
    """Three sine layers and a head; `plain` leaves the last one with PyTorch's own initialisation."""
    layers = [SineLayer(2, width, is_first=True), SineLayer(width, width), SineLayer(width, width)]
    if plain:
        layers[-1].linear.reset_parameters()
    return nn.Sequential(*layers, nn.Linear(width, 1))


def trained(width: int, **options: bool) -> Run:
    return record(lambda: fit(siren(width, **options), torch.rand(64, 2) * 2 - 1, torch.rand(64, 1)))


@pytest.mark.parametrize("width", [16, 64, 256])
def test_the_initialisation_of_the_paper_is_quiet(width):
    assert_quiet(trained(width))


@pytest.mark.parametrize("width", [16, 64])
def test_another_initialisation_is_found(width):
    found = assert_finding(trained(width, plain=True), "sine_init", module="2.linear", severity="warning")
    assert found.evidence["ratio"] == pytest.approx(30 / 6**0.5, rel=0.1)


def test_it_is_one_labelled_box():
    box = boxes(trained(16))["1"]
    assert (box.subtitle, len(boxes(trained(16)))) == ("Sine 16 → 16, ω 30", 7)


def test_the_sines_are_spread_as_the_paper_says():
    run = trained(256)
    seen, expected = show(run, "sines", "1.sin").curves
    assert np.abs(seen.y - expected.y)[4:-4].max() < 0.1
    with pytest.raises(AssertionError, match="does not apply"):
        show(run, "sines", "mse_loss")
    with pytest.raises(NotRecorded):
        show(record(lambda: fit(siren(8), torch.rand(4, 2), torch.rand(4, 1)), keep="stats"), "sines", "1.sin")
