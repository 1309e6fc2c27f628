"""What a recording must know of `torch.distributed`: which process this is, and what its tensors are parts of.

Nothing here starts a collective or waits for one, so that ranks may record different steps, or not at all, and never
wait for each other on our account.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final, NamedTuple

from torch import Tensor

from graphviz_nn.model.ranks import Place

DTENSOR_NOTE: Final = (
    "DTensors are shown with the shape of the whole; their numbers are those of the part that this rank holds, and "
    "their tensors are not kept."
)


class Shard(NamedTuple):
    """The part of a DTensor that is in this process: its sizes, and how the whole is spread over the mesh."""

    shape: tuple[int, ...]
    placements: str


def place_of_process() -> Place | None:
    """Returns the rank of this process among those that train together, or None where it is alone.

    The process group says, or, before there is one, the variables that `torchrun` sets (RANK, WORLD_SIZE).
    """
    group = sys.modules.get("torch.distributed")
    if group is not None and group.is_available() and group.is_initialized():
        place = Place(group.get_rank(), group.get_world_size())
        return place if place.world_size > 1 else None
    return Place.in_environment(os.environ)


def notes_on_group(rank: int | None) -> list[str]:
    """Returns what to say of a recording that ends and was begun as that of `rank` (None: of a process alone)."""
    place = place_of_process()
    if place is None or place.rank == rank:
        return []
    known = "one process alone" if rank is None else f"rank {rank}"
    return [
        f"This is rank {place.rank} of {place.world_size}, but recording began before the process group did, and took "
        f"it for {known}. Begin to record after torch.distributed.init_process_group."
    ]


def shard_of(tensor: Tensor) -> Shard | None:
    """Returns what this process holds of a DTensor; None for any other tensor."""
    if not _is_distributed(tensor):
        return None
    whole: Any = tensor
    return Shard(tuple(whole._local_tensor.shape), ", ".join(map(str, whole.placements)))


def shards_parameters() -> bool:
    """Whether the program may have sharded modules with `fully_shard`: other libraries import it for nothing."""
    group = sys.modules.get("torch.distributed")
    return "torch.distributed.fsdp._fully_shard" in sys.modules and bool(group and group.is_initialized())


def local_part(tensor: Tensor) -> Tensor:
    """Returns the part of a DTensor that is in this process; any other tensor as it is.

    `DTensor.to_local` would wait for a collective that is under way; this does not.
    """
    if not _is_distributed(tensor):
        return tensor
    whole: Any = tensor
    part: Tensor = whole._local_tensor
    return part


def is_whole(tensor: Tensor) -> bool:
    """Whether this process holds all of the tensor: true but for a DTensor that is sharded or not yet summed up."""
    whole: Any = tensor
    return not _is_distributed(tensor) or all(placement.is_replicate() for placement in whole.placements)


def _is_distributed(tensor: Tensor) -> bool:
    module = sys.modules.get("torch.distributed.tensor")  # a program without DTensors has not imported it
    return module is not None and isinstance(tensor, module.DTensor)
