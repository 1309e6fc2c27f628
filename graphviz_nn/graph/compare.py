"""Whether a replayed tensor is the recorded one, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def difference(recorded: Tensor, replayed: Tensor) -> str | None:
    """Returns None where the tensors are equal bit for bit (any NaN equals any NaN), else what differs, in words.

    The words give the number of elements that differ, the largest difference, and both values where it is.
    """
    import torch

    with torch.no_grad():
        plain = _plain(replayed)
        if plain.dtype != recorded.dtype or plain.shape != recorded.shape:
            return (
                f"it was {recorded.dtype} of shape {tuple(recorded.shape)}, "
                f"and is {plain.dtype} of shape {tuple(plain.shape)}"
            )
        if not plain.numel() or plain.is_meta:
            return None
        if torch.equal(_bits(plain), _bits(recorded)):
            return None
        differs = (_bits(plain) != _bits(recorded)).reshape(*plain.shape, -1).any(-1)
        if plain.is_floating_point() or plain.is_complex():
            differs &= ~(plain.isnan() & recorded.isnan())
        return _describe(recorded, plain, differs) if bool(differs.any()) else None


def _plain(tensor: Tensor) -> Tensor:
    """The numbers as a dense tensor on the CPU, as they are kept."""
    import torch

    plain = tensor.detach()
    if plain.layout != torch.strided:
        plain = plain.to_dense()
    elif plain.is_quantized:
        plain = plain.dequantize()
    return plain.resolve_conj().resolve_neg().cpu()


def _bits(tensor: Tensor) -> Tensor:
    import torch

    # A tensor of one element may be contiguous whatever stride it has.
    return tensor.contiguous().as_strided((tensor.numel(),), (1,)).view(torch.uint8)


def _describe(recorded: Tensor, replayed: Tensor, differs: Tensor) -> str:
    import torch

    wide = torch.complex128 if recorded.is_complex() else torch.float64
    distance = (replayed.to(wide) - recorded.to(wide)).abs()
    # A difference that is no number (NaN against 1.0, two infinities) counts as the largest of all.
    distance = torch.where(differs, distance.nan_to_num(nan=float("inf")), -1.0)
    flat = int(distance.argmax())
    place = [int(i) for i in torch.unravel_index(torch.tensor(flat), recorded.shape)]
    return (
        f"{int(differs.sum())} of {recorded.numel()} elements differ, by at most {float(distance.flatten()[flat]):g}: "
        f"at {place} it was {recorded[tuple(place)].item()!r}, and is {replayed[tuple(place)].item()!r}"
    )
