"""Training among several processes, plain and recorded; run as `python -m tests.core.distributed.programs NAME …`.

Each process writes what it found to `result<rank>.json` in the folder that it is given.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.nn as dist_nn
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module
from torch.nn.parallel import DistributedDataParallel

import graphviz_nn as gnn

STEPS = 3
Build = Callable[[], nn.Module]


class Network(nn.Module):
    """Two layers, and a third that no batch ever reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.second = nn.Linear(8, 2)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 2))


def mesh() -> DeviceMesh:
    return init_device_mesh("cpu", (dist.get_world_size(),))


def data_parallel(**options: Any) -> Build:
    return lambda: DistributedDataParallel(network(), **options)


def with_unused_layer() -> nn.Module:
    torch.manual_seed(0)
    return DistributedDataParallel(Network(), find_unused_parameters=True)


def fully_sharded() -> nn.Module:
    model = network()
    for layer in model:
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh())
    return fully_shard(model, mesh=mesh())


def tensor_parallel() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    return parallelize_module(model, mesh(), {"0": ColwiseParallel(), "2": RowwiseParallel()})


# ---- training


def here(tensor: Tensor) -> Tensor:
    """A copy of what this process holds."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).detach().clone()


def batches(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, 4, generator=generator) for _ in range(2 * STEPS)]


def train(
    build: Build, seed: int, path: Path | None = None, *, accumulate: bool = False, **options: Any
) -> dict[str, Tensor]:
    """Trains a fresh model, recorded where there is a path. Returns every loss, gradient and parameter on the way."""
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    data = iter(batches(seed))
    seen: dict[str, Tensor] = {}
    with ExitStack() as stack:
        if path is not None:
            stack.enter_context(gnn.record(path, model, every=1, **options))
        for step in range(STEPS):
            optimizer.zero_grad()
            if accumulate:
                with model.no_sync() if hasattr(model, "no_sync") else nullcontext():
                    model(next(data)).square().mean().backward()
            loss = model(next(data)).square().mean()
            loss.backward()
            seen[f"{step} loss"] = here(loss)
            seen |= {f"{step} {n} gradient": here(p.grad) for n, p in model.named_parameters() if p.grad is not None}
            optimizer.step()
            seen |= {f"{step} {name}": here(p) for name, p in model.named_parameters()}
            seen |= {f"{step} {name}": here(b) for name, b in model.named_buffers()}
    return seen


def differences(plain: dict[str, Tensor], recorded: dict[str, Tensor]) -> list[str]:
    """Names of what is not bitwise equal."""
    names = sorted(plain.keys() ^ recorded.keys())
    return names + [name for name in plain if name in recorded and not torch.equal(plain[name], recorded[name])]


def neutral(build: Build, folder: Path, name: str, seed: int, **options: Any) -> list[str]:
    """What a recording changes: with statistics (to the folder NAME.gvnn), with structure alone, with every tensor."""
    plain = train(build, seed, **options)
    found = []
    for keep in ("stats", "none", "all"):
        path = folder / (f"{name}.gvnn" if keep == "stats" else f"{name}_{keep}.gvnn")
        found += [f"{keep}: {one}" for one in differences(plain, train(build, seed, path, keep=keep, **options))]
    return found


# ---- what the processes do; each function returns its result


def data_parallel_variants(rank: int, folder: Path) -> dict[str, Any]:
    views = data_parallel(gradient_as_bucket_view=True)
    return {
        "plain": neutral(data_parallel(), folder, "plain", rank),
        "bucket_views": neutral(views, folder, "bucket_views", rank),
        "no_sync": neutral(views, folder, "no_sync", rank, accumulate=True),
        "unused": neutral(with_unused_layer, folder, "unused", rank),
        "own gradient": own_gradients(rank),
        **failing_recorders(rank, folder),
        "mean gradient": {k: v.tolist() for k, v in train(data_parallel(), rank).items() if k.startswith("0")},
    }


def own_gradients(rank: int) -> dict[str, Any]:
    """The gradients of the first batch of this rank, without the others."""
    model = network()
    model(batches(rank)[0]).square().mean().backward()
    return {name: p.grad.tolist() for name, p in model.named_parameters() if p.grad is not None}


def sharded_variants(rank: int, folder: Path) -> dict[str, Any]:
    return {
        "fully_sharded": neutral(fully_sharded, folder, "fully_sharded", rank),
        "tensor_parallel": neutral(tensor_parallel, folder, "tensor_parallel", 0),
        "collectives": collectives(rank, folder),
        "weight": tensor_parallel()[0].weight.full_tensor().tolist(),
    }


def averages(rank: int) -> tuple[Tensor, ...]:
    """Averages over the ranks by hand, in place and by autograd's own function, and so its gradient."""
    x = batches(rank)[0].requires_grad_()
    mean = x.square().mean(0)
    shared = mean.detach().clone()
    dist.all_reduce(shared)
    loss = (dist_nn.all_reduce(mean) * shared).sum()
    loss.backward()
    dist.all_reduce(x.grad)
    return loss.detach(), shared, x.grad


def gathers(rank: int) -> tuple[Tensor, ...]:
    """Gathers from all ranks in the background."""
    own = batches(rank)[0].square()
    parts = [torch.zeros_like(own) for _ in range(2)]
    work = dist.all_gather(parts, own, async_op=True)
    work.wait()
    return own, *parts, parts[0] + 1


def collectives(rank: int, folder: Path) -> list[str]:
    """Which programs a recording changes; their runs go to the folder, and what can be replayed is."""
    changed = []
    for program in (averages, gathers):
        plain = program(rank)
        seen: list[tuple[Tensor, ...]] = []
        run = gnn.trace(lambda program=program, seen=seen: seen.append(program(rank)), keep="all")
        if program is averages:
            run.replay()
        run.save(folder / f"{program.__name__}{rank}.gvnn")
        if not all(torch.equal(a, b) for a, b in zip(plain, seen[0], strict=True)):
            changed.append(program.__name__)
    return changed


def failing_recorders(rank: int, folder: Path) -> dict[str, Any]:
    plain = train(data_parallel(), rank)
    alone = train(data_parallel(), rank, folder / "alone.gvnn" if rank == 0 else None)

    calls = iter(range(100))

    def break_down(step: object) -> None:
        if rank == 1 and next(calls) == 1:
            raise OSError("an error of ours")

    broken = train(data_parallel(), rank, folder / "broken.gvnn", on_step=break_down)
    return {"alone": differences(plain, alone), "broken": differences(plain, broken)}


def dying_rank(rank: int, folder: Path) -> None:
    """Rank 1 is killed in its third step; rank 0 does not wait for it."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with gnn.record(folder / "killed.gvnn", model, every=1) as recording:
        for step, x in enumerate(batches(rank)[:STEPS]):
            if rank == 1 and step == 2:
                wait_for(lambda: len(recording.run.steps) == 2)
                os.kill(os.getpid(), signal.SIGKILL)
            model(x).square().mean().backward()
            optimizer.step()


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds: the file is written in a thread of its own."""
    while not condition():
        time.sleep(0.01)


def main(name: str, folder: Path, rank: int, world: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=world)
    result = globals()[name](rank, folder)
    (folder / f"result{rank}.json").write_text(json.dumps(result), encoding="utf-8")
    dist.barrier()
    if name == "data_parallel_variants":
        dying_rank(rank, folder)  # which leaves no group to be ended in good order
    else:
        dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
