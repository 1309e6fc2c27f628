"""What the vision plugin shows is what the tensors hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

import graphviz_nn as gnn
from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.views import ImageGrid
from graphviz_nn.run import Run
from tests.plugins.showing import fits, show


class Seeing(nn.Module):
    """Convolutions of every kind, a layer that has its channels last, and a softmax that is no attention."""

    def __init__(self) -> None:
        super().__init__()
        self.rgb = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.LayerNorm(4)
        self.deep = nn.Conv2d(4, 6, 3, padding=1)
        self.up = nn.ConvTranspose2d(6, 2, 2, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.rgb(images))
        x = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return torch.softmax(self.up(F.relu(self.deep(x))), dim=1)


@pytest.fixture(scope="module")
def seen() -> Run:
    torch.manual_seed(0)
    return gnn.trace(Seeing(), torch.randn(2, 3, 6, 8), loss=lambda output: (output**2).sum())


def _show(run: Run, view: str, node: str, of: str = "value", **options: Any) -> ImageGrid:
    shown = show(run, view, node, of, **options)
    assert isinstance(shown, ImageGrid)
    return shown


def test_feature_maps_are_the_channels_of_the_sample(seen: Run) -> None:
    grid = _show(seen, "feature_maps", "deep", sample=1)
    np.testing.assert_array_equal(grid.images, seen.value("deep")[1].numpy())
    assert (grid.samples, grid.total, grid.labels) == (2, 6, ("0", "1", "2", "3", "4", "5"))
    assert grid.colours == "signed"
    assert _show(seen, "feature_maps", "relu").colours == "sequential"


def test_gradients_have_maps_too(seen: Run) -> None:
    gradient = seen.gradient("deep")
    assert gradient is not None
    grid = _show(seen, "feature_maps", "deep", "gradient")
    np.testing.assert_array_equal(grid.images, gradient[0].numpy())
    assert "gradient" in grid.title


def test_channels_are_paged(seen: Run) -> None:
    grid = _show(seen, "feature_maps", "deep", first=4, count=10)
    np.testing.assert_array_equal(grid.images, seen.value("deep")[0, 4:].numpy())
    assert (grid.first, grid.labels) == (4, ("4", "5"))


def test_a_layer_norm_over_the_last_dimension_has_channels_last(seen: Run) -> None:
    grid = _show(seen, "feature_maps", "norm")
    np.testing.assert_array_equal(grid.images, seen.value("norm")[0].permute(2, 0, 1).numpy())


def test_what_is_asked_for_beyond_the_end_is_the_last(seen: Run) -> None:
    np.testing.assert_array_equal(_show(seen, "feature_maps", "deep", sample=99).images, seen.value("deep")[1].numpy())


@pytest.mark.parametrize(
    ("module", "shape", "images"),
    [
        (nn.Conv3d(2, 3, 1), (2, 2, 4, 5, 6), lambda value: value[0, :, 2]),
        (nn.Conv1d(2, 3, 1), (2, 2, 7), lambda value: value[:1]),
        (nn.Conv2d(2, 3, 1), (2, 5, 6), lambda value: value),
        (nn.Conv3d(2, 3, 1), (2, 4, 5, 6), lambda value: value[:, 2]),
        (nn.Linear(6, 3), (2, 5, 6), lambda value: value[:1]),
    ],
)
def test_other_dimensions_are_taken_by_slice(module: nn.Module, shape: tuple[int, ...], images: Any) -> None:
    run = gnn.trace(nn.Sequential(module), torch.randn(shape))
    name = next(node.name for node in run.structure().nodes if node.kind == "op")
    grid = _show(run, "feature_maps", name, plane=2)
    np.testing.assert_array_equal(grid.images, images(run.value(name)).numpy())


def test_without_tensors_the_thumbnail_is_shown_and_said() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 70, 3, padding=1))
    run = gnn.trace(model, torch.randn(2, 1, 80, 40), keep="stats")
    grid = _show(run, "feature_maps", "0")
    with torch.no_grad():
        assert grid.images.shape == (64, 27, 20)
    assert "thumbnail of the first sample" in grid.note
    assert "rows by 3 and columns by 2" in grid.note
    assert "first 64 of 70 channels" in grid.note


def test_nothing_kept_says_how_to_keep_it() -> None:
    run = gnn.trace(nn.Sequential(nn.Conv2d(1, 2, 3)), torch.randn(1, 1, 8, 8), keep="none")
    with pytest.raises(NotRecorded, match="record with keep='all'"):
        _show(run, "feature_maps", "0")


def test_a_gradient_that_never_arrived_is_not_called_unkept() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 2, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.used(x), self.unused(x)

    run = gnn.trace(Two(), torch.randn(1, 1, 8, 8), loss=lambda outputs: outputs[0].sum())
    with pytest.raises(NotRecorded, match="No gradient arrived at 'unused'"):
        _show(run, "feature_maps", "unused", "gradient")
    with pytest.raises(NotRecorded, match="does not require one"):
        _show(run, "feature_maps", "x", "gradient")


def test_filters_of_a_picture_are_in_colour(seen: Run) -> None:
    grid = _show(seen, "filters", "rgb")
    weight = seen.value("rgb.weight").permute(0, 2, 3, 1).numpy()
    assert grid.images.shape == (4, 3, 3, 3)
    furthest = np.abs(weight).max(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(grid.images, 0.5 + 0.5 * weight / furthest, rtol=1e-6)


def test_other_filters_show_their_input_channels(seen: Run) -> None:
    grid = _show(seen, "filters", "deep", sample=3)
    np.testing.assert_array_equal(grid.images, seen.value("deep.weight")[3].numpy())
    assert (grid.sample_word, grid.samples) == ("filter", 6)


def test_transposed_convolutions_have_filters_along_the_second_dimension(seen: Run) -> None:
    grid = _show(seen, "filters", "up", sample=1)
    np.testing.assert_array_equal(grid.images, seen.value("up.weight")[:, 1].numpy())
    assert grid.samples == 2


def test_filters_of_the_gradient_are_its_own(seen: Run) -> None:
    gradient = seen.gradient("deep.weight")
    assert gradient is not None
    np.testing.assert_array_equal(_show(seen, "filters", "deep", "gradient", sample=2).images, gradient[2].numpy())


def test_input_images_are_scaled_and_it_is_said(seen: Run) -> None:
    grid = _show(seen, "input_image", "images")
    assert grid.images.shape == (2, 6, 8, 3)
    assert grid.images.min(axis=(1, 2)).tolist() == [[0.0] * 3] * 2
    assert grid.images.max(axis=(1, 2)).tolist() == [[1.0] * 3] * 2
    assert "scaled from its lowest to its highest" in grid.note


@pytest.mark.parametrize(
    ("node", "views"),
    [
        ("deep", {"feature_maps", "filters", "norms"}),
        ("deep.weight", {"filters", "norms"}),
        ("norm.weight", {"norms"}),
        ("images", {"feature_maps", "input_image", "norms"}),
        ("softmax", {"feature_maps", "norms"}),
    ],
)
def test_views_are_offered_where_they_fit(seen: Run, node: str, views: set[str]) -> None:
    assert fits(seen, node) == views


def test_a_tensor_that_is_too_large_is_read_in_part(seen: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphviz_nn_vision.maps.MOST_BYTES", 2 * 6 * 8 * 4)
    grid = _show(seen, "feature_maps", "rgb", first=1)
    assert grid.labels == ("1", "2")
    assert "channels 1 to 2 of 4" in grid.note
