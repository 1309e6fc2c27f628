"""The examples of `examples/rules`, by the name of their rule."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

import examples.rules
import graphviz_nn as gnn
from examples.rules import ranks
from graphviz_nn.run import Run

Example = Callable[[bool], None]


def _found() -> dict[str, Example]:
    """Every function that takes `repaired` alone, in the order of the files and in each as it stands there."""
    found: dict[str, Example] = {}
    for file in sorted(Path(examples.rules.__path__[0]).glob("[a-z]*.py")):
        module = import_module(f"examples.rules.{file.stem}")
        found |= {name: value for name, value in vars(module).items() if _is_example(value)}
    return found


def _is_example(value: object) -> bool:
    return inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["repaired"]


EXAMPLES: Final[Mapping[str, Example]] = _found()

AMONG_RANKS: Final = {"ranks_disagree": ranks.ranks_disagree}
"""Those that need several processes: functions of a rank, and of whether they are repaired."""


def recorded_among_ranks(rule: str, folder: Path, *, repaired: bool) -> Run:
    """Runs the example's file in two processes, recorded into `folder`; returns the run of both."""
    file = inspect.getsourcefile(AMONG_RANKS[rule])
    assert file is not None
    path = folder / f"{rule}-{'after' if repaired else 'before'}.gvnn"
    # By number: a bare system may not know the name localhost.
    place = ["--local-addr", "127.0.0.1", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    among = [sys.executable, "-m", "torch.distributed.run", *place, "--nproc-per-node", "2"]
    ours = ["-m", "graphviz_nn", "run", "--every", "1", "--quiet", "-o", str(path)]
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    subprocess.run(
        [*among, *ours, file, *(["--repaired"] if repaired else [])],
        check=True,
        timeout=180,
        env=kept | {"OMP_NUM_THREADS": "1"},
    )
    return gnn.load(path, rank="all")
