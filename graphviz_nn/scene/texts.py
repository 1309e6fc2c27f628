"""Many texts in few bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A sequence of texts, each different one kept once, as UTF-8, and decoded when it is asked for.

    Attributes:
        codes: by place in the sequence, which of the different texts it is.
        ends: by different text, where it ends among `data`.
        data: the different texts, one after the other, as bytes.
    """

    codes: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Packs texts. Lone surrogates become "?"."""
        listed = list(texts)
        places = {text: place for place, text in enumerate(dict.fromkeys(listed))}
        codes = np.fromiter(map(places.__getitem__, listed), np.int32, len(listed))
        encoded = [text.encode(errors="replace") for text in places]
        ends = np.fromiter(accumulate(map(len, encoded)), np.int64, len(encoded))
        return cls(codes, ends, np.frombuffer(b"".join(encoded), dtype=np.uint8))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, place: int) -> str:
        return self.distinct(int(self.codes[place]))

    def __iter__(self) -> Iterator[str]:
        return (self.distinct(code) for code in self.codes.tolist())

    def distinct(self, code: int) -> str:
        """Returns one of the different texts."""
        start = int(self.ends[code - 1]) if code else 0
        return self.data[start : int(self.ends[code])].tobytes().decode()
