"""Modules that run in training mode where they are evaluated, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from graphviz_nn.analysis.comparisons import plain
from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.unseen import batch_norms, unseen_calls
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.plugin.layer_types import plain_names

_PATIENCE: Final = 3
_DROPOUTS: Final = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout")


def mode_mistake(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A model is trained in evaluation mode, or evaluated in training mode.

    **Symptom.** In the first case dropout does nothing and batch normalisation uses statistics that never change: the
    model overfits, or trains badly. In the second, evaluation is noisy and worse than it should be, and changes the
    model's running statistics.

    **Mathematics.** `eval()` makes dropout the identity and has batch normalisation use running means and variances,
    which begin at 0 and 1 and are updated in training mode alone. In training mode the output of a sample is a random
    variable, and depends on the rest of its batch.

    **Criterion.** Trained in evaluation mode: on the last recorded steps, at least three or all, a root module and
    every module in it are in evaluation mode, the optimizer changes its parameters, and it holds dropout with p > 0 or
    batch normalisation. Evaluated in training mode: a call of a root in training mode records no gradient although its
    parameters are trained in other calls, dropout with p > 0 or batch normalisation is active in it, something reads
    its output, and nothing that the loss of a backward pass is made of comes from it. Calls between steps, which are
    not recorded, are seen by batch normalisation: from the beginning of one step to that of the next it counted more
    batches (`num_batches_tracked`) than the step has calls, after some of the recorded steps and not after others.

    **Healthy look-alikes.** Frozen backbones and frozen batch normalisation inside a model in training mode; inputs
    optimised through a model in evaluation mode; teachers, target networks and pseudo-labels, which feed the loss;
    recomputing batch statistics after training; a call without a gradient that belongs to every step, or whose
    result enters the next one, as pseudo-labels; Monte Carlo dropout, which sets only the dropout to training mode.

    **Remedy.** `model.train()` before training, `model.eval()` before evaluation.

    **Source.** PyTorch, "Autograd mechanics", on evaluation mode; Srivastava et al. 2014; Ioffe and Szegedy 2015
    (arXiv:1502.03167).
    """
    del thresholds
    yield from _trained_in_evaluation(context)
    seen = list(_evaluated_in_training(context))
    yield from seen or _called_between_steps(context)


def _trained_in_evaluation(context: CheckContext) -> Iterator[Finding]:
    steps = [step for step in context.trained if step.updated][-_PATIENCE:]
    for path in _roots(steps[-1]) if steps else ():
        evaluated = all(_all_in_evaluation(step, path) and _learns(step, path) for step in steps)
        affected = _affected(steps[-1], path) if evaluated else []
        if affected:
            step = steps[-1]
            node = next((n for n in step.lineage.forward if n.module == affected[0]), None)
            yield step.finding(
                "mode_mistake",
                "warning",
                node,
                "The model is trained in evaluation mode: dropout is off, and batch statistics are not updated.",
                "Call model.train() before training.",
                modules=affected,
                mode="evaluation",
            )


def _evaluated_in_training(context: CheckContext) -> Iterator[Finding]:
    following: StepFacts | None = None
    for step in reversed(context.steps):
        carried = following is not None and not step.trained and _is_carried_over(step, following)
        following = step
        for node in () if carried else _unfed_random_calls(context, step):
            yield step.finding(
                "mode_mistake",
                "warning",
                node,
                f"A call that no gradient is wanted of runs {node.op} in training mode.",
                "Call model.eval() before evaluation, and model.train() after it.",
                modules=[node.module or ""],
                mode="training",
            )
            return


def _is_carried_over(step: StepFacts, following: StepFacts) -> bool:
    """Whether a result of the step enters the one after it: a tensor of its shape, with the same statistics."""
    nodes = (node for node in step.lineage.forward if node.outputs and not step.lineage.readers[node.id])
    results = {(n.outputs[0].shape, step.output[step.lineage.rows(n).start].tobytes()) for n in nodes}
    entering = (node for node in following.lineage.forward if node.kind == "input")
    return any(
        (node.outputs[0].shape, following.output[following.lineage.rows(node).start].tobytes()) in results
        for node in entering
    )


