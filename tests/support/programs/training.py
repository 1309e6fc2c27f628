"""Programs about training steps: optimizers, accumulation, several models, and what models give back."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

from tests.support.program import Collection, Step

program = Collection()


def perceptron(inputs: int = 4, outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


@program()
def classifier_with_momentum() -> Step:
    model = perceptron()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    x, y = torch.randn(5, 4), torch.randint(0, 3, (5,))

    def step(x: Tensor, y: Tensor) -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        return loss

    return Step(step, (x, y), state=(model, optimizer))


@program()
def gradient_accumulation() -> Step:
    model = perceptron()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    batches = torch.randn(3, 5, 4)

    def step(batches: Tensor) -> Tensor:
        optimizer.zero_grad()
        total = torch.zeros(())
        for batch in batches:
            loss = model(batch).square().mean() / len(batches)
            loss.backward()
            total += loss.detach()
        optimizer.step()
        return total

    return Step(step, (batches,), state=(model, optimizer))


@program()
def adversarial_pair() -> Step:
    generator, critic = perceptron(2, 4), perceptron(4, 1)
    generator_optimizer = torch.optim.Adam(generator.parameters(), lr=0.01)
    critic_optimizer = torch.optim.RMSprop(critic.parameters(), lr=0.01)
    real = torch.randn(5, 4)

    def step(real: Tensor) -> tuple[Tensor, Tensor]:
        fake = generator(torch.randn(5, 2))
        critic_optimizer.zero_grad()
        critic_loss = F.softplus(critic(fake.detach())).mean() + F.softplus(-critic(real)).mean()
        critic_loss.backward()
        critic_optimizer.step()
        generator_optimizer.zero_grad()
        generator_loss = F.softplus(-critic(fake)).mean()
        generator_loss.backward()
        generator_optimizer.step()
        return critic_loss, generator_loss

    return Step(step, (real,), state=(generator, critic, generator_optimizer, critic_optimizer))


@program()
def optimizer_with_closure() -> Step:
    model = perceptron()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    x = torch.randn(4, 4)

    def step(x: Tensor) -> Tensor:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            return loss

        return optimizer.step(closure)

    return Step(step, (x,), state=(model, optimizer))


@program()
def half_of_the_model_frozen() -> Step:
    backbone, head = perceptron(), nn.Linear(3, 2)
    backbone.requires_grad_(False).eval()
    optimizer = torch.optim.Adagrad(head.parameters(), lr=0.1)
    x = torch.randn(4, 4)

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad(set_to_none=False)
        loss = head(backbone(x)).exp().mean()
        loss.backward()
        optimizer.step()
        return loss

    return Step(step, (x,), state=(backbone, head, optimizer))


@dataclass
class Prediction:
    """What the model below gives back."""

    logits: Tensor
    extras: dict[str, Any]


Pair = namedtuple("Pair", "mean spread")


@program()
def structured_outputs_and_keywords() -> Step:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = perceptron()
            self.spread = nn.Linear(4, 3)

        def forward(self, batch: dict[str, Tensor], *, scale: Tensor, power: float = 1.0) -> Prediction:
            mean, spread = self.body(batch["x"]) * scale, self.spread(batch["x"]).exp() ** power
            return Prediction(mean + spread, {"pair": Pair(mean, spread), "list": [mean.detach(), None, 3]})

    model = Model()
    scale = torch.tensor(0.5, requires_grad=True)

    def step(batch: dict[str, Tensor], *, scale: Tensor) -> Prediction:
        prediction = model(batch, scale=scale, power=2.0)
        pair = prediction.extras["pair"]
        loss = prediction.logits.logsumexp(-1).mean() + (pair.mean / pair.spread).square().mean()
        loss.backward()
        return prediction

    return Step(step, ({"x": torch.randn(3, 4)},), {"scale": scale}, state=(model, scale))


@program()
def hugging_face_output() -> Step:
    from transformers import BertConfig, BertForSequenceClassification

    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=19, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            max_position_embeddings=8,
        )
    )  # fmt: skip
    tokens, labels = torch.randint(0, 19, (2, 5)), torch.tensor([0, 1])

    def step(input_ids: Tensor, labels: Tensor) -> Any:
        output = model(input_ids=input_ids, labels=labels, output_hidden_states=True)
        output.loss.backward()
        return output

    return Step(step, (), {"input_ids": tokens, "labels": labels}, state=model)


@program()
def variational_autoencoder() -> Step:
    encoder, decoder = perceptron(6, 4), perceptron(2, 6)
    x = torch.rand(5, 6)

    def step(x: Tensor) -> Tensor:
        mean, log_variance = encoder(x).chunk(2, dim=-1)
        posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
        latent = posterior.rsample()
        divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(-1)
        loss = (F.binary_cross_entropy_with_logits(decoder(latent), x, reduction="none").sum(-1) + divergence).mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=(encoder, decoder))


@program()
def contrastive_pair_through_one_encoder() -> Step:
    encoder = perceptron()
    first, second = torch.randn(4, 4), torch.randn(4, 4)

    def step(first: Tensor, second: Tensor) -> Tensor:
        a, b = F.normalize(encoder(first), dim=-1), F.normalize(encoder(second), dim=-1)
        loss = F.cross_entropy(a @ b.t() / 0.1, torch.arange(4)) - F.cosine_similarity(a, b.detach()).mean()
        loss.backward()
        return loss

    return Step(step, (first, second), state=encoder)


@program()
def policy_gradient_with_sampling() -> Step:
    policy = perceptron(4, 3)
    observations = torch.randn(6, 4)

    def step(observations: Tensor) -> Tensor:
        choice = torch.distributions.Categorical(logits=policy(observations))
        actions = choice.sample()
        rewards = torch.bernoulli(torch.full((6,), 0.5)) - (actions == 0).float()
        loss = -(choice.log_prob(actions) * (rewards - rewards.mean())).sum() - 0.01 * choice.entropy().mean()
        loss.backward()
        return loss

    return Step(step, (observations,), state=policy)
