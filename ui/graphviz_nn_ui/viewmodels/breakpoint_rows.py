"""Breakpoints as a list and a form: what each says, how often it stops, and conditions as they are typed."""

from __future__ import annotations

from typing import Final

from graphviz_nn.errors import NotRecorded, OptionError
from graphviz_nn.session import Breakpoint, GradientNorm, NonFinite, Shape, When
from graphviz_nn.session.conditions import Condition
from graphviz_nn.session.step import OpenStep
from graphviz_nn_ui.viewmodels.place import PHASE_WORDS

PLACES: Final = {
    "node": ("a node", "its name, with * and ?"),
    "module": ("a module", "its path: layer3.*"),
    "op": ("an operator", "its name: softmax"),
    "source": ("a source line", "file and line: model.py:12"),
    "phase": ("a phase", "forward, backward or update"),
    "anywhere": ("anywhere", ""),
}
"""By kind of place: what a person reads, and what to type."""

_SHORT: Final = {"node": "node", "module": "module", "op": "operator", "source": "line", "phase": "phase"}

CONDITIONS: Final = {
    "always": ("always", ""),
    "nonfinite": ("NaN or ±Inf", ""),
    "above": ("gradient norm above", "a number: 10"),
    "below": ("gradient norm below", "a number: 1e-7"),
    "shape": ("shape", "a pattern: 2x64x*"),
    "expression": ("expression", "value.max > 0.99 and gradient.l2 < 1e-7"),
}


def pattern_said(on: str, pattern: str) -> str:
    """Returns a pattern in the words of the window: of the phase "optimizer", "update"."""
    return PHASE_WORDS.get(pattern, pattern) if on == "phase" else pattern


def pattern_meant(on: str, said: str) -> str:
    """Returns the pattern that was typed in the words of the window, or in its own: `pattern_said` reversed."""
    phases = {word: phase for phase, word in PHASE_WORDS.items()}
    return phases.get(said, said) if on == "phase" else said


def condition(kind: str, text: str) -> Condition | None:
    """Returns the condition of that kind with what was typed for it, or None for "always".

    Raises:
        UsageError: what was typed cannot be read; the message says what to write.
    """
    match kind:
        case "nonfinite":
            return NonFinite()
        case "above":
            return GradientNorm(above=_number(text))
        case "below":
            return GradientNorm(below=_number(text))
        case "shape":
            if not text.strip():
                raise OptionError("A shape needs a pattern: write 2x64x*, or scalar.")
            return Shape(text.strip())
        case "expression":
            return When(text)
    return None


def typed(condition: Condition | None) -> tuple[str, str]:
    """Returns the kind of a condition and what would be typed for it: `condition` reversed."""
    match condition:
        case NonFinite():
            return "nonfinite", ""
        case GradientNorm(above=float() | int() as limit):
            return "above", f"{limit:g}"
        case GradientNorm(below=float() | int() as limit):
            return "below", f"{limit:g}"
        case Shape(pattern):
            return "shape", pattern
        case When(expression):
            return "expression", expression
    return "always", ""


def hits_text(step: OpenStep | None, breakpoint: Breakpoint) -> str:
    """Returns how often a breakpoint stops in a step; "no statistics" where the step lacks what it reads, and "no such
    node" (module, …) where it lacks the place."""
    if step is None:
        return ""
    try:
        count = len(step.hits(breakpoint))
    except NotRecorded:
        return "no statistics"
    return f"{count:,}" if count or breakpoint.exists(step.order) else f"no such {_SHORT[breakpoint.on]}"


def hits_tip(step: OpenStep | None, breakpoint: Breakpoint) -> str:
    """Returns what `hits_text` means, in one sentence."""
    if step is None or breakpoint.exists(step.order):
        return "How often it stops in the open step"
    word = _SHORT[breakpoint.on]
    return f"The open step has no {word} {breakpoint.pattern!r}; it may still come in another step. Names take * and ?."


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise OptionError(f"A gradient norm needs a number, not {text!r}: write 1e-7.") from None
