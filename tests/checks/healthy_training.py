"""Healthy programs that train in an odd way: several optimizers, odd losses, scalers, tricks and late stages."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.checks.healthy import healthy, loop, sgd
from tests.checks.healthy_networks import Attention, classes, classify
from tests.checks.training import data, fit, stack


class Adversaries(nn.Module):
    """A generator and a critic in one module, trained by two optimizers in turns of unequal length."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.critic = stack(4, 2, nn.ReLU), nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 1))


@healthy
def wasserstein_with_gradient_penalty() -> None:
    model = Adversaries()
    for_critic = torch.optim.Adam(model.critic.parameters(), 1e-3, betas=(0.0, 0.9))
    for_generator = torch.optim.Adam(model.generator.parameters(), 1e-3, betas=(0.0, 0.9))
    for turn in range(8):
        if turn % 4 == 3:
            for_generator.zero_grad()
            (-model.critic(model.generator(torch.randn(8, 4))).mean()).backward()
            for_generator.step()
            continue
        for_critic.zero_grad()
        real, fake = torch.randn(8, 3), model.generator(torch.randn(8, 4)).detach()
        between = (real + torch.rand(8, 1) * (fake - real)).requires_grad_()
        (slope,) = torch.autograd.grad(model.critic(between).sum(), between, create_graph=True)
        penalty = 10 * (slope.norm(dim=1) - 1).square().mean()
        (model.critic(fake).mean() - model.critic(real).mean() + penalty).backward()
        for_critic.step()


@healthy
def actor_and_critic() -> None:
    actor, critic = nn.Sequential(stack(4, 1, nn.ReLU), nn.Tanh()), stack(7, 1, nn.ReLU)
    target = copy.deepcopy(critic)
    for_actor, for_critic = torch.optim.Adam(actor.parameters()), torch.optim.Adam(critic.parameters())
    for _ in range(4):
        state, following = torch.randn(16, 4), torch.randn(16, 4)
        with torch.no_grad():
            aim = torch.randn(16, 3) + 0.9 * target(torch.cat([following, actor(following)], 1))
        for_critic.zero_grad()
        functional.mse_loss(critic(torch.cat([state, actor(state).detach()], 1)), aim).backward()
        for_critic.step()
        for_actor.zero_grad()
        (-critic(torch.cat([state, actor(state)], 1)).mean()).backward()
        for_actor.step()


@healthy
def head_trained_on_a_network_in_eval_mode() -> None:
    model = nn.Sequential(stack(8, 2, nn.ReLU).eval(), nn.Linear(3, 3))
    inputs, targets = data(8)
    loop(lambda: functional.mse_loss(model(inputs), targets), sgd(model[1]))


@healthy
def teacher_in_eval_mode() -> None:
    teacher, student = stack(8, 3, nn.ReLU).eval(), stack(8, 1, nn.ReLU)
    inputs = torch.randn(16, 8)

    def step() -> Tensor:
        with torch.no_grad():
            aim = teacher(inputs).softmax(-1)
        return functional.kl_div(student(inputs).log_softmax(-1), aim, reduction="batchmean")

    loop(step, sgd(student))


class Bootstrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.online, self.predictor = stack(8, 2, nn.ReLU), nn.Linear(3, 3)
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        aim = self.target(second).detach()
        return 2 - 2 * functional.cosine_similarity(self.predictor(self.online(first)), aim).mean()


@healthy
def bootstrap_with_a_predictor() -> None:
    model = Bootstrapped()
    loop(lambda: model(torch.randn(16, 8), torch.randn(16, 8)), sgd(model.online, model.predictor))


