"""One map enlarged, beside the image that the program read and the gradient's map."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from graphviz_nn_ui.viewmodels.gallery import Gallery
from graphviz_nn_ui.widgets.image_grid import ImageGridView


class Enlarged(QWidget):
    """Up to three images side by side, each under its name.

    Signals:
        pointed: (text) what is under the pointer.
        closed: () nothing is to be enlarged any more.
    """

    pointed = pyqtSignal(str)
    closed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._places = {name: _Named(name) for name in ("input", "value", "gradient")}
        for place in self._places.values():
            place.image.pointed.connect(self.pointed)
            self._layout.addWidget(place, 1)

    def image(self, name: str) -> ImageGridView:
        """The widget of the "input", "value" or "gradient"."""
        return self._places[name].image

    def show_images(self, images: dict[str, Gallery | None]) -> None:
        """Shows galleries of one image by place; a place without one is hidden."""
        for name, place in self._places.items():
            gallery = images.get(name)
            place.setVisible(gallery is not None)
            place.image.show_gallery(gallery)
            place.title.setText(
                "" if gallery is None else " · ".join(filter(None, (name, gallery.label(0), gallery.range_text(0))))
            )

    def keyPressEvent(self, event: object) -> None:  # noqa: N802  # Qt's name
        if getattr(event, "key", lambda: None)() == Qt.Key.Key_Escape:
            self.closed.emit()


class _Named(QWidget):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.title = QLabel(name)
        self.title.setObjectName("muted")
        self.title.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom)
        self.title.setWordWrap(True)
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.image = ImageGridView(f"Enlarged {name}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.title)
        layout.addWidget(self.image, 1)
