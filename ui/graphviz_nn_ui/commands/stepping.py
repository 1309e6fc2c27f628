"""Moving the cursor: into, over, out, back, to a place; from one training step to another; undo of expansion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from graphviz_nn_ui.viewmodels.commands import Command
from graphviz_nn_ui.workspace import Workspace

if TYPE_CHECKING:
    from graphviz_nn.model.findings import Finding
    from graphviz_nn.session import Session

_MOVES = (
    ("into", "Step into", "F11", "Go to the next event; at the end, start over", "into"),
    (
        "over",
        "Step over",
        "F10",
        "Go past what this event contains: a module call, a composite call, a pass; at the end, start over",
        "over",
    ),
    ("out", "Step out", "Shift+F11", "Go to the end of this module call", "out"),
    ("into_back", "Step back into", "Alt+F11", "Go to the event before", "into-back"),
    ("over_back", "Step back over", "Alt+F10", "Go back past what ends here", "over-back"),
    ("out_back", "Step back out", "Alt+Shift+F11", "Go to the start of this module call", "out-back"),
)

_START_OVER = ("into", "over")
"""Moves that begin anew at the end, where each run opens."""


class Stepper:
    """The moves of the open document's session."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def session(self) -> Session | None:
        """The open session, if it has a step to move in."""
        document = self._workspace.document
        return document.session if document is not None and document.session.has_step else None

    def can_go(self) -> bool:
        session = self.session
        return session is not None and session.cursor < len(session.step.order) - 1

    def has_events(self) -> bool:
        session = self.session
        return session is not None and len(session.step.order) > 0

    def can_go_back(self) -> bool:
        session = self.session
        return session is not None and session.cursor >= 0

    def has_step(self, offset: int) -> bool:
        """Whether there is a recorded step so many before (negative) or after the open one."""
        session = self.session
        if session is None:
            return False
        return 0 <= self._workspace.steps.wanted(session) + offset < len(session.data.steps())

    def go_by(self, offset: int) -> None:
        """Opens the recorded step so many before (negative) or after the open one."""
        if self.session is not None:
            self._workspace.steps.go_by(self.session, offset)

    def has_selection(self) -> bool:
        return self.selected_node() is not None

    def scrub(self, seq: int | None) -> None:
        """Puts the cursor at an event; None is the last one."""
        session = self.session
        if session is not None:
            session.scrub(len(session.step.order) - 1 if seq is None else seq)

    def move(self, name: str) -> None:
        """Makes one of the session's moves, by name."""
        session = self.session
        if session is None:
            return
        if name in _START_OVER and not self.can_go():
            session.scrub(-1)
            self._workspace.message.emit("That was the last event of this step: started over", 4.0)
        getattr(session, name)()

    def go_on(self, back: bool) -> None:
        """Runs to the next breakpoint, or to the end where none stops it; at the end, from the start."""
        session = self.session
        if session is None:
            return
        last = len(session.step.order) - 1
        if not back and session.cursor == last:
            session.scrub(-1)
        if not session.to_breakpoint(back=back):
            session.scrub(-1 if back else last)
            self._workspace.message.emit(f"No breakpoint {'before' if back else 'after'} this", 4.0)

    def to_selection(self, back: bool) -> None:
        """Runs to the next event of what is selected."""
        session, node = self.session, self.selected_node()
        if session is not None and node is not None and not session.to_node(node, back=back):
            name = session.structure.nodes[node].name
            self._workspace.message.emit(f"Nothing happens to {name} {'before' if back else 'after'} this", 4.0)

    def selected_node(self) -> int | None:
        """The node that is selected, or that stands for what is: the first call made in a module."""
        session = self.session
        if session is None:
            return None
        from graphviz_nn.session import EdgeSelection, ModuleSelection, NodeSelection, ValueSelection

        match session.selection:
            case NodeSelection(node) | ValueSelection(node, _) | EdgeSelection(_, _, node, _):
                return node
            case ModuleSelection(path, _):
                calls = (node.id for node in session.structure.nodes if node.module == path)
                return next(calls, None)
        return None

    def to_finding(self, back: bool) -> None:
        """Runs to what the checks found; where they found nothing, to the next NaN, ±Inf or error."""
        from graphviz_nn_ui.viewmodels.finding_rows import next_finding

        session, document = self.session, self._workspace.document
        if session is None or document is None:
            return
        finding = next_finding(session, document.findings, back=back)
        if finding is not None:
            self._workspace.steps.go_to(session, finding.step, then=partial(self._show_finding, session, finding))
        elif not session.to_problem(back=back):
            self._workspace.message.emit(f"No finding {'before' if back else 'after'} this", 4.0)

    def _show_finding(self, session: Session, finding: Finding) -> None:
        from graphviz_nn_ui.viewmodels.finding_rows import go_to

        go_to(session, finding)
        self._workspace.ask_for(finding)
        self._workspace.message.emit(f"{finding.severity}: {finding.cause}", 8.0)


