"""Each fault of data: shown with plain PyTorch, found and placed by its rule alone, and gone when repaired."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import graphviz_nn as gnn
from graphviz_nn.run import Run
from tests.checks.training import fit, loud, only, recorded, rules

CLASSES = 4
Batch = tuple[Tensor, Tensor]


def trained(build: Callable[[], nn.Module], make: Callable[[], Batch], **options: object) -> Run:
    def program() -> None:
        model = build()
        fit(model, *make(), **options)

    return recorded(program)


def dense(features: int, width: int = 24, outputs: int = CLASSES) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(features, width), nn.Tanh(), nn.Linear(width, outputs))


def convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, CLASSES)
    )


def images(standardised: bool, channels: int = 3) -> Batch:
    pixels = torch.randint(0, 256, (16, channels, 6, 6)).float()
    if standardised:
        pixels = pixels / 255 - 0.5
    return pixels, torch.arange(16) % CLASSES


@pytest.mark.parametrize("build", [convolutional, lambda: dense(108, 64)])
def test_images_as_they_are_stored(build):
    def first_outputs(standardised: bool) -> float:
        torch.manual_seed(0)
        layer = next(module for module in build() if isinstance(module, (nn.Conv2d, nn.Linear)))
        inputs = images(standardised)[0]
        return float(layer(inputs if isinstance(layer, nn.Conv2d) else inputs.flatten(1)).detach().square().mean())

    assert first_outputs(False) > 1e4 * first_outputs(True)
    run = trained(build, lambda: images(False), loss=functional.cross_entropy, lr=1e-5)
    found = next(finding for finding in run.findings() if finding.rule == "integer_images")
    assert found.severity == "warning"
    assert (found.evidence["lowest"], found.evidence["highest"]) == (0, 255)
    assert run.node(found.node).op in ("conv2d", "linear")
    assert rules(trained(build, lambda: images(True), loss=functional.cross_entropy)) == set()


def test_images_before_a_normalisation_are_information():
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(128, CLASSES))

    run = trained(build, lambda: images(False), loss=functional.cross_entropy, lr=1e-4)
    assert loud(run) == []
    assert [finding.rule for finding in run.findings()] == ["integer_images"]


def scaled(factor: float, shape: tuple[int, ...]) -> Callable[[], Batch]:
    def make() -> Batch:
        inputs = torch.randn(shape)
        return factor * inputs, inputs.flatten(1)[:, :1].tanh()

    return make


class Recurrent(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.cells, self.head = nn.GRU(features, 12, batch_first=True), nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cells(x)[0][:, -1])


@pytest.mark.parametrize("factor", [300.0, 2e-4])
@pytest.mark.parametrize(("build", "shape"), [(lambda: dense(6, 24, 1), (32, 6)), (lambda: Recurrent(5), (16, 7, 5))])
def test_data_of_a_scale_far_off(factor, build, shape):
    torch.manual_seed(0)
    model, (inputs, targets) = build(), scaled(factor, shape)()
    functional.mse_loss(model(inputs), targets).backward()
    weight, bias = (next(p for n, p in model.named_parameters() if kind in n) for kind in ("weight", "bias"))
    assert weight.grad.norm() > 50 * bias.grad.norm() or weight.grad.norm() < 0.02 * bias.grad.norm()
    run = trained(build, scaled(factor, shape), lr=1e-6)
    assert "input_scale" in rules(run)
    assert "input_scale" not in {f.rule for f in trained(build, scaled(1.0, shape)).findings()}
    assert rules(trained(build, scaled(1.0, shape))) == set()


@pytest.mark.parametrize("scales", [[1e3, 1.0, 1.0, 2.0], [1.0, 3e3], [5e4, 10.0, 0.1, 1.0, 1.0]])
def test_features_of_different_scales(scales):
    def table(standardised: bool) -> Callable[[], Batch]:
        def make() -> Batch:
            inputs = torch.randn(48, len(scales)) * torch.tensor(scales) / max(scales)
            if standardised:
                inputs = (inputs - inputs.mean(0)) / inputs.std(0)
            return inputs, torch.randn(48, 1)

        return make

    torch.manual_seed(0)
    spectrum = torch.linalg.eigvalsh(table(False)()[0].T.cov())
    assert spectrum.amax() / spectrum.amin() > 1e4
    run = trained(lambda: dense(len(scales), 24, 1), table(False), lr=1e-3)
    found = only(run, "input_scale")
    assert found.evidence["largest_deviation"] > 100 * found.evidence["median_deviation"] or len(scales) == 2
    assert rules(trained(lambda: dense(len(scales), 24, 1), table(True), lr=1e-3)) == set()


@pytest.mark.parametrize(
    "spoil", [lambda x: torch.full_like(x, 0.3), torch.zeros_like, lambda x: x[:1].expand_as(x).clone()]
)
@pytest.mark.parametrize("outputs", [1, CLASSES])
def test_samples_that_are_all_the_same(spoil, outputs):
    def make(spoilt: bool) -> Callable[[], Batch]:
        def batch() -> Batch:
            inputs = torch.randn(16, 6)
            targets = inputs[:, :1].tanh() if outputs == 1 else inputs[:, :CLASSES].argmax(1)
            return (spoil(inputs) if spoilt else inputs), targets

        return batch

    loss = functional.mse_loss if outputs == 1 else functional.cross_entropy
    torch.manual_seed(0)
    predictions = dense(6, 24, outputs)(make(True)()[0])
    torch.testing.assert_close(predictions, predictions[:1].expand_as(predictions))
    found = only(
        trained(lambda: dense(6, 24, outputs), make(True), loss=loss), "constant_input", "collapsed", "zero_gradient"
    )
    assert found.module == "1"
    assert rules(trained(lambda: dense(6, 24, outputs), make(False), loss=loss)) == set()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_data_that_are_not_finite(bad):
    def make() -> Batch:
        inputs, targets = scaled(1.0, (16, 6))()
        inputs[3, 2] = bad
        return inputs, targets

    torch.manual_seed(0)
    assert not dense(6)(make()[0])[3].isfinite().all() or bad == math.inf
    run = trained(lambda: nn.Linear(6, 1), make)
    found = only(run, "input_nonfinite")
    assert (found.evidence["nan"] + found.evidence["infinite"], found.severity) == (1, "error")
    assert run.node(found.node).kind == "input"
    assert rules(trained(lambda: nn.Linear(6, 1), lambda: tuple(t.nan_to_num(0, 0, 0) for t in make()))) == set()


def test_missing_targets_that_are_left_out_are_quiet():
    def loss(y: Tensor, t: Tensor) -> Tensor:
        return functional.mse_loss(y[t.isfinite()], t[t.isfinite()])

    def make() -> Batch:
        inputs, targets = scaled(1.0, (16, 6))()
        targets[::3] = math.nan
        return inputs, targets

    assert rules(trained(lambda: dense(6, 24, 1), make, loss=loss)) == set()


@pytest.mark.parametrize(("loss", "first"), [(functional.cross_entropy, 1), (functional.nll_loss, 3)])
def test_a_class_that_does_not_exist(loss, first):
    def program(shift: int) -> None:
        model = dense(6) if loss is functional.cross_entropy else dense(6).append(nn.LogSoftmax(1))
        inputs = torch.randn(16, 6)
        fit(model, inputs, torch.arange(16) % CLASSES + shift, loss=loss)

    with pytest.raises(IndexError, match="out of bounds"), gnn.record(None, every=1) as recording:
        program(first)
    run = recording.run
    found = only(run, "targets_out_of_range")
    assert (found.severity, found.evidence["classes"]) == ("error", CLASSES)
    assert found.evidence["highest_target"] == CLASSES - 1 + first
    assert run.node(found.node).op == loss.__name__
    assert rules(recorded(lambda: program(0))) == set()


@pytest.mark.parametrize("labels", [(-1.0, 1.0), (1.0, 2.0), (0.0, 255.0)])
@pytest.mark.parametrize("width", [8, 32])
def test_binary_labels_outside_0_to_1(labels, width):
    def make(low: float, high: float) -> Callable[[], Batch]:
        def batch() -> Batch:
            inputs = torch.randn(24, 6)
            return inputs, torch.where(inputs[:, :1] > 0, high, low)

        return batch

    loss = functional.binary_cross_entropy_with_logits
    far = 50.0 if labels[1] > 1 else -50.0
    wrong = labels[1] if far > 0 else labels[0]
    assert loss(torch.tensor(far), torch.tensor(wrong)) < -10
    found = only(trained(lambda: dense(6, width, 1), make(*labels), loss=loss, lr=1e-4), "targets_out_of_range")
    assert (found.evidence["lowest_target"], found.evidence["highest_target"]) == labels
    assert rules(trained(lambda: dense(6, width, 1), make(0.0, 1.0), loss=loss, lr=1e-4)) == set()


def test_class_probabilities_are_judged_by_their_sum():
    def make(targets: Callable[[Tensor], Tensor]) -> Callable[[], Batch]:
        def batch() -> Batch:
            inputs = torch.randn(24, 6)
            return inputs, targets(inputs[:, :CLASSES])

        return batch

    def run(targets: Callable[[Tensor], Tensor]) -> Run:
        return trained(lambda: dense(6), make(targets), loss=functional.cross_entropy)

    assert only(run(lambda x: x), "targets_out_of_range").severity == "warning"
    assert [f.severity for f in run(lambda x: (x > 0).float()).findings(["data"])] == ["info"]
    assert run(lambda x: x.softmax(1)).findings(["data"]) == []


@pytest.mark.parametrize(("build", "only_class"), [(lambda: dense(6), 2), (lambda: dense(6, 48), 0)])
def test_targets_of_one_class(build, only_class):
    def make(spoilt: bool) -> Callable[[], Batch]:
        def batch() -> Batch:
            inputs = torch.randn(24, 6)
            targets = inputs[:, :CLASSES].argmax(1)
            return inputs, torch.full_like(targets, only_class) if spoilt else targets

        return batch

    torch.manual_seed(0)
    _, targets = make(True)()
    constant = torch.zeros(24, CLASSES)
    constant[:, only_class] = 20
    assert functional.cross_entropy(constant, targets) < 1e-6
    found = only(trained(build, make(True), loss=functional.cross_entropy), "targets_out_of_range")
    assert found.evidence["target"] == only_class
    assert rules(trained(build, make(False), loss=functional.cross_entropy)) == set()


@pytest.mark.parametrize(("seed", "width"), [(0, 16), (1, 48)])
def test_labels_that_say_nothing(seed, width):
    def program(informative: bool) -> None:
        torch.manual_seed(seed)
        model = dense(6, width)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(220):
            inputs = torch.randn(64, 6)
            targets = inputs[:, :CLASSES].argmax(1) if informative else torch.randint(0, CLASSES, (64,))
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

    run = recorded(lambda: program(False), every=10)
    losses = [step.loss for step in run.data.steps()]
    assert abs(sum(losses[-8:]) / 8 - math.log(CLASSES)) < 0.05
    assert loud(run) == []
    (found,) = run.findings(["uninformative_labels"])
    assert found.evidence["guessing"] == pytest.approx(math.log(CLASSES), rel=0.03)
    assert recorded(lambda: program(True), every=10).findings(["uninformative_labels", "flat"]) == []
