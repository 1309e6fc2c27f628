"""Healthy programs of many kinds: what looks like a fault in them is meant. By name; each trains for a few steps."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.training import Program, data, fit, stack

PROGRAMS: dict[str, Program] = {}


def healthy(program: Program) -> Program:
    PROGRAMS[program.__name__] = program
    return program


def loop(step: Callable[[], Tensor], optimizer: torch.optim.Optimizer, steps: int = 5) -> None:
    """Trains on the loss that `step` gives."""
    for _ in range(steps):
        optimizer.zero_grad()
        step().backward()
        optimizer.step()


def sgd(*modules: nn.Module, lr: float = 0.01) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for module in modules for p in module.parameters() if p.requires_grad], lr=lr)


class Residual(nn.Module):
    """Pre-norm blocks whose last layer begins at zero, or whose branch is scaled by a zero (ReZero)."""

    def __init__(self, *, rezero: bool, width: int = 8, depth: int = 6) -> None:
        super().__init__()
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.scale = nn.Parameter(torch.zeros(depth)) if rezero else None
        if not rezero:
            for layer in self.outer:
                nn.init.zeros_(layer.weight)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        for position, (inner, outer) in enumerate(zip(self.inner, self.outer, strict=True)):
            branch = outer(inner(x).relu())
            x = x + (branch if self.scale is None else self.scale[position] * branch)
        return self.head(x)


@healthy
def zero_initialised_residuals() -> None:
    fit(Residual(rezero=False), *data(8))


@healthy
def rezero() -> None:
    fit(Residual(rezero=True), *data(8))


@healthy
def rezero_recorded_once() -> None:
    fit(Residual(rezero=True), *data(8), steps=1)


@healthy
def frozen_prefix() -> None:
    model = stack(8, 5, nn.ReLU)
    for layer in model[:6]:
        layer.requires_grad_(False)
    fit(model, *data(8))


@healthy
def frozen_prefix_under_no_grad() -> None:
    encoder, head = stack(8, 2, nn.ReLU).eval(), nn.Linear(3, 3)
    inputs, targets = data(8)

    def step() -> Tensor:
        with torch.no_grad():
            features = encoder(inputs)
        return functional.mse_loss(head(features), targets)

    loop(step, sgd(head))


class LowRank(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Linear(8, 3).requires_grad_(False)
        self.down, self.up = nn.Linear(8, 2, bias=False), nn.Linear(2, 3, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.up(self.down(x))


@healthy
def lora() -> None:
    fit(LowRank(), *data(8))


@healthy
def gan() -> None:
    generator, critic = stack(4, 2, nn.ReLU), nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    for_generator, for_critic = torch.optim.Adam(generator.parameters()), torch.optim.Adam(critic.parameters())
    for _ in range(4):
        for_critic.zero_grad()
        fake = generator(torch.randn(8, 4)).detach()
        (functional.softplus(critic(fake)).mean() + functional.softplus(-critic(torch.randn(8, 3))).mean()).backward()
        for_critic.step()
        for_generator.zero_grad()
        functional.softplus(-critic(generator(torch.randn(8, 4)))).mean().backward()
        for_generator.step()


@healthy
def simsiam_stop_gradient() -> None:
    encoder, predictor = stack(8, 2, nn.ReLU), nn.Linear(3, 3)

    def step() -> Tensor:
        first, second = encoder(torch.randn(8, 8)), encoder(torch.randn(8, 8))
        return -functional.cosine_similarity(predictor(first), second.detach()).mean()

    loop(step, sgd(encoder, predictor))


class Bootstrap(nn.Module):
    """An online network and its moving average."""

    def __init__(self) -> None:
        super().__init__()
        self.online = stack(8, 2, nn.ReLU)
        self.target = copy.deepcopy(self.online)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        with torch.no_grad():
            aim = self.target(second)
        return functional.mse_loss(self.online(first), aim)


@healthy
def momentum_network() -> None:
    model = Bootstrap()
    optimizer = sgd(model.online)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(8, 8), torch.randn(8, 8)).backward()
        optimizer.step()
        with torch.no_grad():
            for mine, theirs in zip(model.target.parameters(), model.online.parameters(), strict=True):
                mine.lerp_(theirs, 0.05)


@healthy
def q_learning_with_a_target_network() -> None:
    network = stack(4, 2, nn.ReLU)
    target = copy.deepcopy(network)

    def step() -> Tensor:
        state, following = torch.randn(8, 4), torch.randn(8, 4)
        with torch.no_grad():
            aim = torch.randn(8) + 0.9 * target(following).max(1).values
        return functional.mse_loss(network(state).gather(1, torch.randint(3, (8, 1))).squeeze(1), aim)

    loop(step, sgd(network))


@healthy
def gradient_accumulation() -> None:
    model = stack(6, 2, nn.ReLU)
    optimizer = sgd(model)
    for _ in range(4):
        for _ in range(3):
            (functional.mse_loss(model(torch.randn(8, 6)), torch.randn(8, 3)) / 3).backward()
        optimizer.step()
        optimizer.zero_grad()


@healthy
def gradients_clipped_by_hooks() -> None:
    model = stack(6, 2, nn.ReLU)
    for parameter in model.parameters():
        parameter.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))
    fit(model, *data(6), steps=6)


@healthy
def gradients_zeroed_in_place() -> None:
    model = stack(6, 2, nn.ReLU)
    optimizer = sgd(model)
    inputs, targets = data(6)
    for _ in range(5):
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)


@healthy
def biases_before_batch_norm() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip
    fit(model, torch.randn(8, 1, 10, 10), torch.randn(8, 3))


@healthy
def deep_batch_norm_with_sigmoid() -> None:
    model = nn.Sequential(*[nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.ReLU()) for _ in range(12)])
    fit(model.append(nn.Linear(16, 16)), *data(16, 32, 16))


@healthy
def loss_scaled_down() -> None:
    fit(stack(8, 4, nn.ReLU), *data(8), loss=lambda y, t: 1e-6 * functional.mse_loss(y, t))


@healthy
def sum_reduction() -> None:
    fit(
        stack(8, 4, nn.ReLU), *data(8, batch=256), loss=lambda y, t: functional.mse_loss(y, t, reduction="sum"), lr=1e-5
    )


@healthy
def converged() -> None:
    inputs, _ = data(8)
    model = stack(8, 3, nn.ReLU)
    fit(model, inputs, model(inputs).detach())


@healthy
def satisfied_margin() -> None:
    model = nn.Linear(4, 1)
    inputs = torch.randn(16, 4)
    labels = torch.sign(model(inputs)).detach()
    nn.init.constant_(model.bias, 0.0)
    with torch.no_grad():
        labels = torch.sign(model(inputs))
        model.weight.mul_(1e4)
    fit(model, inputs, labels, loss=lambda y, t: (1 - y * t).clamp(min=0).mean())


@healthy
def default_relu_network_of_ten_layers() -> None:
    fit(stack(32, 9, nn.ReLU), *data(32, 32))


@healthy
def transformer() -> None:
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    model = nn.Sequential(
        nn.Linear(6, 16), nn.TransformerEncoder(layer, 3, enable_nested_tensor=False), nn.Linear(16, 3)
    )
    fit(model, torch.randn(4, 7, 6), torch.randn(4, 7, 3), optimizer=torch.optim.Adam, lr=1e-3)


@healthy
def causal_attention() -> None:
    project, head = nn.Linear(8, 24), nn.Linear(8, 3)
    mask = torch.ones(6, 6, dtype=torch.bool).triu(1)

    def step() -> Tensor:
        queries, keys, values = project(torch.randn(4, 6, 8)).chunk(3, -1)
        scores = (queries @ keys.mT / math.sqrt(8)).masked_fill(mask, -torch.inf)
        return functional.cross_entropy(head(scores.softmax(-1) @ values).flatten(0, 1), torch.arange(24) % 3)

    loop(step, sgd(project, head))


@healthy
def lstm_over_time() -> None:
    cell, head = nn.LSTMCell(4, 8), nn.Linear(8, 2)

    def step() -> Tensor:
        state, losses = None, []
        for _ in range(20):
            state = cell(torch.randn(5, 4), state)
            losses.append(functional.cross_entropy(head(state[0]), torch.arange(5) % 2))
        return torch.stack(losses).mean()

    loop(step, sgd(cell, head))


@healthy
def gated_over_time_with_a_loss_at_the_end() -> None:
    cell, head = nn.GRUCell(4, 8), nn.Linear(8, 2)

    def step() -> Tensor:
        state = torch.zeros(5, 8)
        for _ in range(12):
            state = cell(torch.randn(5, 4), state)
        return functional.cross_entropy(head(state), torch.arange(5) % 2)

    loop(step, sgd(cell, head))


class Quantised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.codes = nn.Linear(6, 4), nn.Linear(4, 6), nn.Embedding(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        z = self.encoder(x)
        nearest = torch.cdist(z, self.codes.weight).argmin(1)
        quantised = self.codes(nearest)
        decoded = self.decoder(z + (quantised - z).detach())
        commitment = functional.mse_loss(z, quantised.detach()) + functional.mse_loss(quantised, z.detach())
        return functional.mse_loss(decoded, x) + commitment


@healthy
def vector_quantisation() -> None:
    model, inputs = Quantised(), torch.randn(16, 6)
    loop(lambda: model(inputs), sgd(model))


class Experts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(6, 3) for _ in range(2))
        self.turn = 0

    def forward(self, x: Tensor) -> Tensor:
        self.turn += 1
        return self.experts[self.turn % 2](x)


@healthy
def experts_that_take_turns() -> None:
    fit(Experts(), *data(6))


@healthy
def variational_autoencoder() -> None:
    encoder, decoder = nn.Linear(6, 8), nn.Linear(4, 6)
    inputs = torch.randn(16, 6)

    def step() -> Tensor:
        mean, log_variance = encoder(inputs).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
        return functional.mse_loss(decoder(z), inputs) + divergence

    loop(step, sgd(encoder, decoder))


@healthy
def negative_log_density() -> None:
    model = nn.Linear(6, 2)
    inputs = torch.randn(16, 6)

    def step() -> Tensor:
        mean, raw = model(inputs).unbind(1)
        return -torch.distributions.Normal(mean, functional.softplus(raw) * 1e-2 + 1e-3).log_prob(inputs[:, 0]).mean()

    loop(step, sgd(model, lr=1e-6))


@healthy
def warm_up_from_zero() -> None:
    model = Residual(rezero=True)
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 10)
    inputs, targets = data(8)
    for _ in range(6):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        schedule.step()


@healthy
def bfloat16_autocast() -> None:
    model = stack(8, 3, nn.ReLU)
    inputs, targets = data(8)

    def step() -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return functional.mse_loss(model(inputs).float(), targets)

    loop(step, sgd(model))


@healthy
def logged_on_the_side() -> None:
    model = stack(8, 2, nn.ReLU)
    inputs, targets = data(8)

    def step() -> Tensor:
        outputs = model(inputs)
        with torch.no_grad():
            float((outputs.argmax(1) == targets.argmax(1)).float().mean().item())
        return functional.cross_entropy(outputs, targets.argmax(1))

    loop(step, sgd(model))


@healthy
def policy_gradient() -> None:
    policy, critic = stack(4, 1, nn.Tanh), nn.Linear(4, 1)

    def step() -> Tensor:
        state = torch.randn(8, 4)
        chosen = torch.distributions.Categorical(logits=policy(state))
        action = chosen.sample()
        value = critic(state).squeeze(1)
        reward = (action == 0).float()
        return -(chosen.log_prob(action) * (reward - value.detach())).mean() + functional.mse_loss(value, reward)

    loop(step, sgd(policy, critic))


@healthy
def closure_optimizer() -> None:
    model = stack(6, 1, nn.Tanh)
    inputs, targets = data(6)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.mse_loss(model(inputs), targets)
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