@healthy
def physics_informed() -> None:
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))

    def step() -> Tensor:
        x = torch.rand(16, 1, requires_grad=True)
        u = model(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        return (slope + u).square().mean() + (model(torch.zeros(1, 1)) - 1).square().mean()

    loop(step, torch.optim.Adam(model.parameters(), 1e-3))


@healthy
def clipped_as_usual() -> None:
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        model = stack(8, 2, nn.ReLU)
        chosen = optimizer(model.parameters(), lr=1e-2)
        inputs, targets = data(8)
        for _ in range(4):
            chosen.zero_grad()
            (10 * functional.mse_loss(model(inputs), targets)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            chosen.step()


@healthy
def loss_scaled_by_a_scaler() -> None:
    model = stack(8, 2, nn.ReLU)
    optimizer, scaler = sgd(model), torch.amp.GradScaler("cpu", init_scale=1024.0)
    inputs, targets = data(8)
    for _ in range(4):
        optimizer.zero_grad()
        scaler.scale(functional.mse_loss(model(inputs), targets)).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()


@healthy
def bfloat16_parameters() -> None:
    model = stack(16, 2, nn.ReLU).to(torch.bfloat16)
    inputs, targets = data(16, 32)
    fit(model, inputs.bfloat16(), targets.bfloat16(), optimizer=torch.optim.Adam, lr=1e-2)


@healthy
def weight_decay_as_usual() -> None:
    model = nn.Sequential(
        nn.Linear(8, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 32),
        nn.LayerNorm(32),
        nn.ReLU(),
        nn.Linear(32, 3),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    inputs, targets = data(8, 32)
    loop(lambda: functional.mse_loss(model(inputs), targets), optimizer, 8)


@healthy
def large_targets() -> None:
    inputs, targets = data(8)
    fit(stack(8, 2, nn.ReLU), inputs, 1000 * targets, lr=1e-7)


@healthy
def schedule_that_ends_at_zero() -> None:
    model = stack(8, 2, nn.ReLU)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    inputs, targets = data(8)
    for _ in range(8):
        optimizer.zero_grad()
        functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        schedule.step()


@healthy
def contrastive_with_a_temperature() -> None:
    encoder = stack(8, 2, nn.ReLU)

    def step() -> Tensor:
        base = torch.randn(16, 8)
        views = (functional.normalize(encoder(base + 0.1 * torch.randn(16, 8)), dim=1) for _ in range(2))
        first, second = views
        return functional.cross_entropy(first @ second.T / 0.07, torch.arange(16))

    loop(step, sgd(encoder))


@healthy
def image_optimised_through_a_network() -> None:
    network = stack(8, 2, nn.ReLU)
    image = torch.randn(1, 8, requires_grad=True)
    optimizer = torch.optim.Adam([image], lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        (-network(image)[0, 0]).backward()
        optimizer.step()


class Perceptual(nn.Module):
    """Compares features of a frozen network that is kept out of its own parameters."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = [features]
        self.decoder = nn.Linear(4, 8)

    def forward(self, codes: Tensor, aim: Tensor) -> Tensor:
        return functional.mse_loss(self.features[0](self.decoder(codes)), self.features[0](aim))


@healthy
def perceptual_loss_kept_outside() -> None:
    model = Perceptual(stack(8, 2, nn.ReLU).requires_grad_(False).eval())
    loop(lambda: model(torch.randn(8, 4), torch.randn(8, 8)), sgd(model))


class Borrowing(nn.Module):
    """Calls a network that it does not own, and that the optimizer knows all the same."""

    def __init__(self, shared: nn.Module) -> None:
        super().__init__()
        self.shared, self.head = (shared,), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.shared[0](x))


@healthy
def network_passed_around() -> None:
    shared = stack(8, 1, nn.ReLU)
    model = Borrowing(shared)
    inputs, targets = data(8)
    loop(lambda: functional.mse_loss(model(inputs), targets), sgd(model, shared))


@healthy
def classifier_after_training() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(64, 8)
    targets = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long()
    model = stack(8, 2, nn.Tanh)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loop(lambda: functional.cross_entropy(model(inputs), targets), optimizer, 80)


@healthy
def single_samples() -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = sgd(model)
    loop(lambda: functional.mse_loss(model(torch.randn(1, 8)), torch.randn(1, 3)), optimizer)


@healthy
def one_step_of_many_kinds() -> None:
    classify(Attention(), torch.randn(8, 6, 16), 4, steps=1)


@healthy
def sparse_autoencoder() -> None:
    encoder, decoder = nn.Linear(8, 32), nn.Linear(32, 8)
    inputs = torch.randn(64, 8)

    def step() -> Tensor:
        codes = encoder(inputs).relu()
        return functional.mse_loss(decoder(codes), inputs) + 1e-3 * codes.abs().sum(1).mean()

    loop(step, sgd(encoder, decoder))


@healthy
def coupling_flow() -> None:
    couple = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 4))
    nn.init.zeros_(couple[-1].weight)
    nn.init.zeros_(couple[-1].bias)
    inputs = torch.randn(32, 4)

    def step() -> Tensor:
        kept, changed = inputs.chunk(2, 1)
        scale, shift = couple(kept).chunk(2, 1)
        z = torch.cat([kept, changed * scale.tanh().exp() + shift], 1)
        return (z.square().sum(1) / 2 + 2 * math.log(2 * math.pi) - scale.tanh().sum(1)).mean()

    loop(step, sgd(couple))


@healthy
def momentum_and_two_groups() -> None:
    model = stack(8, 2, nn.ReLU)
    groups = [{"params": model[:2].parameters(), "lr": 0.0}, {"params": model[2:].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.01, momentum=0.9, weight_decay=1e-4)
    targets = classes(3, 16)
    inputs = torch.randn(16, 8)
    loop(lambda: functional.cross_entropy(model(inputs), targets), optimizer)


@healthy
def large_factor_with_a_rate_to_match() -> None:
    inputs, targets = data(8)
    fit(stack(8, 2, nn.ReLU), inputs, targets, loss=lambda y, t: 1000 * functional.mse_loss(y, t), lr=1e-5)
