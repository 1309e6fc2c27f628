"""Healthy programs whose data, targets, losses or learning rates look odd."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.healthy import healthy, loop, sgd
from tests.checks.training import data, fit, stack


@healthy
def one_hot_inputs() -> None:
    words = torch.randint(0, 400, (16, 5))
    inputs = functional.one_hot(words, 400).float()
    fit(nn.Sequential(nn.Linear(400, 8), nn.Flatten(), nn.Linear(40, 3)), inputs, torch.randn(16, 3))


@healthy
def counts_of_words() -> None:
    inputs = torch.poisson(torch.logspace(-3, 0.5, 60).expand(32, 60))
    fit(stack(60, 1, nn.ReLU), inputs, torch.randn(32, 3))


@healthy
def pixels_with_a_constant_border() -> None:
    images = functional.pad(torch.rand(16, 1, 6, 6), (3, 3, 3, 3)).flatten(1)
    fit(nn.Sequential(nn.Linear(144, 16), nn.ReLU(), nn.Linear(16, 3)), images, torch.randn(16, 3))


@healthy
def pixels_divided_inside_the_model() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))

        def forward(self, x: Tensor) -> Tensor:
            return self.layers(x.float() / 255)

    fit(Scaled(), torch.randint(0, 256, (16, 1, 6, 6), dtype=torch.uint8), torch.randn(16, 3))


@healthy
def large_features_before_a_batch_norm() -> None:
    inputs = 200 * torch.randn(32, 6) + 1000
    fit(nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 3)), inputs, torch.randn(32, 3))
    fit(nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), inputs, torch.randn(32, 3))


@healthy
def codes_decoded_over_a_grid() -> None:
    grid = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 5)] * 2, indexing="ij"), -1).reshape(1, 25, 2)
    model, codes = stack(2 + 6, 2, nn.Tanh, std=0.4), torch.randn(8, 1, 6)
    fit(model, torch.cat([grid.expand(8, -1, -1), codes.expand(-1, 25, -1)], -1), torch.randn(8, 25, 3))


@healthy
def rewards_of_a_bandit() -> None:
    policy = nn.Linear(1, 3)

    def step() -> Tensor:
        chosen = torch.distributions.Categorical(logits=policy(torch.ones(16, 1)))
        action = chosen.sample()
        return -(chosen.log_prob(action) * (action == 1).float()).mean()

    loop(step, sgd(policy))


@healthy
def positive_always_at_the_first_place() -> None:
    encoder = stack(8, 2, nn.ReLU)
    queue = functional.normalize(torch.randn(32, 3), dim=1)

    def step() -> Tensor:
        inputs = torch.randn(16, 8)
        query = functional.normalize(encoder(inputs), dim=1)
        with torch.no_grad():
            key = functional.normalize(encoder(inputs + 0.1 * torch.randn(16, 8)), dim=1)
        logits = torch.cat([(query * key).sum(1, keepdim=True), query @ queue.T], 1) / 0.2
        return functional.cross_entropy(logits, torch.zeros(16, dtype=torch.int64))

    loop(step, sgd(encoder))


@healthy
def ignored_and_smoothed_targets() -> None:
    model = nn.Linear(8, 4)
    inputs, targets = torch.randn(24, 8), torch.arange(24) % 4
    targets[::5] = -100
    loop(lambda: functional.cross_entropy(model(inputs), targets), sgd(model))
    soft = 0.9 * (torch.randn(24, 4) > 0).float() + 0.1 + 0.1 * torch.rand(24, 4)
    loop(lambda: functional.binary_cross_entropy_with_logits(model(inputs), soft), sgd(model))


@healthy
def critic_that_sees_ones_then_zeros() -> None:
    generator, critic = stack(4, 1, nn.ReLU), nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    for_generator, for_critic = torch.optim.Adam(generator.parameters()), torch.optim.Adam(critic.parameters())
    judge = functional.binary_cross_entropy_with_logits
    for _ in range(4):
        made = generator(torch.randn(16, 4))
        for inputs, label in ((torch.randn(16, 3), 1.0), (made.detach(), 0.0)):
            for_critic.zero_grad()
            judge(critic(inputs), torch.full((16, 1), label)).backward()
            for_critic.step()
        for_generator.zero_grad()
        (-judge(critic(made), torch.zeros(16, 1))).backward()
        for_generator.step()


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(context: object, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        return -gradient


@healthy
def domains_confused_by_a_reversed_gradient() -> None:
    features, classes, domains = stack(8, 1, nn.ReLU), nn.Linear(3, 4), nn.Linear(3, 2)
    targets, origin = torch.arange(16) % 4, torch.arange(32) // 16

    def step() -> Tensor:
        found = features(torch.randn(32, 8)).relu()
        judged = functional.cross_entropy(domains(Reversed.apply(found)), origin)
        return functional.cross_entropy(classes(found[:16]), targets) + 0.1 * judged

    loop(step, sgd(features, classes, domains))


@healthy
def input_that_fools_a_network() -> None:
    network, inputs, targets = stack(8, 2, nn.ReLU).eval(), torch.randn(16, 8), torch.arange(16) % 3
    change = torch.zeros(16, 8, requires_grad=True)
    loop(lambda: -functional.cross_entropy(network(inputs + change), targets), torch.optim.SGD([change], lr=0.1))


@healthy
def difference_of_two_losses() -> None:
    model = nn.Linear(8, 6)
    near, far = torch.randn(16, 3), torch.randn(16, 3)

    def step() -> Tensor:
        first, second = model(torch.randn(16, 8)).chunk(2, 1)
        return functional.mse_loss(first, near) - 0.1 * functional.mse_loss(second, far).clamp(max=1.0)

    loop(step, sgd(model))


@healthy
def entropy_bonus_and_negated_similarity() -> None:
    model = nn.Linear(8, 4)

    def step() -> Tensor:
        logits = model(torch.randn(16, 8))
        probabilities = logits.softmax(1)
        entropy = -(probabilities * logits.log_softmax(1)).sum(1).mean()
        return -functional.cosine_similarity(logits, torch.ones(16, 4)).mean() - 0.01 * entropy

    loop(step, sgd(model))


@healthy
def warm_restarts() -> None:
    model = stack(8, 2, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5)
    inputs, targets = data(8)
    for _ in range(18):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        schedule.step()


@healthy
def one_cycle_after_a_long_warm_up() -> None:
    model = stack(8, 2, nn.ReLU)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1e-6 * 10 ** min(step / 3, 6))
    inputs, targets = data(8)
    for _ in range(20):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        schedule.step()


@healthy
def fine_tuning_with_a_small_rate() -> None:
    inputs = torch.randn(32, 8)
    model = stack(8, 2, nn.Tanh)
    targets = model(inputs).detach() + 0.1 * torch.randn(32, 3)
    fit(model, inputs, targets, optimizer=torch.optim.AdamW, lr=1e-5, steps=12)


@healthy
def converged_with_a_small_rate() -> None:
    inputs, targets = torch.randn(64, 4), torch.randn(64, 1)
    solution = torch.linalg.lstsq(torch.cat([inputs, torch.ones(64, 1)], 1), targets).solution
    model = nn.Linear(4, 1)
    with torch.no_grad():
        model.weight.copy_(solution[:4].T)
        model.bias.copy_(solution[4])
    fit(model, inputs, targets, lr=1e-3, steps=14)


@healthy
def penalty_that_is_faded_in() -> None:
    model = nn.Linear(8, 8)
    inputs = torch.randn(32, 8)
    optimizer = sgd(model)
    for number in range(24):
        optimizer.zero_grad()
        made = model(inputs)
        weight = number / 4
        (functional.mse_loss(made, inputs) + weight * (made.square().mean() + 1)).backward()
        optimizer.step()


@healthy
def surrogate_that_is_always_zero() -> None:
    policy = stack(4, 1, nn.Tanh)

    def step() -> Tensor:
        chosen = torch.distributions.Categorical(logits=policy(torch.randn(32, 4)))
        action = chosen.sample()
        advantage = (action == 0).float()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        logarithm = chosen.log_prob(action)
        return -((logarithm - logarithm.detach()).exp() * advantage).mean()

    loop(step, torch.optim.Adam(policy.parameters(), 1e-3), 12)


class Density(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.location, self.scale = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.distributions.Normal(self.location, self.scale.exp()).log_prob(x)


@healthy
def density_that_grows_without_a_bound() -> None:
    model, sample = Density(), 1e-2 * torch.randn(64, 2)
    loop(lambda: -model(sample).mean(), torch.optim.Adam(model.parameters(), 0.1), 14)


@healthy
def rare_positives() -> None:
    model = stack(8, 2, nn.ReLU)
    nn.init.constant_(model[-1].bias, -math.log(99))
    targets = torch.zeros(64, 3)
    targets[0, 0] = 1
    loop(lambda: functional.binary_cross_entropy_with_logits(model(torch.randn(64, 8)), targets), sgd(model), 12)


@healthy
def next_word_of_a_sequence() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.cells = nn.Embedding(30, 12), nn.LSTM(12, 16, batch_first=True)
            self.head = nn.Linear(16, 30)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.cells(self.embedding(x))[0])

    model = Words()

    def step() -> Tensor:
        words = (torch.randint(0, 30, (16, 1)) + torch.arange(9)) % 30
        return functional.cross_entropy(model(words[:, :-1]).flatten(0, 1), words[:, 1:].flatten())

    loop(step, torch.optim.Adam(model.parameters(), 3e-3), 12)
