"""Text that is safe in any XML document."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SPECIAL: Final = re.compile("[^\t\n !#-%'-;=?-~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What needs care: markup, quotes, and the characters that XML 1.0 (section 2.2) does not allow."""

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})


def escape(text: str) -> str:
    """Returns the text for element content or a double-quoted attribute; what XML cannot hold becomes U+FFFD."""
    if _SPECIAL.search(text) is None:
        return text
    return _ILLEGAL.sub("\ufffd", text).translate(_MARKUP)


@lru_cache(maxsize=65536)
def number(value: float) -> str:
    """Returns a coordinate to a tenth of a pixel, as short as it can be written."""
    return repr(round(value, 1)).removesuffix(".0")
