"""Healthy programs whose networks look odd: zeros, ones, gates, sparse and fixed parts that are meant."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.healthy import healthy, loop, sgd
from tests.checks.training import data, fit, stack


def classes(count: int, batch: int) -> Tensor:
    return torch.arange(batch) % count


def classify(model: nn.Module, inputs: Tensor, count: int, *, steps: int = 5, lr: float = 0.01, **loss: float) -> None:
    targets = classes(count, len(inputs))
    loop(lambda: functional.cross_entropy(model(inputs), targets, **loss), sgd(model, lr=lr), steps)


class ConvBlock(nn.Module):
    """A residual block whose last batch norm begins with a scale of zero, or whose branch is scaled as Fixup does."""

    def __init__(self, channels: int, *, zero_gamma: bool = True, depth: int = 1) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.normalise = zero_gamma
        if zero_gamma:
            self.norm, self.last_norm = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
            nn.init.zeros_(self.last_norm.weight)
        else:
            nn.init.normal_(self.first.weight, std=math.sqrt(2 / (9 * channels)) / math.sqrt(depth))
            nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.normalise:
            return (x + self.last_norm(self.second(self.norm(self.first(x)).relu()))).relu()
        return (x + self.second(self.first(x).relu())).relu()


def convolutional(blocks: list[nn.Module]) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


@healthy
def batch_norms_that_begin_at_zero() -> None:
    classify(convolutional([ConvBlock(8) for _ in range(4)]), torch.randn(8, 3, 8, 8), 4)


@healthy
def fixup() -> None:
    blocks: list[nn.Module] = [ConvBlock(8, zero_gamma=False, depth=5) for _ in range(5)]
    model = convolutional(blocks)
    nn.init.zeros_(model[-1].weight)
    classify(model, torch.randn(8, 3, 8, 8), 4)


@healthy
def dropout_of_one_half() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(72, 32), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(32, 4),
    )  # fmt: skip
    classify(model, torch.randn(16, 3, 8, 8), 4)


class GatedCell(nn.Module):
    """An LSTM written out, with a forget bias that keeps this gate nearly open."""

    def __init__(self, width: int, forget_bias: float) -> None:
        super().__init__()
        self.width = width
        self.gates, self.head = nn.Linear(4 + width, 4 * width), nn.Linear(width, 2)
        with torch.no_grad():
            self.gates.bias[width : 2 * width] = forget_bias

    def forward(self, x: Tensor) -> Tensor:
        hidden = cell = x.new_zeros(len(x), self.width)
        for t in range(x.shape[1]):
            enter, keep, leave, new = self.gates(torch.cat([x[:, t], hidden], 1)).chunk(4, 1)
            cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
            hidden = leave.sigmoid() * cell.tanh()
        return self.head(hidden)


@healthy
def gates_that_are_open() -> None:
    classify(GatedCell(8, 5.0), torch.randn(8, 10, 4), 2)


class Attention(nn.Module):
    def __init__(self, width: int = 16, sharpness: float = 1.0) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.head = nn.Linear(width, 4)
        with torch.no_grad():
            for layer in (self.query, self.key, self.value):
                layer.weight.mul_(sharpness)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).mT / math.sqrt(x.shape[-1])
        return self.head((scores.softmax(-1) @ self.value(x)).mean(1))


@healthy
def hard_attention_of_trained_weights() -> None:
    """Training makes all layers larger, queries and keys somewhat more: none stands out by far."""
    classify(Attention(sharpness=8.0), torch.randn(8, 6, 16), 4)


class Mixture(nn.Module):
    """Each sample goes to the best of several experts."""

    def __init__(self, experts: int = 4) -> None:
        super().__init__()
        self.router = nn.Linear(8, experts)
        self.experts = nn.ModuleList(stack(8, 1, nn.ReLU) for _ in range(experts))

    def forward(self, x: Tensor) -> Tensor:
        weights, chosen = self.router(x).softmax(-1).max(-1)
        out = x.new_zeros(len(x), 3)
        for number, expert in enumerate(self.experts):
            mine = (chosen == number).nonzero().squeeze(1)
            if len(mine):
                out = out.index_add(0, mine, expert(x[mine]) * weights[mine, None])
        return out


@healthy
def sparse_mixture_of_experts() -> None:
    fit(Mixture(), *data(8, 32))


class Language(nn.Module):
    """A small pre-norm transformer as GPT-2 begins: weights of 0.02, the output tied to the embedding."""

    def __init__(self, width: int = 32, words: int = 50, depth: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.position = nn.Parameter(torch.zeros(8, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 4 * width, 0.1, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embedding.weight
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@healthy
def tied_language_model() -> None:
    model, tokens = Language(), torch.randint(0, 12, (4, 9))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    loop(lambda: functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()), optimizer, 4)


@healthy
def rare_embedding_rows() -> None:
    model = nn.Sequential(nn.Embedding(200, 16), nn.Flatten(), nn.Linear(64, 4))
    targets = classes(4, 8)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loop(lambda: functional.cross_entropy(model(torch.randint(0, 200, (8, 4))), targets), optimizer)


@healthy
def label_smoothing() -> None:
    classify(stack(8, 2, nn.ReLU), torch.randn(16, 8), 3, label_smoothing=0.1)


@healthy
def smooth_and_leaky_activations() -> None:
    for activation in (nn.PReLU, nn.GELU, nn.SiLU, nn.ELU, nn.Mish, nn.LeakyReLU, nn.Hardswish):
        fit(stack(12, 3, activation), *data(12), steps=2)


@healthy
def self_normalising_network() -> None:
    model = stack(32, 12, nn.SELU, std=1 / math.sqrt(32))
    classify(model, torch.randn(32, 32), 3)


class Equilibrium(nn.Module):
    """A fixed point of a layer, found without gradients and entered once with them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.enter, self.head = nn.Linear(8, 8, bias=False), nn.Linear(8, 8), nn.Linear(8, 3)
        with torch.no_grad():
            self.inner.weight.mul_(0.5)

    def forward(self, x: Tensor) -> Tensor:
        z, entry = torch.zeros_like(x), self.enter(x)
        with torch.no_grad():
            for _ in range(20):
                z = torch.tanh(self.inner(z) + entry)
        return self.head(torch.tanh(self.inner(z) + entry))


