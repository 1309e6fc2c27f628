"""What the tests of a plugin need: programs recorded into memory, findings, boxes, and a plugin for one test.

    from graphviz_nn.testing import assert_finding, assert_quiet, boxes, record, use_plugin

Nothing here needs a test framework. A fixture that loads a plugin for each test of a file is

    @pytest.fixture(autouse=True)
    def loaded():
        with use_plugin(my_plugin):
            yield
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from graphviz_nn.model.findings import SEVERITIES, Finding
from graphviz_nn.model.subject import Subject
from graphviz_nn.model.views import ViewData, ViewOptions
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import NodeLike, Run

if TYPE_CHECKING:
    from graphviz_nn.recording.keeping import Keep
    from graphviz_nn.scene.scene import SceneBox

__all__ = ["assert_finding", "assert_quiet", "boxes", "fit", "record", "show", "use_plugin"]


@contextmanager
def use_plugin(*loaded: object) -> Iterator[None]:
    """Loads plugins, modules or other objects with hooks, inside the `with` block, after those that are installed.

    Raises:
        PluginError: one of them is broken; the message says how.
    """
    plugins.cache_clear()
    try:
        for number, plugin in enumerate(loaded):
            plugins().register(plugin, f"{getattr(plugin, '__name__', type(plugin).__name__)} under test {number}")
        yield
    finally:
        plugins.cache_clear()


def record(program: Callable[[], object], *, seed: int = 0, keep: Keep = "all") -> Run:
    """Runs a program that trains, and returns every step of it, in memory. PyTorch's random state begins at `seed`."""
    import torch

    import graphviz_nn as gnn

    torch.manual_seed(seed)
    with gnn.record(None, every=1, keep=keep) as recording:
        program()
    return recording.run


def fit(model: Any, inputs: Any, targets: Any, *, steps: int = 3, lr: float = 1e-3) -> None:
    """Trains a module on one batch, by gradient descent on the mean squared error."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def assert_finding(run: Run, rule: str, *, module: str | None = None, severity: str | None = None) -> Finding:
    """Returns the rule's first finding in the run, in the module and of the severity that are named.

    Raises:
        AssertionError: there is none; the message lists what was found.
    """
    found = run.findings()
    for finding in found:
        fits = module in (None, finding.module) and severity in (None, finding.severity)
        if finding.rule == rule and fits:
            return finding
    wanted = " ".join(text for text in (severity, rule, "" if module is None else f"in module {module!r}") if text)
    raise AssertionError(f"no finding {wanted}; found: {_listed(found)}")


def assert_quiet(run: Run, *rules: str) -> None:
    """Fails where one of the rules, or without names any rule, finds something that is more than information.

    Raises:
        AssertionError: it does; the message lists what was found.
    """
    found = [each for each in run.findings(rules or None) if each.severity != SEVERITIES[0]]
    if found:
        raise AssertionError(f"expected no finding; found: {_listed(found)}")


def boxes(run: Run, *, depth: int | None = None) -> dict[str, SceneBox]:
    """Returns the boxes of the last step's picture by the path of their module, or the name of their call.

    A box's `title`, `subtitle` and `shape` are its lines. `depth` as in `run.export`; None opens every module that its
    layer type does not keep closed.
    """
    from graphviz_nn.model.exporters import PictureOptions
    from graphviz_nn.scene.compose import compose

    scene = compose(run.structure(), PictureOptions(depth=depth))
    return {box.path: box for box in scene.boxes}


def show(run: Run, view: str, node: NodeLike | None = None, options: ViewOptions | None = None) -> ViewData:
    """Returns what the registered view of that name shows of a node of the last step, or of the step.

    Raises:
        AssertionError: there is no such view, or it says that it does not apply.
        GraphvizNNError: as the view raises it.
    """
    known = {each.name: each for each in plugins().views}
    if view not in known:
        raise AssertionError(f"no view {view!r}; there are: {', '.join(known)}")
    place = None if node is None else run.node(node).id
    subject = Subject(run.data, len(run.steps) - 1, place)
    if not known[view].applies(subject):
        raise AssertionError(f"the view {view!r} does not apply to {node!r}")
    return known[view].make(subject, options or ViewOptions())


def _listed(found: list[Finding]) -> str:
    return "; ".join(f"{each.severity} {each.rule} in {each.module!r}: {each.cause}" for each in found) or "nothing"
