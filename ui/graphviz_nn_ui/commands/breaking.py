"""Setting and removing breakpoints at what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.session import Session


def add_breakpoint_commands(workspace: Workspace) -> None:
    def session() -> Session | None:
        document = workspace.document
        return document.session if document is not None and document.session.has_step else None

    def toggle() -> None:
        open_session = session()
        if open_session is not None:
            toggle_breakpoint(open_session)

    def remove_all() -> None:
        open_session = session()
        if open_session is not None:
            open_session.breakpoints.clear()

    def can_toggle() -> bool:
        open_session = session()
        return open_session is not None and _place(open_session) is not None

    def has_some() -> bool:
        open_session = session()
        return open_session is not None and len(open_session.breakpoints) > 0

    tip = "Stop at the selected node or module, or stop there no more"
    workspace.commands.add(
        Command("breakpoint.toggle", "Toggle breakpoint", toggle, "Debug", "F9", tip, "breakpoint", can_toggle),
        Command("breakpoint.clear", "Remove all breakpoints", remove_all, "Debug", "Ctrl+Shift+F9", "", "", has_some),
    )


def toggle_breakpoint(session: Session) -> None:
    """Sets a breakpoint without a condition at what is selected; removes the one that is there."""
    place = _place(session)
    if place is None:
        return
    for each in session.breakpoints:
        if (each.on, each.pattern) == place and each.condition is None:
            session.breakpoints.remove(each.id)
            return
    session.breakpoints.add(*place)


def _place(session: Session) -> tuple[str, str] | None:
    """Where a breakpoint on what is selected stands; the root module has no path that it could stand on."""
    from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, ValueSelection

    match session.selection:
        case NodeSelection(node) | ValueSelection(node, _) | EdgeSelection(_, _, node, _):
            return "node", session.structure.nodes[node].name
        case ModuleSelection(path, _) if path:
            return "module", path
    return None
