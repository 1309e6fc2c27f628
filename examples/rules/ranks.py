"""The example of the rule about several processes: `torchrun --nproc-per-node 2 examples/rules/ranks.py`."""

from __future__ import annotations

import sys

import torch
from torch import distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel


def ranks_disagree(rank: int, repaired: bool) -> None:
    """The loop calls the model itself and not its wrapper, so nobody averages the gradients."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    wrapped = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(rank)  # each process has its own part of the data
    for _ in range(8):
        inputs, targets = torch.randn(16, 8), torch.randn(16, 3)
        optimizer.zero_grad()
        functional.mse_loss((wrapped if repaired else model)(inputs), targets).backward()
        optimizer.step()


if __name__ == "__main__":
    distributed.init_process_group("gloo")
    ranks_disagree(distributed.get_rank(), repaired="--repaired" in sys.argv)
    distributed.destroy_process_group()
