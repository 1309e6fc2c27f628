"""Which parts of a program are not meant to learn, though their parameters could."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphviz_nn.analysis.context import COLUMN, CheckContext, StepFacts
from graphviz_nn.model.structure import Structure


def consecutive(steps: Sequence[StepFacts]) -> int:
    """Returns the number of steps in the longest stretch without an unrecorded step between them."""
    best = length = 0
    previous: int | None = None
    for step in steps:
        length = length + 1 if previous is not None and step.info.index == previous + 1 else 1
        best, previous = max(best, length), step.info.index
    return best


def fixed_networks(context: CheckContext, step: StepFacts, modules: set[str], *, patient: bool) -> set[str]:
    """Returns those of the modules that are plausibly kept fixed on purpose.

    These are modules in eval mode; parts of a twin of a network that learns (`_has_learning_twin`); and, unless
    `patient`, parts of a root of which nothing learns beside another root that does.
    """
    structure = step.structure
    learning = _learning(context)
    roots = {call.path for call in structure.module_calls if call.parent is None}
    fixed = set()
    for path in modules:
        module = structure.modules_by_path.get(path)
        if module is None:
            continue
        root = next((r for r in roots if _inside(path, r)), "")
        lonely = len(roots) > 1 and not any(_inside(other, root) for other in learning)
        other_learns = any(not _inside(other, root) for other in learning)
        if not module.training or (lonely and other_learns and not patient) or _has_learning_twin(step, path, learning):
            fixed.add(path)
    return fixed


def may_be_routed(context: CheckContext, step: StepFacts, path: str) -> bool:
    """Whether a module that was not called, or one around it, may be one of several among which the program chooses.

    Its siblings are the modules beside it with the same form. Two that were called side by side, neither reading what
    the other made, are a choice; of one that was called, only a gap between the recorded steps lets us think so.
    """
    called = {call.path for seen in context.trained for call in seen.structure.module_calls}
    parts = path.split(".")
    around = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return any(_is_a_choice(context, step, whole) for whole in around if whole not in called)


def _is_a_choice(context: CheckContext, step: StepFacts, path: str) -> bool:
    structure = step.structure
    parent, form = path.rpartition(".")[0], _form(structure, path)
    called = {call.path for call in structure.module_calls}
    siblings = [
        module.path
        for module in structure.modules
        if module.path in called and module.path.rpartition(".")[0] == parent and _form(structure, module.path) == form
    ]
    if len(siblings) > 1:
        return not _in_series(step, siblings[0], siblings[1])
    return bool(siblings) and consecutive(context.trained) < len(context.trained)


def _learning(context: CheckContext) -> set[str]:
    """Paths of the modules of which a parameter got a gradient."""
    found: set[str] = set()
    for step in context.trained:
        for node in step.lineage.parameters.values():
            if node.module is not None and step.arrived[step.lineage.rows(node)].any():
                found.add(node.module)
    return found


def _has_learning_twin(step: StepFacts, path: str, learning: set[str]) -> bool:
    """Whether the module or one around it has a twin that learns, and neither reads what the other made.

    Twins have the same class and the same parameters inside, as momentum and target networks do. Two equal layers of
    one network stand in series, and are no twins.
    """
    structure = step.structure
    parts = path.split(".") if path else [""]
    for length in range(len(parts), 0, -1):
        whole = ".".join(parts[:length])
        form = _form(structure, whole)
        for other in structure.modules:
            if other.path == whole or _inside(other.path, whole) or _inside(whole, other.path):
                continue
            learns = any(_inside(found, other.path) for found in learning)
            if not learns or _form(structure, other.path) != form or _in_series(step, whole, other.path):
                continue
            if _agree(step, whole, other.path):
                return True
    return False


def _agree(step: StepFacts, first: str, second: str) -> bool:
    """Whether the numbers of two networks' parameters are those of a network and its (moving) copy.

    Means of n independent draws of deviation s differ by about 1.4 s/√n, those of copies by little; the extremes of
    small layers tell as well. Without statistics nothing contradicts.
    """
    sizes = step.lineage.numel
    for name, node in step.lineage.parameters.items():
        other = step.lineage.parameters.get(second + name[len(first) :]) if _inside(name, first) else None
        if other is None:
            continue
        row, other_row = step.lineage.rows(node).start, step.lineage.rows(other).start
        gap = np.abs(step.output[row] - step.output[other_row])
        deviation = max(step.output[row, COLUMN["std"]], 1e-12)
        far = gap[COLUMN["mean"]] * sizes[row] ** 0.5 > 0.5 * deviation
        if far or max(gap[COLUMN["min"]], gap[COLUMN["max"]]) > 0.25 * deviation:
            return False
    return True


def _form(structure: Structure, path: str) -> tuple[tuple[str, str], ...]:
    return tuple((m.path[len(path) :].lstrip("."), m.type) for m in structure.modules if _inside(m.path, path))


def _in_series(step: StepFacts, first: str, second: str) -> bool:
    made = {path: _made_by(step, path) for path in (first, second)}
    after = {path: step.lineage.descendants(nodes) for path, nodes in made.items()}
    return not (after[first].isdisjoint(made[second]) and after[second].isdisjoint(made[first]))


def _made_by(step: StepFacts, path: str) -> list[int]:
    calls = (node for node in step.lineage.forward if node.module is not None and node.inputs)
    return [node.id for node in calls if _inside(node.module or "", path)]


def _inside(path: str, module: str) -> bool:
    return not module or path == module or path.startswith(module + ".")
