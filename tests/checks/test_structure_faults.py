"""Each fault of structure: shown with plain PyTorch, found and placed by its rule alone, and gone when repaired."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from graphviz_nn.run import Run
from tests.checks.training import fit, only, recorded, rules

CLASSES = 6


def classifier(width: int, *last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, CLASSES), *last)


def classes(batch: int = 24) -> tuple[Tensor, Tensor]:
    """Inputs whose class can be read from them."""
    inputs = torch.randn(batch, 8)
    return inputs, inputs[:, :CLASSES].argmax(1)


def trained(build, loss, make=classes, **options) -> Run:
    def program() -> None:
        model = build()
        fit(model, *make(), loss=loss, **options)

    return recorded(program)


@pytest.mark.parametrize("width", [16, 64])
def test_softmax_before_cross_entropy(width):
    torch.manual_seed(0)
    _, targets = classes()
    confident = functional.one_hot(targets, CLASSES).float() * 1000
    least = functional.cross_entropy(confident.softmax(1), targets)
    assert least == pytest.approx(math.log1p((CLASSES - 1) / math.e), rel=1e-4)
    run = trained(lambda: classifier(width, nn.Softmax(1)), functional.cross_entropy)
    found = only(run, "softmax_before_loss")
    assert found.evidence["least_loss"] == pytest.approx(float(least), rel=1e-4)
    assert run.node(found.node).op == "softmax"
    assert rules(trained(lambda: classifier(width), functional.cross_entropy)) == set()


def test_softmax_before_a_loss_over_pixels_is_found_behind_views():
    class Segmenter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).softmax(1).flatten(2)

    def images() -> tuple[Tensor, Tensor]:
        return torch.randn(4, 3, 5, 5), torch.randint(0, 4, (4, 25))

    found = only(trained(Segmenter, functional.cross_entropy, images), "softmax_before_loss")
    assert found.evidence["classes"] == 4


def test_log_softmax_before_cross_entropy_is_information():
    run = trained(lambda: classifier(16, nn.LogSoftmax(1)), functional.cross_entropy)
    assert rules(run) == set()
    assert [f.severity for f in run.findings() if f.rule == "softmax_before_loss"] == ["info"]


def binary(batch: int = 24) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(batch, 8)
    return inputs, (inputs[:, :1] > 0).float()


@pytest.mark.parametrize("last", [nn.Sigmoid, lambda: nn.Softmax(1)])
def test_sigmoid_before_a_loss_of_logits(last):
    def build(*end: nn.Module) -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), *end)

    def three() -> tuple[Tensor, Tensor]:
        inputs, targets = binary()
        return inputs, targets.expand(-1, 3).clone()

    negative = functional.binary_cross_entropy_with_logits(torch.tensor(-50.0).sigmoid(), torch.tensor(0.0))
    assert negative == pytest.approx(math.log(2))
    loss = functional.binary_cross_entropy_with_logits
    assert only(trained(lambda: build(last()), loss, three), "sigmoid_before_loss").severity == "warning"
    assert rules(trained(build, loss, three)) == set()


def test_sigmoid_before_binary_cross_entropy_is_right():
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())

    assert rules(trained(build, functional.binary_cross_entropy, binary)) == set()


@pytest.mark.parametrize("last", [[], [nn.Softmax(1)]])
def test_nll_loss_of_no_log_probabilities(last):
    torch.manual_seed(0)
    inputs, _ = classes()
    outputs = classifier(16, *last)(inputs)
    assert (outputs.logsumexp(1).abs() > 0.1).all()
    run = trained(lambda: classifier(16, *last), functional.nll_loss)
    assert run.node(only(run, "missing_log_softmax").node).op == "nll_loss"
    for repaired in (
        trained(lambda: classifier(16, nn.LogSoftmax(1)), functional.nll_loss),
        trained(lambda: classifier(16, nn.Softmax(1)), lambda y, t: functional.nll_loss((y + 1e-7).log(), t)),
    ):
        assert rules(repaired) == set()


def line(offset: float, scale: float, width: int = 8):
    def make() -> tuple[Tensor, Tensor]:
        inputs = torch.randn(32, width)
        return inputs, scale * inputs[:, :1].tanh() + offset

    return make


@pytest.mark.parametrize(
    ("last", "offset", "scale"),
    [(nn.Tanh, 5.0, 1.0), (nn.Sigmoid, 0.0, 3.0), (nn.ReLU, -4.0, 1.0), (nn.Softplus, -4.0, 1.0)],
)
@pytest.mark.parametrize("loss", [functional.mse_loss, lambda y, t: ((y - t) ** 2).mean()])
def test_output_range(last, offset, scale, loss):
    torch.manual_seed(0)
    _, targets = line(offset, scale)()
    reached = last()(torch.linspace(-100, 100, 1001))
    assert ((targets < reached.min()) | (targets > reached.max())).any()

    def build(*end: nn.Module) -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1), *end)

    run = trained(lambda: build(last()), loss, line(offset, scale), lr=1e-4)
    assert "output_range" in rules(run)
    assert rules(trained(build, loss, line(offset, scale), lr=1e-4)) == set()


@pytest.mark.parametrize(
    ("last", "offset", "scale"), [(nn.Tanh, 0.0, 0.8), (nn.Sigmoid, 0.5, 0.4), (nn.ReLU, 3.0, 1.0)]
)
def test_targets_within_reach_are_quiet(last, offset, scale):
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1), last())

    assert rules(trained(build, functional.mse_loss, line(offset, scale))) == set()


def flat_targets() -> tuple[Tensor, Tensor]:
    inputs = torch.randn(32, 8)
    return inputs, inputs[:, 0]


@pytest.mark.parametrize("loss", [functional.mse_loss, functional.l1_loss, lambda y, t: (y - t).square().mean()])
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_broadcast_of_prediction_and_target(loss):
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))

    torch.manual_seed(0)
    inputs, targets = flat_targets()
    assert torch.broadcast_shapes(build()(inputs).shape, targets.shape) == (32, 32)
    found = only(trained(build, loss, flat_targets), "broadcast_loss")
    assert found.evidence["differences"] == 1024
    assert rules(trained(build, lambda y, t: loss(y.squeeze(-1), t), flat_targets)) == set()


def test_pairwise_distances_are_no_broadcast_by_mistake():
    def spread(y: Tensor, t: Tensor) -> Tensor:
        return functional.mse_loss(y[:, 0], t) + 0.1 * (y - y.T).square().mean()

    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))

    assert rules(trained(build, spread, flat_targets)) == set()


@pytest.mark.parametrize(
    "loss",
    [
        lambda y, t: functional.nll_loss(y.log_softmax(0), t),
        lambda y, t: functional.nll_loss((y.softmax(0) + 1e-9).log(), t),
    ],
)
def test_softmax_over_the_batch(loss):
    inputs, _ = classes()
    torch.testing.assert_close(inputs.softmax(0).sum(0), torch.ones(8))
    run = trained(lambda: classifier(16), loss)
    assert "softmax_over_batch" in rules(run)
    found = next(f for f in run.findings() if f.rule == "softmax_over_batch")
    assert (found.evidence["samples"], found.evidence["classes"]) == (24, CLASSES)
    assert rules(trained(lambda: classifier(16), lambda y, t: functional.nll_loss(y.log_softmax(1), t))) == set()


def test_contrast_over_a_batch_is_quiet():
    def loss(y: Tensor, t: Tensor) -> Tensor:
        similarity = functional.normalize(y, dim=1) @ functional.normalize(y.detach() + 0.1, dim=1).T / 0.2
        own = torch.arange(len(t))
        return functional.nll_loss(similarity.log_softmax(1), own) + functional.cross_entropy(similarity.T, own)

    assert rules(trained(lambda: classifier(16), loss)) == set()


class Mixed(nn.Module):
    """Transposes without moving the samples back before it reshapes."""

    def __init__(self, width: int, *, repaired: bool) -> None:
        super().__init__()
        self.first, self.last, self.repaired = nn.Linear(8, width), nn.Linear(width, CLASSES), repaired

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x).relu()
        return self.last(hidden if self.repaired else hidden.t().reshape(hidden.shape))


def depends_on_others(model: nn.Module, inputs: Tensor) -> bool:
    """Whether the last sample's output has a gradient with respect to other samples."""
    inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs)[-1].sum(), inputs)
    return bool(gradient[:-1].any())


