"""Tensors that are needed together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from graphviz_nn.errors import NotRecorded
from graphviz_nn.model.subject import Subject

_NAMED: Final = 4


def given(subject: Subject, *names: str) -> list[Subject]:
    """Returns the values that the call read as the arguments of these names, the items of lists one by one, in order.

    Raises:
        NotRecorded: it read none.
    """
    reads = subject.node.inputs if subject.node is not None else ()
    values = zip(reads, subject.inputs(), strict=True)
    found = [value for read, value in values if read.argument.partition("[")[0] in names]
    if not found:
        raise NotRecorded(f"The call was recorded without its {names[0]!r}.")
    return found


def require(subject: Subject, what: str, values: Iterable[Subject]) -> None:
    """Raises `NotRecorded`, which says what is missing and how to record it, unless all the values were kept.

    Args:
        what: the values in words, as what the call computes with ("its input and weights").
    """
    missing = {value.node.name: None for value in values if value.described is None and value.node is not None}
    if missing and subject.node is not None:
        names = ", ".join(list(missing)[:_NAMED]) + (", …" if len(missing) > _NAMED else "")
        raise NotRecorded(
            f"What {subject.node.op} computes inside it keeps to itself. It can be computed again from its {what}, but "
            f"these were not kept in this step: {names}. Record with keep='all'."
        )


def sample_within(chosen: int, samples: int) -> int:
    """Returns the number of the sample that is meant; beyond the end it is the last."""
    return min(max(chosen, 0), samples - 1)
