"""Starts the processes of a distributed program and waits for them, but not for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
PATIENCE = 90.0
"""Seconds after which a program counts as hanging."""


def environment() -> dict[str, str]:
    """One thread each, and nothing that says that this process is one of several."""
    kept = {name: value for name, value in os.environ.items() if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    return kept | {"OMP_NUM_THREADS": "1"}


def launch(program: str, folder: Path, world: int = 2) -> list[int]:
    """Runs a function of `programs` in `world` processes. Returns their exit codes; fails where they hang."""
    command = [sys.executable, "-m", "tests.core.distributed.programs", program, str(folder)]
    processes = [
        subprocess.Popen(
            [*command, str(rank), str(world)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world)
    ]
    try:
        said = [process.communicate(timeout=PATIENCE)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    (folder / "said.txt").write_text("\n".join(said), encoding="utf-8")
    return [process.returncode for process in processes]


def results(program: str, folder: Path, codes: tuple[int, ...] = (0, 0)) -> list[dict[str, Any]]:
    """Runs a function of `programs` in two processes that end with `codes`. Returns what each of them found."""
    seen = tuple(launch(program, folder))
    assert seen == codes, (folder / "said.txt").read_text(encoding="utf-8")
    return [json.loads((folder / f"result{rank}.json").read_text(encoding="utf-8")) for rank in range(2)]
