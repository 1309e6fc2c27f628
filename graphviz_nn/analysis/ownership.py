"""Parameters that nobody trains: no optimizer has them, no module owns them, or they are frozen in between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.weights import WeightUse
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node
from graphviz_nn.model.structure import Structure

_TENSOR = (
    "The module computes with a tensor that requires a gradient but is no nn.Parameter of it.",
    "Make it an nn.Parameter.",
)
_LAYER = (
    "The layer is called inside a module that does not own it, as one in a plain list.",
    "Keep the layers in nn.ModuleList, nn.ModuleDict or attributes.",
)
_NAMELESS = (
    "The module computes with a parameter that no module owns: forward makes it anew, or a plain list holds it.",
    "Make it once, in __init__, and keep it as an attribute or in nn.ParameterList.",
)
"""Cause and remedy."""


def _optimized(context: CheckContext) -> set[str]:
    """Names of all parameters that an optimizer had or changed on any of the steps."""

    def search() -> set[str]:
        found: set[str] = set()
        for step in context.steps:
            for parameter in step.structure.parameters:
                if parameter.optimizer is not None:
                    found.update(parameter.names)
            for node in step.updated:
                found.update(_names(step.structure.nodes[node]))
        return found

    return context.share("optimized", search)


def _names(node: Node) -> tuple[str, ...]:
    return node.names or (node.name,)


def _has_optimizer(context: CheckContext) -> bool:
    return any(step.info.optimizers or step.updated for step in context.steps)


def strangers(step: StepFacts) -> set[str]:
    """Paths of modules that are called inside another one's call without being a part of it: nothing owns them.

    Where there is one main root, or they are called inside a part of a root, they are named for their class below their
    caller, with a number where that is taken, and listed behind everything that a root owns. Otherwise they are roots.
    """
    structure = step.structure
    found = set()
    for module in reversed(structure.modules):
        parts = module.path.split(".")
        around = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
        stranger = next((path for path in around if _is_named_for_its_class(structure, path)), None)
        if stranger is None:
            break
        found.add(stranger)
    if "" not in structure.modules_by_path:
        for call in structure.module_calls:
            root = call.path.partition(".")[0]
            if call.parent is not None and structure.module_calls[call.parent].path.partition(".")[0] != root:
                found.add(root)
    called = {call.path for call in structure.module_calls if call.parent is not None}
    return found & called


def _is_named_for_its_class(structure: Structure, path: str) -> bool:
    module, name = structure.modules_by_path.get(path), path.rpartition(".")[2]
    if module is None:
        return False
    return name == module.type or (name.startswith(module.type + "_") and name[len(module.type) + 1 :].isdigit())


def _inside_any(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(root + ".") for root in roots)


def not_in_optimizer(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A parameter gets gradients, and no optimizer has it.

    **Symptom.** The parameter keeps its value while its `.grad` is not zero, and often grows from step to step, since
    `optimizer.zero_grad()` does not reach it.

    **Mathematics.** None is needed: an optimizer moves the parameters it was given, as the objects that they were
    then. A layer added, replaced or made anew after that is none of them.

    **Criterion.** On at least `steps` recorded steps gradients arrive at a trainable parameter that none of the
    optimizers seen so far has, while one of them has other parameters of the same root module, or while optimizers
    step and change nothing at all (they were given a copy, or a model that was replaced). One finding a module. The
    lists of the optimizers are exact, so one step is proof where all that train the model step in it.

    **Healthy look-alikes.** A whole network without an optimizer (an opponent, a critic, a network whose input is what
    is trained): information. Modules in eval mode. Frozen parameters get no gradients. Optimizers that step less often
    are known once they have stepped: where two take turns on one model, set `steps` to the length of their cycle.

    **Remedy.** Build the optimizer after the model is complete, from `model.parameters()`; call `requires_grad_(False)`
    on what is not to be trained.

    **Source.** PyTorch, "torch.optim: constructing it".
    """
    if len(context.trained) < thresholds["steps"] or not _has_optimizer(context):
        return
    optimized = _optimized(context)
    in_vain = not optimized and not any(step.updated for step in context.steps)
    missing: dict[str, tuple[StepFacts, list[Node]]] = {}
    for step in context.trained:
        roots = strangers(step)
        by_module: dict[str, list[Node]] = defaultdict(list)
        for node in step.lineage.parameters.values():
            known = not optimized.isdisjoint(_names(node)) or _inside_any(node.module or "", roots)
            owned = _names(node)[0] in step.structure.parameters_by_name
            if owned and not known and node.id in step.arrived_at:
                by_module[node.module or ""].append(node)
        missing |= {path: (step, nodes) for path, nodes in by_module.items()}
    for path, (step, nodes) in missing.items():
        module = step.structure.modules_by_path.get(path)
        meant = (module is not None and not module.training) or not (in_vain or _shares_a_root(step, path))
        yield step.finding(
            "not_in_optimizer", "info" if meant else "warning", nodes[0],
            "Gradients arrive at these parameters, but no optimizer has them.",
            "Build the optimizer from the complete model's parameters, or freeze them with requires_grad_(False).",
            parameters=[_names(node)[0] for node in nodes],
        )  # fmt: skip


def _shares_a_root(step: StepFacts, path: str) -> bool:
    """Whether an optimizer has a parameter of the module's root."""
    has_main, root = "" in step.structure.modules_by_path, path.partition(".")[0]
    trained = (p for p in step.structure.parameters if p.optimizer is not None)
    return any(has_main or name.partition(".")[0] == root for parameter in trained for name in parameter.names)


