"""The folder of a run of several processes: one run file a rank, `rank0.gvnn`, `rank1.gvnn`, …"""

from __future__ import annotations

import os
import re
from typing import Final

from graphviz_nn.errors import NotARunFile, OptionError, RunFileError
from graphviz_nn.model.ranks import Place

_NAME: Final = re.compile(r"rank(0|[1-9]\d*)\.gvnn")
_BESIDE: Final = re.compile(_NAME.pattern + r"(-new)?(-wal|-shm|-journal|-lock)*")
"""What stands in such a folder: the files, what SQLite and a writer keep beside them, and files in the making."""


def rank_file(folder: str | os.PathLike[str], rank: int) -> str:
    """Returns the name of a rank's file in the folder of its run."""
    return os.path.join(folder, f"rank{rank}.gvnn")


def ranks_in(folder: str | os.PathLike[str]) -> tuple[int, ...]:
    """Returns the ranks that have a file in the folder, in order; none where it is no folder."""
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    return tuple(sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name))))


def prepare(path: str | os.PathLike[str], place: Place) -> str:
    """Makes the folder of a run, unless another rank already has, and returns the name of this rank's file in it.

    Raises:
        NotARunFile: a folder with something else in it stands there.
        RunFileError: a file stands there, or the folder cannot be made. Nothing is changed then.
    """
    folder = os.path.abspath(path)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise RunFileError(
            f"{folder} is a file, and a run of {place.world_size} processes needs a folder of that name for a file of "
            f"each rank. Remove it, or choose another name."
        )
    if not os.path.isdir(os.path.dirname(folder)):
        raise RunFileError(f"{folder}: there is no folder {os.path.dirname(folder)}. Make it, or choose another place.")
    try:
        os.makedirs(folder, exist_ok=True)
        foreign = sorted(name for name in os.listdir(folder) if not _BESIDE.fullmatch(name))
    except OSError as error:
        raise RunFileError(f"{folder} cannot be used as the folder of a run: {error.strerror}.") from error
    if foreign:
        raise NotARunFile(
            f"{folder} holds something else than a run: {', '.join(foreign[:3])}{' …' if len(foreign) > 3 else ''}. "
            f"Choose another name for the run's folder."
        )
    return rank_file(folder, place.rank)


def choose(path: str | os.PathLike[str], rank: int | None = None) -> str:
    """Returns the run file that `path` means: itself, or in the folder of a run the file of `rank` (0 by default).

    Raises:
        NotARunFile: the folder has no file of that rank.
        OptionError: a rank is asked for and `path` is one run file.
    """
    ranks = ranks_in(path)
    if not ranks:
        if rank is not None and os.path.isfile(path):
            raise OptionError(f"{os.fspath(path)} is one run file, without ranks to choose from: leave the rank out.")
        return os.fspath(path)
    wanted = 0 if rank is None else rank
    if wanted not in ranks:
        raise NotARunFile(
            f"{os.fspath(path)} holds no file of rank {wanted}; there is {', '.join(f'rank {r}' for r in ranks)}. "
            f"Choose one of them: --rank {ranks[0]}, or rank={ranks[0]} in Python."
        )
    return rank_file(path, wanted)
