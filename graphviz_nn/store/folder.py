"""Reads the run of several processes: a file a rank, and what is to be said about them together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from graphviz_nn.errors import NotARunFile, OptionError, RunFileError
from graphviz_nn.model.steps import RunData, StepInfo
from graphviz_nn.store.merge import MergedRun
from graphviz_nn.store.rank_files import rank_file, ranks_in
from graphviz_nn.store.reader import RunFile, open_run

_SAME_START: Final = 600.0
"""Seconds within which the ranks of one run begin to record."""


def open_data(path: str | os.PathLike[str], rank: int | str | None = None) -> RunData:
    """Opens a run: one file, of a folder that of a rank (0 by default), or with "all" the ranks merged.

    Raises what `open_run` and `RunFolder` raise, and `OptionError` for another word than "all".
    """
    if isinstance(rank, str):
        if rank != "all":
            raise OptionError(f'rank={rank!r} is neither a number nor "all".')
        if ranks_in(path):
            return RunFolder(path).merged()
        rank = 0  # says what is the matter with it
    return open_run(path, rank)


class RankState(msgspec.Struct, frozen=True):
    """One line about a rank.

    Attributes:
        state: "complete", "recording" (some program is writing to it), "stopped" (its program was killed or ended in
            the middle), "unreadable" or "missing".
        steps: how many it recorded.
        last: number of the last training step recorded, or None. loss: that step's, or None.
    """

    rank: int
    state: str
    steps: int = 0
    last: int | None = None
    loss: float | None = None


class RunFolder:
    """The files of a run of several processes, all of them open.

    Attributes:
        path: absolute name of the folder.
        files: by rank, those that can be read and belong to the run, in order of rank.
        world_size: how many processes there were.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens every file.

        Raises:
            NotARunFile: the folder holds no file of any rank.
            RunFileError: none of them can be read.
        """
        self.path = os.path.abspath(path)
        self.files: dict[int, RunFile] = {}
        self._unreadable: dict[int, str] = {}
        self._left_over: list[str] = []
        ranks = ranks_in(path)
        if not ranks:
            raise NotARunFile(f"{self.path} is no folder of a run: it holds no rank0.gvnn.")
        for rank in ranks:
            try:
                self.files[rank] = RunFile(rank_file(path, rank))
            except RunFileError as error:
                self._unreadable[rank] = str(error)
        if not self.files:
            raise RunFileError(next(iter(self._unreadable.values())))
        self.world_size = self._settle()

    def close(self) -> None:
        for file in self.files.values():
            file.close()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def ranks(self) -> Sequence[RankState]:
        """A line about each rank from 0 to `world_size` − 1."""
        return [self._state(rank) for rank in range(self.world_size)]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it should be, one sentence each: ranks that are missing, died, or went another way."""
        return (*self._problems_of_ranks(), *self._problems_between(), *self._left_over)

    def merged(self) -> MergedRun:
        """Returns a view in which the statistics are those of all ranks together; see `MergedRun`.

        Raises:
            NotRecorded: there is no step that all ranks recorded with the same calls.
        """
        return MergedRun(self.path, list(self.files.values()))

    # ---- which files belong to the run

    def _settle(self) -> int:
        """Leaves out what an earlier run left in the folder. Returns the number of processes."""
        newest = max(self.files.values(), key=lambda file: file.meta.created)
        size = newest.meta.world_size or max((*self.files, *self._unreadable)) + 1
        for rank, file in list(self.files.items()):
            other = file.meta.world_size
            if rank >= size or (other is not None and other != size):
                self._left_over.append(
                    f"rank{rank}.gvnn belongs to an earlier run of {other or rank + 1} processes and is left out."
                )
                self.files.pop(rank).close()
            elif file.meta.rank is not None and newest.meta.created - file.meta.created > _SAME_START:
                minutes = round((newest.meta.created - file.meta.created) / 60)
                self._left_over.append(
                    f"Rank {rank} began to record {minutes} minutes before the last: its file may be an earlier run's."
                )
        if not self.files:
            raise NotARunFile(f"{self.path} holds no file of the run: {' '.join(self._left_over)}")
        self._unreadable = {rank: error for rank, error in self._unreadable.items() if rank < size}
        return size

    def _state(self, rank: int) -> RankState:
        file = self.files.get(rank)
        if file is None:
            return RankState(rank, "unreadable" if rank in self._unreadable else "missing")
        steps = file.steps()
        state = "complete" if file.meta.complete else "recording" if file.live else "stopped"
        return RankState(rank, state, len(steps), *((steps[-1].index, steps[-1].loss) if steps else (None, None)))

    # ---- what to say

    def _problems_of_ranks(self) -> Iterator[str]:
        for line in self.ranks:
            rank, state = line.rank, line.state
            if state == "unreadable":
                yield f"Rank {rank} cannot be read: {self._unreadable[rank]}"
            elif state == "missing":
                yield (
                    f"Rank {rank} of {self.world_size} has no file: it did not come to record, or its file was removed."
                )
            elif state == "stopped":
                yield _stopped(self.files[rank], f"after step {line.last}" if line.steps else "before its first step")
            if rank in self.files:
                yield from (f"Rank {rank}: {damage}" for damage in self.files[rank].damage)
                yield from (f"Rank {rank}: {error}" for error in _errors(self.files[rank].steps()))

    def _problems_between(self) -> Iterator[str]:
        recorded = {rank: {step.index for step in file.steps()} for rank, file in self.files.items()}
        shared = set.intersection(*recorded.values())
        if len({len(steps) for steps in recorded.values()}) > 1:
            counts = ", ".join(f"rank {rank} {len(steps)}" for rank, steps in recorded.items())
            yield f"The ranks recorded different numbers of steps: {counts}."
        elif any(steps != shared for steps in recorded.values()):
            yield (
                f"The ranks recorded different steps; {len(shared)} are in all of them. Record every n-th step "
                f"(every=n) to have the same ones."
            )


def _stopped(file: RunFile, where: str) -> str:
    rank, notes = file.meta.rank, file.meta.notes
    if notes:  # closed by a recorder that knows why
        return f"Rank {rank} stopped recording {where}: {' '.join(notes)}"
    return f"Rank {rank} was not closed: its program was killed, or it ended in the middle, {where}."


def _errors(steps: Sequence[StepInfo]) -> Iterator[str]:
    for step in steps:
        if step.error is not None:
            yield f"step {step.index} failed in {step.error.phase}: {step.error.type}: {step.error.message}"
