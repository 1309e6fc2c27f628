"""Programs about `torch.nn`: convolutions, normalisation, embeddings, losses, shared and parametrised modules."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from tests.support.program import FORWARD_ONLY, Collection, Step

program = Collection()


def training_step(model: nn.Module, *inputs: Tensor, score: Callable[..., Tensor] | None = None) -> Step:
    """Returns a step that calls the model, scores its output (by default its mean square) and goes backward."""

    def step(*inputs: Tensor) -> Tensor:
        output = model(*inputs)
        loss = output.square().mean() if score is None else score(output)
        loss.backward()
        return loss

    return Step(step, inputs, state=(model, inputs))


@program()
def convolutional_network() -> Step:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3, groups=4, stride=2),
        nn.ELU(),
        nn.ConvTranspose2d(8, 4, 2, stride=2, groups=2),
        nn.Dropout2d(0.3),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 5),
    )
    target = torch.tensor([1, 4])
    return training_step(model, torch.randn(2, 3, 9, 9), score=lambda y: F.cross_entropy(y, target))


@program()
def residual_block() -> Step:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.GroupNorm(2, 4)
            self.first = nn.Conv2d(4, 4, 3, padding=1)
            self.second = nn.Conv2d(4, 4, 3, padding=1)
            self.activation = nn.ReLU(inplace=True)

        def forward(self, x: Tensor) -> Tensor:
            y = self.activation(self.first(self.norm(x)))
            y = self.second(y)
            y += x
            return self.activation(y)

    return training_step(nn.Sequential(Block(), Block()), torch.randn(2, 4, 5, 5, requires_grad=True))


@program()
def batch_norm_in_evaluation() -> Step:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 6), nn.BatchNorm1d(6))
    return training_step(model.eval(), torch.randn(3, 4, requires_grad=True))


@program()
def running_statistics() -> Step:
    model = nn.Sequential(
        nn.Conv1d(2, 3, 2),
        nn.BatchNorm1d(3, momentum=None),
        nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
        nn.BatchNorm1d(3, track_running_stats=False),
    )
    x = torch.randn(4, 2, 6)

    def step(x: Tensor) -> Tensor:
        first = model(x)
        loss = (model(x + 1) * first.detach()).sum() + model[1].running_mean.sum() + first.exp().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def shared_module_in_a_loop() -> Step:
    layer = nn.Linear(4, 4)
    head = nn.Sequential(layer, nn.Tanh())
    x = torch.randn(2, 4)

    def step(x: Tensor) -> Tensor:
        y = x
        for _ in range(3):
            y = head(y) + layer(y)
        loss = y.square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=head)


@program()
def tied_weights() -> Step:
    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(11, 6)
            self.inner = nn.Linear(6, 6)
            self.head = nn.Linear(6, 11, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return self.head(torch.tanh(self.inner(self.embedding(tokens))))

    tokens = torch.randint(0, 11, (2, 5))
    return training_step(
        LanguageModel(), tokens, score=lambda y: F.cross_entropy(y[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    )


@program(FORWARD_ONLY)
def convolutional_network_in_evaluation() -> Step:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.SiLU(), nn.Dropout(), nn.Flatten(), nn.Softmax(1))
    model.eval()
    x = torch.randn(2, 1, 5, 5)

    @torch.no_grad()
    def step(x: Tensor) -> Tensor:
        return model(x)

    return Step(step, (x,), state=model)


@program()
def weight_and_spectral_norm() -> Step:
    model = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(4, 5)),
        nn.Tanh(),
        parametrizations.spectral_norm(nn.Linear(5, 4)),
        parametrizations.orthogonal(nn.Linear(4, 4)),
    )
    return training_step(model, torch.randn(3, 4))


@program()
def parametrised_weight_cached() -> Step:
    layer = parametrizations.weight_norm(nn.Conv1d(2, 3, 2))
    x = torch.randn(2, 2, 5)

    def step(x: Tensor) -> Tensor:
        with nn.utils.parametrize.cached():
            loss = layer(x).square().sum() + layer(x * 2).mean() + layer.weight.norm()
        loss.backward()
        return loss

    return Step(step, (x,), state=layer)


@program()
def embeddings() -> Step:
    table, bag = nn.Embedding(10, 4, padding_idx=0, max_norm=1.0), nn.EmbeddingBag(10, 4, mode="mean")
    tokens = torch.randint(0, 10, (3, 5))

    def step(tokens: Tensor) -> Tensor:
        loss = (table(tokens).mean(1) * bag(tokens)).sum()
        loss.backward()
        return loss

    return Step(step, (tokens,), state=(table, bag))


@program()
def sparse_embedding() -> Step:
    table = nn.Embedding(10, 4, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters(), lr=0.1)
    tokens = torch.tensor([[1, 1, 4], [9, 1, 2]])

    def step(tokens: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = table(tokens).square().sum()
        loss.backward()
        optimizer.step()
        return loss

    return Step(step, (tokens,), state=(table, optimizer))


@program()
def resampling_and_padding() -> Step:
    model = nn.Sequential(
        nn.ReflectionPad2d(1), nn.Conv2d(2, 4, 3), nn.PixelShuffle(2), nn.Upsample(scale_factor=1.5, mode="bilinear")
    )
    x = torch.randn(1, 2, 4, 4, requires_grad=True)

    def step(x: Tensor) -> Tensor:
        y = F.pad(model(x), (1, 0, 2, -1), value=0.5)
        grid = F.affine_grid(torch.eye(2, 3).unsqueeze(0) * 0.8, [1, 1, 5, 5], align_corners=False)
        y = F.grid_sample(y, grid, align_corners=False) + F.adaptive_max_pool2d(y, 5)
        loss = F.interpolate(y, size=7, mode="nearest").square().sum() + F.unfold(y, 2).mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=(model, x))


@program()
def losses() -> Step:
    model = nn.Linear(5, 4)
    x = torch.randn(6, 5)
    classes = torch.tensor([0, 3, 1, -100, 2, 2])

    def step(x: Tensor, classes: Tensor) -> Tensor:
        y = model(x)
        soft = torch.full((6, 4), 0.25)
        loss = F.cross_entropy(y, classes, weight=torch.ones(4), label_smoothing=0.1)
        loss = loss + F.nll_loss(F.log_softmax(y, -1), classes) + F.binary_cross_entropy_with_logits(y, soft)
        loss = loss + F.kl_div(F.log_softmax(y, -1), soft, reduction="batchmean") + F.huber_loss(y, soft)
        loss = loss + F.binary_cross_entropy(y.sigmoid(), soft) + F.triplet_margin_loss(y[:2], y[2:4], y[4:])
        log_probabilities = F.log_softmax(y.view(6, 1, 4), -1)
        loss = loss + F.ctc_loss(log_probabilities, torch.tensor([[1, 2]]), torch.tensor([6]), torch.tensor([2]))
        loss = loss + F.cosine_embedding_loss(y[:3], y[3:], torch.tensor([1, -1, 1]))
        loss.backward()
        return loss

    return Step(step, (x, classes), state=model)


@program()
def mixture_of_experts() -> Step:
    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.router = nn.Linear(4, 3)
            self.experts = nn.ModuleList(nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 4)) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            weights, chosen = self.router(x).softmax(-1).topk(2, dim=-1)
            weights = weights / weights.sum(-1, keepdim=True)
            output = torch.zeros_like(x)
            for number, expert in enumerate(self.experts):
                rows, slots = torch.where(chosen == number)
                if rows.numel():
                    output.index_add_(0, rows, expert(x[rows]) * weights[rows, slots, None])
            return output

    return training_step(Mixture(), torch.randn(7, 4))


@program()
def modules_with_hooks() -> Step:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    seen: list[Tensor] = []
    model[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    model[0].register_forward_hook(lambda module, args, output: output + args[0].mean())
    model[2].register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 0.5,))
    model[1].register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] + 1,))
    model.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_output[0].clone()))
    x = torch.randn(3, 4, requires_grad=True)

    def step(x: Tensor) -> Tensor:
        loss = model(x).square().sum()
        loss.backward()
        return loss + seen[-1].sum()

    return Step(step, (x,), state=(model, x, seen))
