"""One lane as an image."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PyQt6.QtGui import QColor, QImage

FUTURE: Final = 0.32
"""How much of its colour a lane keeps where nothing has happened yet."""


def strip(shares: npt.NDArray[np.float64], colour: QColor, happened: int) -> QImage:
    """Returns one line of pixels: as strong as the share of events, faint from the column `happened` on."""
    alpha = np.where(shares > 0, 0.35 + 0.65 * shares, 0.0)
    alpha[happened:] *= FUTURE
    pixels = np.empty((1, len(shares), 4), np.uint8)
    pixels[..., :3] = (colour.blue(), colour.green(), colour.red())
    pixels[0, :, 3] = alpha * 255
    return QImage(pixels.tobytes(), len(shares), 1, 4 * len(shares), QImage.Format.Format_ARGB32).copy()
