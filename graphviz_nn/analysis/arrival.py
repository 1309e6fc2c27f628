"""Parameters that no gradient reaches: those that nothing uses, and those behind a cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphviz_nn.analysis.context import CheckContext, StepFacts
from graphviz_nn.analysis.derivatives import DETACHING, constant_derivatives, counts_by_its_derivative
from graphviz_nn.analysis.ownership import strangers
from graphviz_nn.analysis.reentry import leaves_at
from graphviz_nn.analysis.roles import consecutive, fixed_networks, may_be_routed
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.nodes import Node


@dataclass(frozen=True, slots=True)
class _Missing:
    """A trainable parameter without a gradient on any step. `node` is None where nothing read it."""

    name: str
    module: str
    step: StepFacts
    node: Node | None


def _missing(context: CheckContext) -> list[_Missing]:
    return context.share("missing", lambda: list(_search(context)))


def _search(context: CheckContext) -> Iterator[_Missing]:
    """Trainable parameters that got no gradient on any of the steps, each with the last step that knew it."""
    reached: set[str] = set()
    read: dict[str, tuple[StepFacts, Node]] = {}
    owned: dict[str, tuple[StepFacts, str]] = {}
    frozen: set[str] = set()
    for step in context.trained:
        for module in step.structure.modules:
            for name in module.parameters:
                owned[name] = step, module.path
        for node in step.lineage.parameter_nodes:
            names = node.names or (node.name,)
            if not node.outputs[0].requires_grad:
                frozen.update(names)
            elif node.id in step.arrived_at:
                reached.update(names)
            for name in names:
                read[name] = step, node
    for name in dict.fromkeys([*owned, *read]):
        if name in reached or name in frozen:
            continue
        if name in read:
            step, node = read[name]
            if name == (node.names or (node.name,))[0] and not counts_by_its_derivative(step, node):
                yield _Missing(name, node.module or "", step, node)
        else:
            step, path = owned[name]
            yield _Missing(name, path, step, None)


def never_arrived(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A parameter takes no part in the loss: it is never read, or what is computed from it is dropped.

    **Symptom.** The parameter stays at its initial value; the model is smaller than it looks. Its `.grad` is None.

    **Mathematics.** The loss is a function of the parameters that lie above it in the graph. Where there is no path
    from θ to L, ∂L/∂θ does not exist, and autograd leaves `.grad` at None, which is not the same as a gradient of zero.

    **Criterion.** On none of the recorded steps did a gradient arrive at the parameter, and either no call read it, or
    nothing that was computed from it leads to a root of a backward pass. One finding a module. One recorded step
    suffices, since the structure is exact; several are joined, so that a branch taken once counts as used.

    **Healthy look-alikes.** Frozen parameters (`requires_grad=False`) that were read. Branches taken on another
    recorded step. Experts without work: siblings of the same form were called side by side, or at least one was
    and steps in between were not recorded. They, and modules in eval mode, are reported as information.

    **Remedy.** Call the module and use its result, or remove it.

    **Source.** PyTorch, "Autograd mechanics"; the same condition is what `find_unused_parameters` of
    `DistributedDataParallel` looks for.
    """
    del thresholds
    groups: dict[tuple[str, bool], list[_Missing]] = defaultdict(list)
    for item in _missing(context):
        if item.node is None or (not _feeds_a_root(item.step, item.node) and leaves_at(item.step, item.node) is None):
            groups[item.module, item.node is None].append(item)
    for (path, unread), items in groups.items():
        first = items[0]
        called = any(call.path == path for step in context.trained for call in step.structure.module_calls)
        module = first.step.structure.modules_by_path.get(path)
        meant = (module is not None and not module.training) or (
            not called and may_be_routed(context, first.step, path)
        )
        severity = "info" if meant else "warning"
        if unread and called and path in strangers(first.step):
            continue  # It was made in this call, with parameters that have no names yet.
        if not unread:
            cause = "What is computed from these parameters is dropped before the loss, or leaves PyTorch."
            remedy = "Use the result on the way to the loss, as a tensor; or remove the call."
        elif called:
            cause = "The module is called, but its forward never reads these parameters."
            remedy = "Use the parameters in forward, or remove them."
        else:
            cause = "The module is never called, so its parameters get no gradient."
            remedy = "Call the module in forward, or remove it."
        yield Finding(
            "never_arrived",
            severity,
            first.step.position,
            None if first.node is None else first.node.id,
            path,
            {"parameters": [item.name for item in items], "steps": float(len(context.trained))},
            cause,
            remedy,
        )


