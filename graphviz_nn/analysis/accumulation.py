"""Gradients of earlier steps that are still there when the next backward pass begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from graphviz_nn.analysis.context import COLUMN, CheckContext, Numbers, StepFacts
from graphviz_nn.model.events import EventKind
from graphviz_nn.model.findings import Finding

Rows = npt.NDArray[np.int64]
_HALF_UNITS: Final = {"bfloat16": 2.0**-9, "float16": 2.0**-12}


@dataclass(frozen=True, slots=True)
class _Carry:
    """What one step found in `.grad`, by name of parameter: sums over elements, and norms.

    `contribution` is this pass's gradient, `total` what `.grad` was after it, `last` what it was at the step's end.
    """

    step: StepFacts
    contribution: dict[str, tuple[float, float]]
    total: dict[str, tuple[float, float]]
    last: dict[str, float]
    updated: frozenset[str]


def missing_zero_grad(context: CheckContext, thresholds: Mapping[str, float]) -> Iterable[Finding]:
    """Gradients are added to those of earlier steps, because nobody set them to zero.

    **Symptom.** Steps grow with the number of steps taken, the loss oscillates or diverges, as with a momentum of 1.

    **Mathematics.** `backward` adds to `.grad`. With g the contribution of a step's first backward pass and G the
    `.grad` after it, G − g is what was there before. Sums over elements are linear, so Σ(G − g) over the elements of
    each parameter must equal s·Σ G_before of the step before, with s = 1, or one s < 1 for all where gradients are
    clipped in between; no other cause makes that equality hold for every parameter.

    **Criterion.** Of two recorded steps in which the optimizer changed the same parameters, with no unrecorded step and
    no gradient of theirs in between (optimizers may take turns), the later begins with Σ(G − g) = s·Σ G_before: 0 < s ≤
    1.001, the residual over all parameters is under 2 % of the left side (and what rounding a half-precision G adds,
    where that is less than a fifth), and the left side is more than `share` of the norm of G. One optimizer's
    parameters are judged by themselves. Where unrecorded steps lie between, the norms of G and g must differ by more
    than 10 % in most parameters, by a factor that is not one and the same, on every recorded step after the first.

    **Healthy look-alikes.** Gradient accumulation: it ends with one optimizer step, so the first pass after it
    still begins at zero. A GAN's discriminator collects gradients in the generator's step, in which its optimizer
    does not run. Hooks that clip or scale a parameter's gradient: G − g then follows g, not G of the step before.

    **Remedy.** `optimizer.zero_grad()` before `backward()`, or after `optimizer.step()`.

    **Source.** PyTorch, "Zeroing out gradients in PyTorch".
    """
    if len(context.trained) < 2:
        return
    every = [carry for carry in map(_carry, context.trained) if carry is not None]
    for carries in _turns(every):
        yield from _judged(carries, _neighbours(every, carries), thresholds["share"])


def _turns(carries: list[_Carry]) -> list[list[_Carry]]:
    """The steps that changed the same parameters, together: those of each optimizer, where several take turns."""
    groups: list[list[_Carry]] = []
    for carry in carries:
        mine = next((group for group in groups if group[-1].updated & carry.updated), None)
        if mine is None:
            groups.append([carry])
        else:
            mine.append(carry)
    return groups


def _neighbours(every: list[_Carry], carries: list[_Carry]) -> list[tuple[_Carry, _Carry]]:
    """Steps of one optimizer between which all others are recorded, and none gave its parameters a gradient."""
    by_index = {carry.step.info.index: carry for carry in every}
    found = []
    for before, after in pairwise(carries):
        mine = before.updated & after.updated
        between = [by_index.get(index) for index in range(before.step.info.index + 1, after.step.info.index)]
        if all(other is not None and mine.isdisjoint(other.contribution) for other in between):
            found.append((before, after))
    return found


def _judged(carries: list[_Carry], pairs: list[tuple[_Carry, _Carry]], least: float) -> Iterator[Finding]:
    if len(carries) < 2:
        return
    shares = [_carried_share(before, after) for before, after in pairs]
    proven = [share for share in shares if share is not None]
    later = [carry for carry in carries if carry.step.info.index > 0]
    if shares:
        fires = len(proven) > len(shares) / 2 and float(np.median(proven)) > least
        share = float(np.median(proven)) if proven else 0.0
    else:
        fires = len(later) >= 2 and all(_norms_differ(carry) for carry in later)
        share = float("nan")
    if not fires:
        return
    step = later[-1].step if later else carries[-1].step
    evidence = {} if np.isnan(share) else {"carried_share": share}
    yield step.finding(
        "missing_zero_grad",
        "error",
        None,
        "Each backward pass adds to the gradients of earlier steps, which the optimizer has already used.",
        "Call optimizer.zero_grad() before backward(), or after optimizer.step().",
        **evidence,
        steps=float(len(carries)),
        parameters=sorted(later[-1].updated if later else carries[-1].updated),
    )


def _carry(step: StepFacts) -> _Carry | None:
    totals = step.of_kind(EventKind.PARAMETER_GRADIENT)
    if not len(totals) or not step.updated:
        return None
    statistics = step.table("parameter_gradient", len(totals))
    total_rows = np.array(step.structure.value_offsets, np.int64)[totals["node"]]
    first_pass = totals["pass"][0]
    in_first = np.flatnonzero(step.gradient_events["pass"] == first_pass)
    contributions = _once(step.gradient_rows[in_first], in_first)
    of_first = np.flatnonzero(totals["pass"] == first_pass)
    firsts = _once(total_rows[of_first], of_first)
    lasts = dict(zip(total_rows.tolist(), range(len(totals)), strict=True))
    contribution: dict[str, tuple[float, float]] = {}
    total: dict[str, tuple[float, float]] = {}
    last: dict[str, float] = {}
    mine, first = _means_and_norms(step.gradient), _means_and_norms(statistics)
    for name, node in step.lineage.parameters.items():
        row = step.lineage.rows(node).start
        if row in contributions and row in firsts:
            numel = float(step.lineage.numel[row])
            (mean, norm), (total_mean, total_norm) = mine[contributions[row]], first[firsts[row]]
            if np.isfinite(mean + norm + total_mean + total_norm):
                contribution[name] = (mean * numel, norm)
                total[name] = (total_mean * numel, total_norm)
                last[name] = first[lasts[row]][0] * numel
    updated = frozenset((step.structure.nodes[n].names or (step.structure.nodes[n].name,))[0] for n in step.updated)
    return _Carry(step, contribution, total, last, updated & contribution.keys())


def _once(keys: Rows, places: Rows) -> dict[int, int]:
    """Place by key, of the keys that come once."""
    unique, at, counts = np.unique(keys, return_index=True, return_counts=True)
    once = counts == 1
    return dict(zip(unique[once].tolist(), places[at[once]].tolist(), strict=True))


def _means_and_norms(table: Numbers) -> list[list[float]]:
    """Mean and L2 norm of each row, as Python numbers."""
    found: list[list[float]] = table[:, [COLUMN["mean"], COLUMN["l2"]]].tolist()
    return found


def _carried_share(before: _Carry, after: _Carry) -> float | None:
    """Returns Σ(G − g) over the norm of G where it is what the step before left, or None."""
    names = sorted(before.updated & after.updated & before.last.keys())
    left = np.array([after.total[n][0] - after.contribution[n][0] for n in names])
    earlier = np.array([before.last[n] for n in names])
    norm = float(np.linalg.norm([after.total[n][1] for n in names])) if names else 0.0
    size = float(earlier @ earlier)
    if norm <= 0 or size <= 0 or float(np.linalg.norm(left)) <= 1e-4 * norm:
        return None
    scale = float(left @ earlier) / size
    residual, whole = float(np.linalg.norm(left - scale * earlier)), float(np.linalg.norm(left))
    rounding = 3 * float(np.linalg.norm([_rounding(after, n) * after.total[n][1] for n in names]))
    proven = 0 < scale <= 1.001 + rounding / whole and residual < 0.02 * whole + rounding and rounding < 0.2 * whole
    return whole / norm if proven else None


def _rounding(carry: _Carry, name: str) -> float:
    """Half a unit in the last place of the parameter's type, over the number; 0 where that is far under 1 %."""
    return _HALF_UNITS.get(carry.step.lineage.parameters[name].outputs[0].dtype, 0.0)


def _norms_differ(carry: _Carry) -> bool:
    factors = [
        carry.total[name][1] / carry.contribution[name][1] for name in carry.updated if carry.contribution[name][1] > 0
    ]
    if len(factors) < 2:
        return False
    far = [factor for factor in factors if abs(factor - 1) > 0.1]
    return len(far) > len(factors) / 2 and max(factors) > 1.1 and max(factors) > 1.01 * min(factors)
