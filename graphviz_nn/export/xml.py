"""Text that is safe in any XML document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 (section 2.2) does not allow. No printable one is among them."""

_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})

_BATCH: Final = 256
"""Texts that are looked at together."""


def escape(text: str) -> str:
    """Returns the text for element content or a double-quoted attribute; what XML cannot hold becomes U+FFFD."""
    return text if _is_plain(text) else _ILLEGAL.sub("\ufffd", text).translate(_MARKUP)


def escape_all(texts: Sequence[str]) -> list[str]:
    """Returns each text escaped. Most need no care, and it is quicker to see so of many at once."""
    found: list[str] = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        found += batch if _is_plain("".join(batch)) else map(escape, batch)
    return found


def _is_plain(text: str) -> bool:
    """Whether a text stays as it is: no markup in it, and nothing that cannot be printed but line ends."""
    return not ("&" in text or "<" in text or ">" in text or '"' in text) and text.replace("\n", "").isprintable()


@lru_cache(maxsize=65536)
def number(value: float) -> str:
    """Returns a coordinate to a tenth of a pixel, as short as it can be written."""
    return repr(round(value, 1)).removesuffix(".0")
