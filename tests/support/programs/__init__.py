"""Small programs that use PyTorch in every way that a recording must get right."""

from __future__ import annotations

from typing import Final

from tests.support.program import Program
from tests.support.programs import (
    autograd,
    environment,
    failing,
    functions,
    indexing,
    layers,
    operators,
    sequences,
    training,
    writes,
)

PROGRAMS: Final[tuple[Program, ...]] = (
    *operators.program,
    *indexing.program,
    *writes.program,
    *layers.program,
    *sequences.program,
    *functions.program,
    *autograd.program,
    *training.program,
    *environment.program,
)
FAILING: Final[tuple[Program, ...]] = tuple(failing.program)
BY_NAME: Final = {program.name: program for program in PROGRAMS}
assert len(BY_NAME) == len(PROGRAMS), "two programs have the same name"
