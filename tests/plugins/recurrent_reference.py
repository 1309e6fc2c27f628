"""Recurrent layers run by PyTorch cell by cell, so that every gate and state is seen, with its gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

FEATURES, UNITS = 4, 5


@dataclass
class Reference:
    """Gates and states of one sample by label, and the hidden states of each strand, still in autograd's graph."""

    tracks: dict[str, list[Tensor]] = field(default_factory=dict)
    hidden: dict[str, list[Tensor]] = field(default_factory=dict)

    def put(self, strand: str, **numbers: Tensor) -> None:
        for name, each in numbers.items():
            self.tracks.setdefault(f"{strand} · {name}" if strand else name, []).append(each)


def cell_by_cell(module: nn.RNNBase, sequence: Tensor, start: list[Tensor]) -> tuple[Reference, Tensor]:
    """Runs one sequence [steps, features] by the formulas of the documentation, one step at a time, in float64."""
    found = Reference()
    directions = 2 if module.bidirectional else 1
    for layer in range(module.num_layers):
        outputs = []
        for reverse in range(directions):
            words = ([f"layer {layer}"] if module.num_layers > 1 else []) + (["reverse"] if reverse else [])
            strand = " ".join(words) or ("forward" if directions > 1 else "")
            states = [state[layer * directions + reverse] for state in start]
            suffix = f"_l{layer}" + "_reverse" * reverse
            weights = {
                name.removesuffix(suffix): each.double() for name, each in module.named_parameters()
                if name.endswith(suffix) and name.startswith(("weight", "bias"))
            }  # fmt: skip
            steps = []
            mine = Reference()
            for x in sequence.flip(0) if reverse else sequence:
                states = _step(module, weights, x, states, mine, strand)
                states[0].retain_grad()
                steps.append(states[0])
            for label, numbers in mine.tracks.items():
                found.tracks[label] = numbers[::-1] if reverse else numbers
            found.hidden[strand] = steps[::-1] if reverse else steps
            outputs.append(torch.stack(found.hidden[strand]))
        sequence = torch.cat(outputs, dim=1)
    return found, sequence


def _step(
    module: nn.RNNBase, weights: dict[str, Tensor], x: Tensor, states: list[Tensor], found: Reference, strand: str
) -> list[Tensor]:
    none = torch.zeros(len(weights["weight_ih"]), dtype=torch.float64)
    given = weights["weight_ih"] @ x + weights.get("bias_ih", none)
    own = weights["weight_hh"] @ states[0] + weights.get("bias_hh", none)
    match module.mode:
        case "LSTM":
            i, f, g, o = (given + own).chunk(4)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            c = f * states[1] + i * g
            h = o * c.tanh()
            h = weights["weight_hr"] @ h if "weight_hr" in weights else h
            found.put(strand, input=i, forget=f, output=o, candidate=g, cell=c, hidden=h)
            return [h, c]
        case "GRU":
            (r, z, n), (hr, hz, hn) = given.chunk(3), own.chunk(3)
            r, z = (r + hr).sigmoid(), (z + hz).sigmoid()
            n = (n + r * hn).tanh()
            h = (1 - z) * n + z * states[0]
            found.put(strand, reset=r, update=z, candidate=n, hidden=h)
        case "RNN_TANH":
            h = (given + own).tanh()
            found.put(strand, hidden=h)
        case _:
            h = (given + own).relu()
            found.put(strand, hidden=h)
    return [h]


class Reading(nn.Module):
    """A recurrent layer that begins with given states, and whose results all reach the loss."""

    def __init__(self, kind: type[nn.RNNBase], **options: Any) -> None:
        super().__init__()
        self.layer = kind(FEATURES, UNITS, **options)

    def forward(self, sequence: Tensor, *start: Tensor) -> Tensor:
        output, last = self.layer(sequence, start if len(start) > 1 else start[0])
        ends = last if isinstance(last, tuple) else (last,)
        return (output**2).sum() + sum((place + 2) * end.sum() for place, end in enumerate(ends))