@pytest.mark.parametrize("width", [8, 24, 40])
def test_reshape_across_the_samples(width):
    torch.manual_seed(0)
    inputs, _ = classes()
    assert depends_on_others(Mixed(width, repaired=False), inputs)
    found = only(trained(lambda: Mixed(width, repaired=False), functional.cross_entropy), "batch_leak")
    assert found.evidence["operator"] in ("reshape", "linear")
    assert rules(trained(lambda: Mixed(width, repaired=True), functional.cross_entropy)) == set()


class Sequences(nn.Module):
    def __init__(self, kind: type[nn.RNNBase] | type[nn.MultiheadAttention], *, batch_first: bool) -> None:
        super().__init__()
        attention = kind is nn.MultiheadAttention
        self.mixer = kind(8, 2 if attention else 8, batch_first=batch_first)
        self.head = nn.Linear(8, CLASSES)
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mixer(x, x, x, need_weights=False)[0] if self.attention else self.mixer(x)[0]
        return self.head(mixed[:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.MultiheadAttention])
def test_samples_taken_for_a_sequence(kind):
    def sequences() -> tuple[Tensor, Tensor]:
        inputs = torch.randn(12, 5, 8)
        return inputs, inputs[:, -1, :CLASSES].argmax(1)

    torch.manual_seed(0)
    assert depends_on_others(Sequences(kind, batch_first=False), sequences()[0])
    run = trained(lambda: Sequences(kind, batch_first=False), functional.cross_entropy, sequences)
    assert only(run, "batch_leak").module == "mixer"
    assert rules(trained(lambda: Sequences(kind, batch_first=True), functional.cross_entropy, sequences)) == set()