def _called_between_steps(context: CheckContext) -> Iterator[Finding]:
    """Batch normalisation that counted calls between some steps, and none between others."""
    last = context.trained[-1] if context.trained else None
    nodes = {node.module: node for node in batch_norms(last)} if last is not None else {}
    between = {path: calls for path, calls in unseen_calls(context).items() if path in nodes}
    some = {path: calls for path, calls in between.items() if min(calls) == 0 < max(calls)}
    if last is not None and some:
        path = min(some, key=lambda path: nodes[path].id)
        yield last.finding(
            "mode_mistake",
            "warning",
            nodes[path],
            f"Between steps batch normalisation was called up to {max(some[path])} times in training mode, without a "
            "gradient: its running statistics come from those batches too.",
            "Call model.eval() before evaluation, and model.train() after it.",
            modules=sorted(some),
            mode="training",
            calls=float(sum(some[path])),
        )


def _unfed_random_calls(context: CheckContext, step: StepFacts) -> Iterator[Node]:
    """Active dropout and batch normalisation in evaluation calls, one for each root that has any."""
    structure, lineage = step.structure, step.lineage
    above = lineage.ancestors(step.roots) if step.roots else set()
    told: set[int] = set()
    for node in lineage.of_op(_depends_on_the_mode):
        if node.module_call is None or node.id in above or not _is_active(node):
            continue
        root = _root_call(step, node.module_call)
        call = structure.module_calls[root]
        if root in told or call.training is not True or node.outputs[0].requires_grad:
            continue
        if _trained_elsewhere(context, call.path) and _is_read_outside(step, root):
            told.add(root)
            yield node


def _depends_on_the_mode(op: str) -> bool:
    name = plain_names(op)[-1]
    return name == "batch_norm" or name.endswith("dropout")


def _is_active(node: Node) -> bool:
    if plain(node) == "batch_norm":
        return node.attributes.get("training") is True
    if not plain(node).endswith("dropout"):
        return False
    on = node.attributes.get("training", node.attributes.get("train"))
    return on is True and float(node.attributes.get("p", 0.0) or 0.0) > 0


def _root_call(step: StepFacts, call: int | None) -> int:
    calls = step.structure.module_calls
    assert call is not None
    while (parent := calls[call].parent) is not None:
        call = parent
    return call


def _is_read_outside(step: StepFacts, root: int) -> bool:
    """Whether a call outside the root reads something that was made inside."""
    nodes = step.structure.nodes
    inside = {
        n.id for n in step.lineage.forward if n.module_call is not None and _root_call(step, n.module_call) == root
    }
    readers = (nodes[reader] for number in inside for reader in step.lineage.readers[number])
    return any(reader.id not in inside for reader in readers)


def _trained_elsewhere(context: CheckContext, path: str) -> bool:
    return any(_learns(step, path) for step in context.trained)


def _roots(step: StepFacts) -> list[str]:
    return list(dict.fromkeys(call.path for call in step.structure.module_calls if call.parent is None))


def _learns(step: StepFacts, path: str) -> bool:
    """Whether the optimizer changed a parameter of the root in this step."""
    nodes = step.structure.nodes
    return any(_inside(nodes[number].module, path) for number in step.updated)


def _all_in_evaluation(step: StepFacts, path: str) -> bool:
    any_call = False
    for call in step.structure.module_calls:
        if _inside(call.path, path):
            if call.training is not False:
                return False
            any_call = True
    return any_call


def _affected(step: StepFacts, path: str) -> list[str]:
    """Modules of the root that evaluation mode changes."""
    return [m.path for m in step.structure.modules if _inside(m.path, path) and _depends_on_mode(m.type, m.attributes)]


def _depends_on_mode(kind: str, attributes: Mapping[str, object]) -> bool:
    if kind in _DROPOUTS:
        p = attributes.get("p")
        return isinstance(p, (int, float)) and p > 0
    return kind.startswith("BatchNorm") or kind == "SyncBatchNorm"


def _inside(path: str | None, root: str) -> bool:
    return path is not None and (not root or path == root or path.startswith(root + "."))