def registered_nowhere(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A module uses layers or tensors of its own that it does not know as its own.

    **Symptom.** `model.parameters()`, `state_dict()` and `to(device)` leave the layers out; they are never trained nor
    saved.

    **Mathematics.** None is needed: `nn.Module` registers modules and parameters that are assigned as attributes. It
    does not look into lists, tuples, dicts or closures, and a plain tensor is not a parameter.

    **Criterion.** Inside the call of a module another one is called that is no part of it, with trainable parameters
    that get gradients; or a tensor that is no parameter but requires a gradient, gets one inside a module's call; or a
    parameter that no module knows does so on more than one step, as one made anew by each forward call. No optimizer
    has or moves it, while there is one. Where an optimizer has it, it is quiet.

    **Healthy look-alikes.** Networks passed around and trained by an optimizer of their own; frozen networks kept
    outside on purpose, such as those of perceptual losses; inputs that require a gradient.

    **Remedy.** `nn.ModuleList`, `nn.ModuleDict`, `nn.ParameterList` or `nn.Parameter`.

    **Source.** PyTorch, documentation of `nn.Module` and `nn.ModuleList`.
    """
    del thresholds
    if not _has_optimizer(context):
        return
    optimized = _optimized(context)
    found: dict[tuple[tuple[str, str], str], tuple[StepFacts, Node, list[str], set[int]]] = {}
    for step in context.trained:
        roots = strangers(step)
        for node in step.lineage.forward:
            if node.kind not in ("parameter", "constant") or not node.outputs[0].requires_grad:
                continue
            if node.id not in step.arrived_at or not optimized.isdisjoint(_names(node)):
                continue
            form = _TENSOR if node.kind == "constant" else _LAYER if node.names else _NAMELESS
            around = (path for path in sorted(roots) if _inside_any(node.module or "", (path,)))
            place = next(around, None) if form == _LAYER else node.module
            if place is not None:
                entry = found.setdefault((form, place), (step, node, [], set()))
                entry[2].extend(name for name in _names(node)[:1] if name not in entry[2])
                entry[3].add(step.position)
    for (form, _), (step, node, names, seen) in found.items():
        if form != _NAMELESS or len(seen) > 1:  # A lazy module makes its parameters once.
            cause, remedy = form
            yield step.finding("registered_nowhere", "warning", node, cause, remedy, parameters=names)


def frozen_between(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A layer is frozen while its equals before and after it are trained.

    **Symptom.** One layer of many keeps its initial (random) weights; the loss ends higher than it could.

    **Mathematics.** A fixed layer in between passes gradients on as any other does, so nothing else shows: the
    layers around it adapt to a random projection.

    **Criterion.** A layer of which no parameter requires a gradient reads what a trained layer made, and a trained one
    reads what it made; both are of the same class and in the same container as it. At most `share` of that
    container's layers of the class are frozen, and no trained layer reads the same value beside it.

    **Healthy look-alikes.** Frozen prefixes (nothing trained is above them) and frozen tails. LoRA and adapters: the
    trained matrices are beside the frozen one. A frozen language model between a trained encoder and a trained head:
    most of it is frozen, or it is a container of its own. Frozen normalisations, which have no weight matrix.

    **Remedy.** `requires_grad_(True)` on the layer; or freeze all layers up to it if a fixed prefix is meant.

    **Source.** Yosinski et al. 2014 (arXiv:1411.1792), on splits between layers that learned together.
    """
    for steps in context.by_structure():
        step = steps[-1]
        if all(n.outputs[0].requires_grad for n in step.lineage.forward if n.kind == "parameter"):
            continue
        groups: dict[tuple[str, str], list[WeightUse]] = defaultdict(list)
        for use in step.lineage.weights:
            module = step.structure.modules_by_path.get(use.node.module or "")
            if module is not None and use.parameter is not None:
                groups[module.path.rpartition(".")[0], module.type].append(use)
        for uses in groups.values():
            frozen = [use for use in uses if not _is_trained(step, use)]
            if not frozen or len(frozen) > thresholds["share"] * len(uses):
                continue
            for use in _between(step, frozen, [use for use in uses if _is_trained(step, use)]):
                yield step.finding(
                    "frozen_between", "warning", use.node,
                    "The layer is frozen, and layers of its kind before and after it are trained.",
                    "Call requires_grad_(True) on it, or freeze everything before it as well.",
                    frozen=float(len(frozen)), layers=float(len(uses)),
                )  # fmt: skip


def _is_trained(step: StepFacts, use: WeightUse) -> bool:
    nodes = step.structure.nodes
    return any(
        nodes[read.node].kind == "parameter" and nodes[read.node].outputs[read.output].requires_grad
        for read in use.node.inputs
    )


def _between(step: StepFacts, frozen: list[WeightUse], trained: list[WeightUse]) -> Iterator[WeightUse]:
    """The frozen layers with a trained one above, a trained one below, and none that reads the same value."""
    ids = {use.node.id for use in trained}
    for use in frozen:
        above, below = step.lineage.ancestors([use.node.id]), step.lineage.descendants([use.node.id])
        beside = any(other.data == use.data for other in step.lineage.weights if _is_trained(step, other))
        if ids & above and ids & below and not beside:
            yield use