_Run = Callable[[Stepper], object]
_RUNS: tuple[tuple[str, str, _Run, str, str], ...] = (
    ("to.selection", "Run to the selected node", lambda s: s.to_selection(False), "Ctrl+F10", "Run to its next event"),
    (
        "to.selection_back",
        "Run back to the selected node",
        lambda s: s.to_selection(True),
        "Ctrl+Shift+F10",
        "Run back to its event",
    ),
    ("to.breakpoint_back", "Run back to a breakpoint", lambda s: s.go_on(True), "Shift+F5", "Run back to a breakpoint"),
    (
        "to.finding",
        "Run to the next finding",
        lambda s: s.to_finding(False),
        "F8",
        "Go on to a finding, NaN, ±Inf or error",
    ),
    ("to.finding_back", "Run back to a finding", lambda s: s.to_finding(True), "Shift+F8", "Go back to one"),
    (
        "to.phase_end",
        "Run to the end of the phase",
        lambda s: s.move("to_phase_end"),
        "Ctrl+F11",
        "Run to the end of this phase",
    ),
    (
        "to.phase_start",
        "Run back to the start of the phase",
        lambda s: s.move("to_phase_start"),
        "Ctrl+Shift+F11",
        "Go back to its start",
    ),
    ("to.end", "Go to the last event", lambda s: s.scrub(None), "Ctrl+End", "Go to the end of the step"),
    ("to.start", "Go before the first event", lambda s: s.scrub(-1), "Ctrl+Home", "Go to the start of the step"),
)


def add_stepping_commands(workspace: Workspace) -> Stepper:
    stepper = Stepper(workspace)
    commands, forth, back = workspace.commands, stepper.can_go, stepper.can_go_back
    go_on, tip = partial(stepper.go_on, False), "Run to the next breakpoint, or the end; at the end, start over"
    commands.add(Command("run.continue", "Continue", go_on, "Debug", "F5", tip, "continue", stepper.has_events))
    for name, title, keys, tip, icon in _MOVES:
        can = stepper.has_events if name in _START_OVER else back if name.endswith("_back") else forth
        commands.add(Command(f"step.{name}", title, partial(stepper.move, name), "Debug", keys, tip, icon, can))
    for name, title, run, keys, tip in _RUNS:
        can = back if name.endswith(("_back", "start")) else forth
        if "selection" in name:
            can = stepper.has_selection
        icon = "finding" if name == "to.finding" else ""
        commands.add(Command(name, title, partial(run, stepper), "Debug/Run to", keys, tip, icon, can))
    _add_training(workspace, stepper)
    _add_undo(workspace, stepper)
    return stepper


def _add_training(workspace: Workspace, stepper: Stepper) -> None:
    tip = "Open the recorded step {} this one; the cursor stays where it is"
    workspace.commands.add(
        Command(
            "training.next",
            "Next training step",
            partial(stepper.go_by, 1),
            "Debug",
            "Ctrl+Alt+Right",
            tip.format("after"),
            "training-next",
            lambda: stepper.has_step(1),
        ),
        Command(
            "training.previous",
            "Previous training step",
            partial(stepper.go_by, -1),
            "Debug",
            "Ctrl+Alt+Left",
            tip.format("before"),
            "training-previous",
            lambda: stepper.has_step(-1),
        ),
    )


def _add_undo(workspace: Workspace, stepper: Stepper) -> None:
    def can_undo() -> bool:
        return stepper.session is not None and stepper.session.can_undo

    def can_redo() -> bool:
        return stepper.session is not None and stepper.session.can_redo

    undo, redo = partial(stepper.move, "undo"), partial(stepper.move, "redo")
    workspace.commands.add(
        Command("edit.undo", "Undo expand or collapse", undo, "Edit", "Ctrl+Z", "", "", can_undo),
        Command("edit.redo", "Redo expand or collapse", redo, "Edit", "Ctrl+Shift+Z", "", "", can_redo),
    )
