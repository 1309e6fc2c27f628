"""The modules of a recorded program, the calls made of them, their parameters, and what trains these."""

from __future__ import annotations

from typing import Any

import msgspec


class Module(msgspec.Struct, frozen=True, array_like=True):
    """One `nn.Module`.

    Attributes:
        path: dotted path from its root, "" for the only root; with several roots each path starts with a root name.
        type: class name as people write it: "Conv2d".
        bases: importable names of the class and its bases up to `torch.nn.modules.module.Module`, most derived
            first: "torch.nn.modules.conv.Conv2d". Layer types are looked up along it.
        attributes: its plain public attributes that are numbers, booleans, strings or tuples of those
            (`kernel_size`, `p`, `eps`, …), as JSON values.
        parameters: dotted names of the parameters that it owns itself, not those of its children.
        training: the flag at the time of its first call.
    """

    path: str
    type: str
    bases: tuple[str, ...]
    attributes: dict[str, Any]
    parameters: tuple[str, ...]
    training: bool


class ModuleCall(msgspec.Struct, frozen=True, array_like=True):
    """One call of a module: its path, its count from 1, and the call that it was made in (an index, or None).

    `training` is the module's flag at that call; None in a run that was recorded before this was noted.
    """

    path: str
    call: int
    parent: int | None
    phase: str = "forward"
    training: bool | None = None


class Parameter(msgspec.Struct, frozen=True, array_like=True):
    """One parameter of the program, whether or not the step read it.

    Attributes:
        names: every dotted name that it has (several when tied), as in `Node.names`.
        shape: () while a lazy module has not made it yet. dtype: without "torch.".
        requires_grad: whether it is trained; a frozen one has False.
        optimizer, group: which of `StepInfo.optimizers`, and which of its groups, has it; None where none does.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    requires_grad: bool
    optimizer: int | None = None
    group: int | None = None
