"""The models whose training steps are timed: small enough for two cores, varied enough to show every kind of cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn

SEED: Final = 0


@dataclass(frozen=True)
class Case:
    """A model and the loss of one batch of it; `loss()` runs the forward pass."""

    name: str
    model: nn.Module
    loss: Callable[[], Tensor]

    def step(self) -> None:
        """One forward and backward pass."""
        self.loss().backward()


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, and a skip connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        return self.relu(self.norm2(self.conv2(y)) + x)


class ConvolutionalNetwork(nn.Module):
    """50 layers with weights: a stem, 24 residual blocks of two convolutions, a classifier."""

    def __init__(self, channels: int = 8, blocks: int = 24, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.Sequential(*[ResidualBlock(channels) for _ in range(blocks)])
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.stem(x)))
        return self.classifier(x.mean((2, 3)))


class UnrolledLSTM(nn.Module):
    """An `nn.LSTMCell` called once for each element of the sequence."""

    def __init__(self, inputs: int = 16, hidden: int = 32, classes: int = 4) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(inputs, hidden)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.cell.hidden_size)
        outputs = []
        for element in x.unbind(1):
            h, c = self.cell(element, (h, c))
            outputs.append(h)
        return self.classifier(torch.stack(outputs, 1).mean(1))


class ElementwiseLSTM(nn.Module):
    """The same recurrence written in elementwise operations: fourteen calls an element."""

    def __init__(self, inputs: int = 16, hidden: int = 32, classes: int = 4) -> None:
        super().__init__()
        self.inward = nn.Linear(inputs, 4 * hidden)
        self.recurrent = nn.Linear(hidden, 4 * hidden)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.recurrent.in_features)
        for element in x.unbind(1):
            i, f, o, u = (self.inward(element) + self.recurrent(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.classifier(h)


def gpt2(hidden: int, heads: int, vocabulary: int = 256, positions: int = 256) -> nn.Module:
    """Returns a GPT-2 of 12 layers without dropout, from Hugging Face's own code with random weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(
        GPT2Config(
            n_embd=hidden, n_head=heads, n_layer=12, vocab_size=vocabulary, n_positions=positions, resid_pdrop=0.0,
            embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=0, eos_token_id=0,
        )
    )  # fmt: skip


def _language(name: str, hidden: int, heads: int, batch: int, length: int) -> Case:
    model = gpt2(hidden, heads)
    tokens = torch.randint(0, 256, (batch, length))
    return Case(name, model, lambda: model(input_ids=tokens, labels=tokens).loss)


def _classifier(name: str, model: nn.Module, x: Tensor, classes: int) -> Case:
    y = torch.randint(0, classes, (len(x),))
    return Case(name, model, lambda: F.cross_entropy(model(x), y))


MODELS: Final[dict[str, Callable[[str], Case]]] = {
    "cnn": lambda name: _classifier(name, ConvolutionalNetwork(), torch.randn(4, 3, 16, 16), 10),
    "gpt_s": lambda name: _language(name, hidden=64, heads=4, batch=2, length=16),
    "gpt_l": lambda name: _language(name, hidden=512, heads=8, batch=4, length=64),
    "gpt_768": lambda name: _language(name, hidden=768, heads=12, batch=4, length=64),
    "lstm": lambda name: _classifier(name, UnrolledLSTM(), torch.randn(4, 200, 16), 4),
    "mlstm": lambda name: _classifier(name, ElementwiseLSTM(), torch.randn(4, 200, 16), 4),
}


def case(name: str) -> Case:
    """Returns the named case, built from the same seed each time."""
    torch.manual_seed(SEED)
    return MODELS[name](name)


def cuda_cases() -> list[Case]:
    """Returns a ResNet-50 on 32 images of 224×224 and a GPT-2 small on 8 sequences of 512 tokens, on the GPU."""
    from transformers import ResNetConfig, ResNetForImageClassification

    torch.manual_seed(SEED)
    resnet = ResNetForImageClassification(ResNetConfig(num_labels=1000)).cuda()
    images, labels = torch.randn(32, 3, 224, 224, device="cuda"), torch.randint(0, 1000, (32,), device="cuda")
    language = gpt2(768, 12, vocabulary=50_257, positions=1024).cuda()
    tokens = torch.randint(0, 50_257, (8, 512), device="cuda")
    return [
        Case("ResNet-50, batch 32", resnet, lambda: F.cross_entropy(resnet(images).logits, labels)),
        Case("GPT-2 small, batch 8", language, lambda: language(input_ids=tokens, labels=tokens).loss),
    ]