def test_a_sequence_that_stands_first_is_quiet():
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.head = nn.LSTM(8, 8), nn.Linear(8, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.recurrent(x)[0]).view(-1, CLASSES)

    def sequences() -> tuple[Tensor, Tensor]:
        inputs = torch.randn(7, 4, 8)
        return inputs, inputs[..., :CLASSES].argmax(-1)

    run = trained(Tagger, lambda y, t: functional.cross_entropy(y, t.view(-1)), sequences)
    assert rules(run) == set()


@pytest.mark.parametrize("batch", [2, 4])
def test_batch_norm_over_few_values(batch):
    def build(kind: type[nn.Module] = nn.BatchNorm1d) -> nn.Sequential:
        norm = kind(16) if kind is nn.BatchNorm1d else kind(4, 16)
        return nn.Sequential(nn.Linear(8, 16), norm, nn.ReLU(), nn.Linear(16, CLASSES))

    if batch == 2:
        outputs = nn.BatchNorm1d(16)(torch.randn(2, 16))
        torch.testing.assert_close(outputs.abs(), torch.ones(2, 16), rtol=0.05, atol=0.05)
    found = only(trained(build, functional.cross_entropy, lambda: classes(batch)), "batch_norm_small")
    assert found.evidence["values"] == batch
    for repaired in (
        trained(lambda: build(nn.GroupNorm), functional.cross_entropy, lambda: classes(batch)),
        trained(build, functional.cross_entropy, lambda: classes(24)),
    ):
        assert rules(repaired) == set()


def test_two_images_with_many_positions_are_enough():
    def build() -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)
        )

    def images() -> tuple[Tensor, Tensor]:
        return torch.randn(2, 3, 12, 12), torch.tensor([0, 2])

    assert rules(trained(build, functional.cross_entropy, images)) == set()