@healthy
def deep_equilibrium() -> None:
    fit(Equilibrium(), *data(8))


class Adapted(nn.Module):
    """Frozen blocks, each with a small trained bottleneck beside a skip connection, that begins near zero."""

    def __init__(self, width: int = 12, depth: int = 3) -> None:
        super().__init__()
        self.base = nn.ModuleList(nn.Linear(width, width).requires_grad_(False) for _ in range(depth))
        self.down = nn.ModuleList(nn.Linear(width, 4) for _ in range(depth))
        self.up = nn.ModuleList(nn.Linear(4, width) for _ in range(depth))
        for layer in (*self.down, *self.up):
            nn.init.normal_(layer.weight, std=1e-3)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        for base, down, up in zip(self.base, self.down, self.up, strict=True):
            x = base(x).relu()
            x = x + up(down(x).relu())
        return self.head(x)


@healthy
def adapters() -> None:
    fit(Adapted(), *data(12))


class Prompted(nn.Module):
    """A trained prompt before a frozen network before a trained head."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt = nn.Parameter(torch.zeros(1, 8))
        self.network = stack(8, 3, nn.ReLU).requires_grad_(False)
        self.head = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.network(x + self.prompt))


@healthy
def frozen_network_behind_a_prompt() -> None:
    fit(Prompted(), *data(8))


class Reservoir(nn.Module):
    """A fixed random recurrence, of which only the readout is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(4, 16).requires_grad_(False)
        self.recur = nn.Linear(16, 16, bias=False).requires_grad_(False)
        self.read = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 16)
        for t in range(x.shape[1]):
            state = torch.tanh(self.enter(x[:, t]) + self.recur(state))
        return self.read(state)


@healthy
def reservoir_computing() -> None:
    fit(Reservoir(), torch.randn(8, 6, 4), torch.randn(8, 3))


