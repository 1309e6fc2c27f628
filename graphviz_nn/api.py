"""The public functions: `trace`, `record`, `load`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn

from graphviz_nn.analysis.watch import OnFinding, Watch
from graphviz_nn.errors import MemoryLimit, UsageError
from graphviz_nn.model.findings import Finding
from graphviz_nn.model.metrics import Metric
from graphviz_nn.model.steps import MemoryRun, RunSink, StepRecord
from graphviz_nn.recording.distributed import place_of_process
from graphviz_nn.recording.keeping import Keep, KeepPolicy
from graphviz_nn.recording.metrics import AUTO, choose_metrics
from graphviz_nn.recording.policy import DEFAULT_BUDGET, Budget, Policy, parse_policy
from graphviz_nn.recording.recorder import Recorder
from graphviz_nn.run import Run, load

__all__ = ["load", "partial_run", "record", "trace"]

_partial: list[Run] = []


def trace(
    target: nn.Module | Callable[..., Any],
    *inputs: Any,
    loss: Callable[[Any], Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    keep: Keep = "all",
    memory_limit: int | None = None,
    thumbnails: bool | str | None = None,
    metrics: str | Iterable[str] = AUTO,
    aten: bool = False,
    saved: bool | None = None,
    **kwargs: Any,
) -> Run:
    """Records one step: `target(*inputs, **kwargs)`, and with a loss its backward pass.

    Args:
        target: a module, or a function that does anything: a whole training step works too.
        loss: takes what the target returned and gives a scalar tensor; `backward()` is called on it.
        optimizer: its `step()` is called after the backward pass, and the update of each parameter is recorded.
        keep: "none" (structure, order, which gradients arrived), "stats" (and their numbers), "all" (and the
            tensors), glob patterns of module paths or "op:NAME", or a predicate `(module path, op) -> bool`.
        memory_limit: most bytes of kept tensors; 4 GiB by default.
        thumbnails: small copies of feature maps and attention weights (True or "pictures", the default but with
            keep="all"), of everything with four dimensions ("all"), or none (False).
        metrics: names of registered metrics to take; "auto" takes those that the checks read, unless keep is "none".
        aten: also note the ATen operators that run inside each call, forward and backward (`Node.aten`). Slow.
        saved: note what autograd saves of each call for the backward pass (`Node.saved`); by default unless keep is
            "none".

    Returns:
        The run, with one step. Gradients and an optimizer's updates stay in the model, as if you had run it yourself.

    Raises:
        UsageError: the loss gave something else than a scalar tensor, or there is an optimizer without a loss.
        OptionError: an unknown `keep` or metric.
        MemoryLimit: keeping every tensor would take more than `memory_limit`.
        Exception: what the target raised, unchanged; `partial_run()` gives what was recorded until then.
    """
    if optimizer is not None and loss is None:
        raise UsageError("optimizer= needs loss=, a function that takes the output and gives a scalar tensor.")
    policy = KeepPolicy.parse(keep, memory_limit=memory_limit, thumbnails=thumbnails)
    policy = replace(policy, saved=policy.stats if saved is None else saved)
    sink = MemoryRun()
    model = target if isinstance(target, nn.Module) else None
    recorder = Recorder(sink, model, keep=policy, metrics=_metrics(metrics, policy), aten=aten)
    _partial.clear()
    try:
        with recorder, recorder.step():
            output = target(*inputs, **kwargs)
            if loss is not None:
                _scalar(loss(output), loss).backward()  # type: ignore[no-untyped-call]
            if optimizer is not None:
                optimizer.step()
    except BaseException:
        if sink.steps():
            _partial.append(Run(sink, recorder.functions))
        raise
    if recorder.over_limit:
        raise MemoryLimit(
            f"Keeping every tensor takes more than the limit of {policy.memory_limit:,} bytes. Raise it with "
            f"memory_limit=… (bytes), or keep less with keep='stats' or selectors such as keep=['layer4.*']."
        )
    return Run(sink, recorder.functions)


def _metrics(wanted: str | Iterable[str], policy: KeepPolicy) -> tuple[Metric, ...]:
    return () if wanted == AUTO and not policy.stats else choose_metrics(wanted)


def _scalar(value: Any, loss: Callable[[Any], Tensor]) -> Tensor:
    name = getattr(loss, "__name__", type(loss).__name__)
    if not isinstance(value, Tensor):
        raise UsageError(f"loss={name} returned {type(value).__name__}: it must return a scalar tensor.")
    if value.numel() != 1:
        raise UsageError(f"loss={name} returned a tensor of shape {tuple(value.shape)}: reduce it, e.g. with .mean().")
    return value


def partial_run() -> Run | None:
    """Returns what the last `trace` recorded before its target raised, or None."""
    return _partial[0] if _partial else None


class Recording:
    """What `record` gives back: `step()` marks a step by hand, `run` reads what is recorded."""

    def __init__(self, recorder: Recorder, run: Callable[[], Run], watch: Watch | None = None) -> None:
        self._recorder = recorder
        self._run = run
        self._watch = watch

    @contextmanager
    def step(self) -> Iterator[None]:
        """Marks one training step by hand, where no optimizer step ends it, or several stand in one."""
        with self._recorder.step():
            yield

    @property
    def run(self) -> Run:
        """The run as recorded so far; after the `with` block, the whole run.

        Raises:
            NotARunFile: no step has been recorded yet.
        """
        return self._run()

    @property
    def steps_seen(self) -> int:
        """Training steps begun so far, recorded or not."""
        return self._recorder.steps_seen

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the checks have found so far, in that order; empty without `on_finding`."""
        return () if self._watch is None else tuple(self._watch.found)