def cut_off(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """A value feeds the loss, but one call on the way lets no gradient through, and what lies above it never learns.

    **Symptom.** Parameters above the cut stay at their initial values while the loss goes down as far as the layers
    below the cut can take it.

    **Mathematics.** Reverse-mode differentiation sends a gradient along an edge only where the call recorded a
    derivative for it. `detach`, `.data` and `no_grad` record none; integer and boolean results (`argmax`,
    comparisons) have none; a custom `autograd.Function` may return None.

    **Criterion.** A trainable parameter gets no gradient on any recorded step although it has a path to a root of a
    backward pass. The cut is the call on such a path that has an input that requires a gradient and no output that
    does, or, where none drops it, one whose output got a gradient and whose input got none. A way through numpy or a
    list is seen by its ends: the last call computed from the parameter, which nothing reads, and behind it a tensor of
    the same shape (of 16 elements or more) that comes from nowhere and feeds the prediction. It is judged by
    parameters, not by values: a stop-gradient around which the same parameters learn another way is no loss. An
    exception are derivatives of a network by `torch.autograd.grad` without `create_graph` that are a term of its own
    loss, as in a residual of a differential equation or a gradient penalty: they are constants there.

    **Healthy look-alikes.** Derivatives that move an input of another call (sampling, adversarial examples), weigh a
    term, or are detached; the last bias of a network of which only derivatives are in the loss. Straight-through
    estimators, VQ codebooks and siamese networks (the parameters learn through another path). Target and momentum
    networks: a network of the same form learns, the two are not in series, and the extremes and means of their
    parameters agree, as those of copies do; teachers and other networks in eval mode. A GAN's generator while the
    discriminator is trained: a whole root of its own counts only if its optimizer steps all the same, or it stays
    without a gradient on `steps` recorded steps without a gap. These are reported as information.

    **Remedy.** Remove the cut, or freeze the parameters above it on purpose with `requires_grad_(False)`.

    **Source.** PyTorch, "Autograd mechanics"; Bengio et al. 2013 (arXiv:1308.3432) on operators without a gradient.
    """
    yield from _cut_derivatives(context)
    groups: dict[tuple[int, int], list[_Missing]] = defaultdict(list)
    for item in _missing(context):
        if item.node is not None:
            cut = (_cutting_node if _feeds_a_root(item.step, item.node) else leaves_at)(item.step, item.node)
            if cut is not None:
                groups[item.step.position, cut.id].append(item)
    patient = consecutive(context.trained) >= thresholds["steps"]
    for (position, cut_id), items in groups.items():
        step = items[0].step
        cut = step.structure.nodes[cut_id]
        judged = patient or all(_was_stepped_on(item) for item in items)
        fixed = fixed_networks(context, step, {item.module for item in items}, patient=judged)
        severity = "info" if all(item.module in fixed for item in items) else "warning"
        cause, remedy = _explain(cut) if step.lineage.readers[cut_id] else _explain_leaving(cut)
        yield Finding(
            "cut_off",
            severity,
            position,
            cut_id,
            cut.module,
            {"cutting": cut.name, "operator": cut.op, "parameters": [item.name for item in items]},
            cause,
            remedy,
        )


def _cut_derivatives(context: CheckContext) -> Iterator[Finding]:
    for step, node, names in constant_derivatives(context):
        yield step.finding(
            "cut_off", "warning", node,
            "The derivative is a term of the loss, but was computed without create_graph, so it is a constant there.",
            "Ask for it with torch.autograd.grad(…, create_graph=True).",
            cutting=node.name, operator=node.op, parameters=names,
        )  # fmt: skip


def _was_stepped_on(item: _Missing) -> bool:
    """Whether the parameter's optimizer stepped after the backward pass that left it without a gradient."""
    described = item.step.structure.parameters_by_name.get(item.name)
    return described is not None and described.optimizer is not None and bool(item.step.updated)


def _feeds_a_root(step: StepFacts, node: Node) -> bool:
    return not step.lineage.descendants([node.id]).isdisjoint(step.roots)


def _cutting_node(step: StepFacts, parameter: Node) -> Node | None:
    lineage = step.lineage
    between = lineage.descendants([parameter.id]) & lineage.ancestors(step.roots)
    nodes = step.structure.nodes
    # What runs inside a custom function records no derivative of its own: the function has it.
    calls = [nodes[n] for n in sorted(between) if nodes[n].outputs and not _inside_custom(nodes[n], nodes)]
    for call in calls:
        needs = [nodes[r.node].outputs[r.output].requires_grad for r in call.inputs if r.node in between]
        if any(needs) and not any(output.requires_grad for output in call.outputs):
            return call
    for call in calls:
        reads = [lineage.row(r.node, r.output) for r in call.inputs if r.node in between]
        if reads and step.arrived[lineage.rows(call)].any() and not step.arrived[reads].any():
            return call
    return None


def _inside_custom(node: Node, nodes: tuple[Node, ...]) -> bool:
    while node.parent is not None:
        node = nodes[node.parent]
        if node.kind == "custom":
            return True
    return False


def _explain_leaving(cut: Node) -> tuple[str, str]:
    return (
        f"What {cut.op} made leaves PyTorch (numpy, a list), and a new tensor of its shape comes back without a graph.",
        "Compute with torch operators in between, and pass tensors on as they are.",
    )


def _explain(cut: Node) -> tuple[str, str]:
    dtypes = {output.dtype for output in cut.outputs}
    if cut.op in DETACHING:
        return (
            f"{cut.op} takes the value out of the graph, so nothing above it gets a gradient.",
            "Remove it, or freeze what lies above it with requires_grad_(False) if that is meant.",
        )
    if any(output.requires_grad for output in cut.outputs):
        return (
            f"{cut.op} got a gradient but passed none on to its input.",
            "Return a gradient for every differentiable input from its backward, and use its input on the way.",
        )
    if not any(dtype.startswith(("float", "bfloat", "complex")) for dtype in dtypes):
        return (
            f"{cut.op} gives {', '.join(sorted(dtypes))}, which has no derivative.",
            "Use a differentiable form: softmax or a straight-through estimator for argmax, sigmoid for a comparison.",
        )
    return (
        f"{cut.op} ran without recording a derivative (no_grad, inference mode, or an operator without one).",
        "Leave the no_grad block before this call, or freeze the parameters with requires_grad_(False).",
    )