class Wave(nn.Module):
    """A sine network (SIREN), its frequency of 30 in the weights' scale or outside."""

    def __init__(self, width: int = 32, depth: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2 if k == 0 else width, width) for k in range(depth))
        self.head = nn.Linear(width, 1)
        for k, layer in enumerate(self.layers):
            bound = 0.5 if k == 0 else math.sqrt(6 / width) / 30
            nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.sin(30 * layer(x))
        return self.head(x)


@healthy
def sine_network() -> None:
    fit(Wave(), torch.rand(64, 2) * 2 - 1, torch.randn(64, 1), optimizer=torch.optim.Adam, lr=1e-4)


@healthy
def head_that_begins_at_zero_with_a_prior() -> None:
    model = stack(8, 2, nn.ReLU)
    nn.init.zeros_(model[-1].weight)
    nn.init.constant_(model[-1].bias, -4.6)
    targets = (torch.rand(32, 3) < 0.05).float()
    fit(model, torch.randn(32, 8), targets, loss=functional.binary_cross_entropy_with_logits)


@healthy
def policy_head_drawn_small() -> None:
    model = stack(8, 2, nn.Tanh)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
    nn.init.orthogonal_(model[-1].weight, 0.01)
    classify(model, torch.randn(16, 8), 3)


class Squeeze(nn.Module):
    """Channels are scaled by a gate computed from their means."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.gate, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x).relu()
        gate = self.gate(x.mean((2, 3))).sigmoid()
        return self.head((x * gate[:, :, None, None]).mean((2, 3)))


@healthy
def squeeze_and_excitation() -> None:
    classify(Squeeze(), torch.randn(8, 3, 8, 8), 4)


@healthy
def reparametrised_weights() -> None:
    model = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(8, 16)), nn.ReLU(),
        nn.utils.parametrizations.spectral_norm(nn.Linear(16, 16)), nn.ReLU(), nn.Linear(16, 3),
    )  # fmt: skip
    fit(model, *data(8))


@healthy
def matrices_instead_of_layers() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Parameter(torch.randn(8, 16) * math.sqrt(2 / 8))
            self.second = nn.Parameter(torch.randn(16, 3) * math.sqrt(2 / 16))

        def forward(self, x: Tensor) -> Tensor:
            return (x @ self.first).relu() @ self.second

    fit(Plain(), *data(8))


class Graph(nn.Module):
    """Sums over neighbours in a graph, through a normalised adjacency matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
        for layer in self.layers:
            x = (adjacency @ layer(x)).relu()
        return self.head(x)


@healthy
def graph_convolutions() -> None:
    model, nodes = Graph(), torch.randn(20, 8)
    adjacency = (torch.rand(20, 20) < 0.2).float() + torch.eye(20)
    adjacency = adjacency / adjacency.sum(1, keepdim=True)
    targets = classes(3, 20)
    loop(lambda: functional.cross_entropy(model(nodes, adjacency), targets), sgd(model))


@healthy
def patches_with_a_class_token() -> None:
    class Vision(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(3, 16, 4, 4)
            self.token = nn.Parameter(torch.zeros(1, 1, 16))
            self.position = nn.Parameter(torch.randn(1, 5, 16) * 0.02)
            self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
            self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 4)
            nn.init.zeros_(self.head.weight)

        def forward(self, x: Tensor) -> Tensor:
            x = self.patch(x).flatten(2).mT
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
            return self.head(self.norm(self.block(x))[:, 0])

    classify(Vision(), torch.randn(8, 3, 8, 8), 4)


@healthy
def denoiser_with_a_time_embedding() -> None:
    class Denoiser(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time = nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 8))
            self.enter, self.middle = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.norm, self.leave = nn.GroupNorm(2, 8), nn.Conv2d(8, 1, 3, padding=1)
            nn.init.zeros_(self.leave.weight)
            nn.init.zeros_(self.leave.bias)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            hidden = self.enter(x) + self.time(t)[:, :, None, None]
            return self.leave(functional.silu(self.norm(hidden + self.middle(functional.silu(hidden)))))

    model, images = Denoiser(), torch.randn(8, 1, 8, 8)
    loop(lambda: functional.mse_loss(model(images, torch.full((8, 1), 0.5)), images), sgd(model))
