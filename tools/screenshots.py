"""Draws windows of the app with recorded programs: tools/screenshots.py FOLDER [NAME …].

Each picture is made by `graphviz-nn view --screenshot` in a process of its own, on the display that there is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # the name that everybody knows it by

import graphviz_nn as gnn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.models import UNet  # noqa: E402


@dataclass(frozen=True)
class Picture:
    """A file name, the function that records its run, and options of `graphviz-nn view`."""

    name: str
    record: Callable[[Path], object]
    options: tuple[str, ...] = ()


def digits(path: Path) -> None:
    """A hundred training steps of the example."""
    arguments = ["run", "--every", "10", "--keep", "all", "-o", str(path), "examples/digits.py", "--steps", "100"]
    subprocess.run([sys.executable, "-m", "graphviz_nn", *arguments], cwd=ROOT, check=True)


def gpt2(path: Path) -> None:
    """Three training steps of a small GPT-2 whose attention is written out."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        n_layer=6,
        n_head=4,
        n_embd=64,
        n_positions=64,
        vocab_size=256,
        use_cache=False,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="eager",
    )
    model = GPT2LMHeadModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens = torch.randint(256, (2, 32))
    with gnn.record(path, model, every=1, keep="all"):
        for _ in range(3):
            optimizer.zero_grad()
            model(tokens, labels=tokens).loss.backward()
            optimizer.step()


def unet(path: Path) -> None:
    """Four training steps of a U-Net that removes noise from stripes."""
    torch.manual_seed(0)
    model = UNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    channels = next(model.parameters()).shape[1]
    clean = torch.sin(torch.arange(64) * 0.4).expand(2, channels, 64, 64).contiguous()
    with gnn.record(path, model, every=1, keep="all"):
        for _ in range(4):
            optimizer.zero_grad()
            output = model(clean + 0.3 * torch.randn_like(clean))
            F.mse_loss(output, clean[:, : output.shape[1]].expand_as(output)).backward()
            optimizer.step()


class Broken(nn.Module):
    """Divides by a norm that is zero, and then multiplies what does not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16))
        self.head = nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.features(x)
        return self.head(y * 0 / (y * 0).norm(dim=1, keepdim=True))


def broken(path: Path) -> None:
    """A step with NaN that ends in an error."""
    torch.manual_seed(0)
    try:
        gnn.trace(Broken(), torch.randn(4, 8), loss=torch.sum)
    except RuntimeError:
        run = gnn.partial_run()
        assert run is not None
        run.save(path)


PICTURES = (
    Picture("digits-dark", digits, ("--theme", "dark", "--expand", "blocks*", "--select", "blocks.0.conv1")),
    Picture("digits-light", digits, ("--theme", "light", "--expand", "blocks*", "--cursor", "60", "--select", "stem")),
    Picture("gpt2-dark", gpt2, ("--theme", "dark", "--expand", "transformer.h.1.attn", "--color-by", "activation")),
    Picture("unet-light", unet, ("--theme", "light", "--expand", "*")),
    Picture("broken-dark", broken, ("--theme", "dark", "--expand", "*", "--color-by", "nonfinite")),
)


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as runs:
        for picture in PICTURES:
            if wanted and picture.name not in wanted:
                continue
            run = Path(runs) / f"{picture.record.__name__}.gvnn"
            if not run.exists():
                picture.record(run)
            command = ["view", str(run), "--screenshot", str(folder / f"{picture.name}.png"), *picture.options]
            subprocess.run([sys.executable, "-m", "graphviz_nn", *command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
