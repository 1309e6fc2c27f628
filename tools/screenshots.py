"""Draws windows and panels of the app with recorded programs: tools/screenshots.py FOLDER [NAME …].

Each window is drawn by `graphviz-nn view --screenshot` in a process of its own, on the display that there is.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
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
        initializer_range=0.2,  # large, so that its heads look at different words before they are trained
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


class Unsafe(nn.Module):
    """A classifier that divides each row by its norm, which may be zero."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 16, bias=False))
        self.head = nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.features(x)
        return self.head(y / y.norm(dim=1, keepdim=True))


def broken(path: Path) -> None:
    """Three steps: a good one, one with a row of zeros that makes NaN of everything, one that ends in an error."""
    torch.manual_seed(0)
    model = Unsafe()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    good, empty_row = torch.randn(4, 8), torch.randn(4, 8)
    empty_row[2] = 0.0
    batches = ((good, 4), (empty_row, 4), (good, 3))
    with contextlib.suppress(ValueError), gnn.record(path, model, every=1, keep="all"):
        for x, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), torch.arange(labels)).backward()
            optimizer.step()


def deep(path: Path) -> None:
    """Twenty training steps of ten layers with sigmoids, through which little gradient comes back."""
    torch.manual_seed(0)
    layers = [layer for _ in range(10) for layer in (nn.Linear(24, 24), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(24, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, labels = torch.randn(32, 24), torch.randint(4, (32,))
    with gnn.record(path, model, every=1, keep="stats"):
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(model(x), labels).backward()
            optimizer.step()


ATTENTION = "transformer.h.1.attn.softmax"
DARK = ("--theme", "dark")
PICTURES = (
    Picture("digits-dark", digits, (*DARK, "--cursor", "128", "--select", "blocks.0.conv1")),
    Picture("digits-light", digits, ("--theme", "light", "--cursor", "60", "--select", "blocks.1.conv2")),
    Picture("gpt2-dark", gpt2, (*DARK, "--cursor", "811", "--expand", "transformer.h.1.attn", "--select", ATTENTION)),
    Picture(
        "unet-light",
        unet,
        ("--theme", "light", "--cursor", "381", "--expand", "merge.3", "--select", "merge.3.3"),
    ),
    Picture("broken-dark", broken, (*DARK, "--step", "1", "--color-by", "nonfinite", "--select", "div")),
)
PANELS = {"panels-digits": digits, "panels-deep": deep}


def main(folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as runs:

        def run_of(record: Callable[[Path], object]) -> str:
            path = Path(runs) / f"{record.__name__}.gvnn"
            if not path.exists():
                record(path)
            return str(path)

        for picture in PICTURES:
            if not wanted or picture.name in wanted:
                target = str(folder / f"{picture.name}.png")
                _python("-m", "graphviz_nn", "view", run_of(picture.record), "--screenshot", target, *picture.options)
        for name, record in PANELS.items():
            if not wanted or name in wanted:
                _python(str(ROOT / "tools" / "panel_pictures.py"), run_of(record), str(folder))
    for path in folder.glob("*.png"):
        shrink(path)


def shrink(path: Path) -> None:
    """Writes a picture with 64 steps a colour instead of 256: nobody sees it, and it takes a fifth less."""
    Image.open(path).convert("RGB").point(lambda value: value | 3).save(path, optimize=True)


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
