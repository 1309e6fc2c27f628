"""Patterns of `--keep` that chose nothing."""

from __future__ import annotations

from graphviz_nn.errors import did_you_mean, few
from graphviz_nn.model.steps import RunData


def unmatched(keep: str | tuple[str, ...], data: RunData) -> list[str]:
    """Returns a sentence for each pattern that fits no call of any recorded step."""
    from graphviz_nn.recording.keeping import KeepPolicy

    if isinstance(keep, str):
        return []
    digests = {step.structure for step in data.steps()}
    calls = {(node.module or "", node.op) for digest in digests for node in data.structure(digest).nodes}
    found = []
    for pattern in keep:
        selects = KeepPolicy.parse((pattern,)).selects
        if selects is not None and not any(selects(module, op) for module, op in calls):
            found.append(f"--keep {pattern!r} fits no call, so no tensor was kept for it.{_hint(pattern, calls)}")
    return found


def _hint(pattern: str, calls: set[tuple[str, str]]) -> str:
    if pattern.startswith("op:"):
        known = sorted({f"op:{op}" for _, op in calls if op})
    else:
        known = sorted({module for module, _ in calls if module})
    return did_you_mean(pattern, known) or (f" There are, among others: {few(known)}." if known else "")