@contextmanager
def record(
    path: str | PathLike[str] | None = None,
    model: nn.Module | None = None,
    *,
    every: int | str = "auto",
    budget: float | str = DEFAULT_BUDGET,
    keep: Keep = "stats",
    memory_limit: int | None = None,
    thumbnails: bool | str | None = None,
    metrics: str | Iterable[str] = AUTO,
    aten: bool = False,
    saved: bool = False,
    on_step: Callable[[StepRecord], None] | None = None,
    on_finding: OnFinding | None = None,
    thresholds: Mapping[str, float] | None = None,
    command: tuple[str, ...] = (),
) -> Iterator[Recording]:
    """Records the training steps that run inside the `with` block, unchanged.

    Args:
        path: the run file to write, or None to keep the run in memory. In one of several processes that train
            together it is a folder, in which each rank writes a file of its own.
        model: the root module; without it every module that is called from outside any other is a root.
        every: "auto" (as often as `budget` allows), or each n-th step.
        budget: share of the program's own time that recording may take with every="auto": 0.05 or "5%".
        keep, memory_limit, thumbnails, metrics, aten: as for `trace`.
        saved: as for `trace`, but off unless asked for.
        on_step: called with each recorded step, in the training thread.
        on_finding: runs the checks behind recorded steps, puts what they find into the run, and tells each finding
            once: to a function that takes it; by "warn" as a `FindingWarning`; by "stop" likewise, but an error ends
            the training with `TrainingStopped`. With every="auto" the checks take at most half of `budget`.
        thresholds: by "rule.threshold", in place of the rules' own, for on_finding.
        command: what to note as the program's command line; `sys.argv` by default.

    Yields:
        A `Recording`.

    Raises:
        OptionError: an unknown `every`, `budget`, `keep`, `on_finding`, metric or threshold.
        RunFileError: the file cannot be written.
        TrainingStopped: on_finding="stop" and an error was found. It is no `Exception`: handlers of these let it pass.
    """
    policy = parse_policy(every, budget)
    kept = replace(KeepPolicy.parse(keep, memory_limit=memory_limit, thumbnails=thumbnails), saved=saved)
    taken = _metrics(metrics, kept)
    sink: RunSink

    def keep_finding(finding: Finding) -> None:
        sink.add_finding(finding)

    watch = _watch(on_finding, keep_finding, policy, thresholds)
    if path is None:
        sink = memory = MemoryRun()

        def run() -> Run:
            return Run(memory, recorder.functions)
    else:
        from graphviz_nn.store.rank_files import prepare
        from graphviz_nn.store.writer import RunWriter

        place = place_of_process()
        file = path if place is None else prepare(path, place)
        sink = RunWriter(file)

        def run() -> Run:
            return load(file)

    recorder = Recorder(
        sink,
        model,
        keep=kept,
        policy=policy,
        on_step=_each(on_step, None if watch is None else watch.step),
        on_end=None if watch is None else watch.finish,
        command=command or tuple(sys.argv),
        metrics=taken,
        aten=aten,
    )
    with recorder:
        yield Recording(recorder, run, watch)


def _each(*observers: Callable[[StepRecord], None] | None) -> Callable[[StepRecord], None] | None:
    """Returns one observer that tells all of them, or None where there is none."""
    present = [observer for observer in observers if observer is not None]

    def observe(step: StepRecord) -> None:
        for observer in present:
            observer(step)

    return observe if present else None


def _watch(
    on_finding: OnFinding | None,
    keep: Callable[[Finding], None],
    policy: Policy,
    thresholds: Mapping[str, float] | None,
) -> Watch | None:
    if on_finding is None:
        return None
    if isinstance(policy, Budget):  # the other half is for recording
        return Watch(on_finding, keep, thresholds=thresholds, share=policy.share / 2, allowance=0)
    return Watch(on_finding, keep, thresholds=thresholds)
