"""Opening and closing modules as a person asks for it on the canvas."""

from __future__ import annotations

from collections.abc import Iterable

from graphviz_nn.session import ModuleSelection, NodeSelection, Selection
from graphviz_nn_ui.canvas.hits import BOX, CONTAINER, Hit
from graphviz_nn_ui.canvas.source import PictureSource
from graphviz_nn_ui.viewmodels.graph_groups import Groups, Keys


class Expanding:
    """Changes what the session has expanded. Each change can be undone as one."""

    def __init__(self, source: PictureSource) -> None:
        self._source = source

    @property
    def groups(self) -> Groups | None:
        return self._source.groups

    def key_of(self, hit: Hit | None) -> str | None:
        """Returns the key of the group that a box or container stands for, or None where it stands for none."""
        drawing = self._source.drawing
        if hit is None or drawing is None:
            return None
        if hit.kind == CONTAINER:
            return drawing.tables.containers.key(hit.place)
        if hit.kind != BOX:
            return None
        key = drawing.tables.boxes.key(hit.place)
        # A box of one call has nothing inside that could be shown.
        return key if drawing.tables.boxes.roles[hit.place] in (1, 2) else None

    def is_open(self, key: str) -> bool:
        session = self._source.session
        return session is not None and key in session.expanded

    def toggle(self, key: str) -> bool:
        """Opens a closed group, closes an open one; returns whether that changed anything."""
        return self.close([key]) if self.is_open(key) else self.open([key])

    def open(self, keys: Iterable[str]) -> bool:
        session = self._source.session
        return session is not None and session.expand(*keys)

    def close(self, keys: Iterable[str]) -> bool:
        session = self._source.session
        return session is not None and session.collapse(*keys)

    def open_inside(self, key: str) -> bool:
        """Opens a group and everything in it."""
        return self.groups is not None and self.open(self.groups.inside(key))

    def close_inside(self, key: str) -> bool:
        """Closes everything in a group, which stays open."""
        return self.groups is not None and self.close(self.groups.inside(key) - {key})

    def open_all(self) -> bool:
        return self.groups is not None and self._set(self.groups.all)

    def close_all(self) -> bool:
        """Closes all but the roots."""
        return self.to_depth(1)

    def to_depth(self, depth: int) -> bool:
        """Opens exactly the groups with fewer than `depth` around them."""
        return self.groups is not None and self._set(self.groups.to_depth(depth))

    def reveal(self, node: int) -> bool:
        """Opens what a node stands in; returns whether anything was closed."""
        return self.groups is not None and self.open(self.groups.around(node))

    def siblings(self, box: int) -> Keys:
        """Returns the groups that a folded box stands for."""
        drawing, groups = self._source.drawing, self.groups
        if drawing is None or groups is None:
            return frozenset()
        key = drawing.tables.boxes.key(box)
        level = len(groups.outer(key))
        found = {chain[level] for node in drawing.tables.boxes.nodes(box) if len(chain := groups.around(node)) > level}
        return frozenset(found)

    def selected_key(self, selection: Selection | None) -> str | None:
        """Returns the key of the group that is selected."""
        session = self._source.session
        if session is None:
            return None
        match selection:
            case ModuleSelection(path, call):
                calls = session.structure.module_calls
                return next(
                    (f"m{k}" for k, each in enumerate(calls) if each.path == path and call in (None, each.call)), None
                )
            case NodeSelection(node) if session.structure.nodes[node].kind in ("composite", "custom"):
                return f"f{node}"
        return None

    def _set(self, keys: Keys) -> bool:
        session = self._source.session
        return session is not None and session.set_expanded(keys)