@pytest.mark.parametrize("depth", [1, 3])
def test_linear_layers_in_a_row(depth):
    def build(activation: type[nn.Module] = nn.Identity) -> nn.Sequential:
        hidden = [part for _ in range(depth) for part in (nn.Linear(16, 16), activation())]
        return nn.Sequential(nn.Linear(8, 16), activation(), *hidden, nn.Linear(16, CLASSES))

    torch.manual_seed(0)
    model, inputs = build(), torch.randn(5, 8)
    weight = torch.eye(8)
    for layer in model:
        weight = layer.weight @ weight if isinstance(layer, nn.Linear) else weight
    torch.testing.assert_close(model(inputs) - model(0 * inputs), inputs @ weight.T, rtol=1e-4, atol=1e-5)
    found = only(trained(build, functional.cross_entropy), "linear_chain")
    assert found.evidence["layers"] == [str(2 * k) for k in range(depth + 2)]
    assert rules(trained(lambda: build(nn.ReLU), functional.cross_entropy)) == set()


def test_a_projection_before_a_head_is_information():
    run = trained(lambda: nn.Sequential(nn.Linear(8, 16), nn.Linear(16, CLASSES)), functional.cross_entropy)
    assert rules(run) == set()
    assert [f.severity for f in run.findings() if f.rule == "linear_chain"] == ["info"]


def test_convolutions_in_a_row():
    def build(activation: type[nn.Module] = nn.Identity) -> nn.Sequential:
        parts = [part for _ in range(3) for part in (nn.Conv2d(8, 8, 3, padding=1), activation())]
        return nn.Sequential(nn.Conv2d(3, 8, 3), *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))

    def images() -> tuple[Tensor, Tensor]:
        return torch.randn(8, 3, 8, 8), torch.randint(0, 3, (8,))

    assert len(only(trained(build, functional.cross_entropy, images), "linear_chain").evidence["layers"]) == 4
    assert rules(trained(lambda: build(nn.ReLU), functional.cross_entropy, images)) == set()


@pytest.mark.parametrize("narrow", [2, 4])
def test_a_bottleneck_is_a_low_rank_layer(narrow):
    def build() -> nn.Sequential:
        return nn.Sequential(nn.Linear(8, narrow), nn.Linear(narrow, 16), nn.ReLU(), nn.Linear(16, CLASSES))

    assert rules(trained(build, functional.cross_entropy)) == set()


def regularised() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, CLASSES))


def test_training_in_evaluation_mode():
    model = regularised().eval()
    inputs, _ = classes()
    torch.testing.assert_close(model(inputs), model(inputs))
    assert only(trained(lambda: regularised().eval(), functional.cross_entropy), "mode_mistake").module == "1"
    assert rules(trained(regularised, functional.cross_entropy)) == set()


def test_a_frozen_backbone_in_evaluation_mode_is_quiet():
    def build() -> nn.Sequential:
        model = nn.Sequential(regularised(), nn.ReLU(), nn.Linear(CLASSES, CLASSES))
        model[0].requires_grad_(False).eval()
        return model

    assert rules(trained(build, functional.cross_entropy)) == set()


def evaluated(*, mode: bool, use) -> Run:
    """Trains, and between steps calls the model without gradients, in training mode or not."""

    def program() -> None:
        model = regularised()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(5):
            inputs, targets = classes()
            model.train(mode)
            with torch.no_grad():
                extra = use(model(inputs), targets)
            model.train()
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(inputs), targets)
            (loss if extra is None else loss + extra(model(inputs))).backward()
            optimizer.step()

    return recorded(program)


def accuracy(outputs: Tensor, targets: Tensor) -> None:
    (outputs.argmax(1) == targets).float().mean().item()


def distill(outputs: Tensor, targets: Tensor):
    del targets
    return lambda mine: functional.mse_loss(mine, outputs)


def test_evaluation_in_training_mode():
    torch.manual_seed(0)
    model, (inputs, _) = regularised(), classes()
    assert not torch.equal(model(inputs), model(inputs))
    assert only(evaluated(mode=True, use=accuracy), "mode_mistake").evidence["mode"] == "training"
    assert rules(evaluated(mode=False, use=accuracy)) == set()


@pytest.mark.parametrize("use", [distill, lambda outputs, targets: None])
def test_teachers_and_recomputed_statistics_are_quiet(use):
    assert rules(evaluated(mode=True, use=use)) == set()


def test_softmax_without_a_dimension():
    def loss(y: Tensor, t: Tensor) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return functional.nll_loss(functional.log_softmax(y), t)

    assert rules(trained(lambda: classifier(16), loss)) == set()
