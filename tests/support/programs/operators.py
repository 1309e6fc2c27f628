"""Programs about operators: functions, methods, factories, number types, and where gradients stop."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor

from tests.support.program import FORWARD_ONLY, Collection, Step, leaf

program = Collection()


@program()
def functional_operators() -> Step:
    x, w, b = leaf(4, 6), leaf(5, 6), leaf(5)

    def step(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        y = F.gelu(F.linear(x, w, b))
        y = F.layer_norm(y, (5,)) + F.softmax(y, dim=-1) * torch.exp(-y.abs())
        y = torch.tanh(torch.addmm(y, y @ y.t(), y, alpha=0.5)) / (1 + torch.sigmoid(y))
        loss = F.mse_loss(y, torch.ones_like(y)) + F.smooth_l1_loss(y, y.detach().flip(0))
        loss.backward()
        return loss

    return Step(step, (x, w, b), state=(x, w, b))


@program()
def tensor_methods() -> Step:
    x = leaf(3, 4, 5)

    def step(x: Tensor) -> Tensor:
        y = x.permute(2, 0, 1).contiguous().view(5, -1).relu().add(1).log()
        y = (y - y.mean(0, keepdim=True)) / y.std(0).clamp(min=0.1).unsqueeze(0)
        y = 2.0 - y.T.pow(2).sum(-1).sqrt() ** 1.5
        loss = (y.reshape(3, 4).max(1).values.prod() - x.amin((0, 1)).logsumexp(0)).float()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def reflected_operators() -> Step:
    x = leaf(4)

    def step(x: Tensor) -> Tensor:
        y = 1 + x - (2 - x) * 3 / (x.exp() + 1) + (1 / (x.abs() + 1)) ** 2
        loss = (2.0**x + (-x) % 3 + y.detach() // 1 + abs(y)).sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def factories() -> Step:
    x = leaf(3, 4)

    def step(x: Tensor) -> Tensor:
        noise = torch.randn(3, 4) * 0.1 + torch.rand_like(x) + torch.empty(3, 4).normal_()
        ramp = torch.arange(4.0) + torch.linspace(0, 1, 4) + x.new_ones(4) + torch.full((4,), 0.5)
        table = torch.eye(4) + torch.zeros(4, 4) + torch.tensor([1.0, 2, 3, 4]).diag()
        order = torch.randperm(3)
        made = torch.ones(3, 4, requires_grad=True)
        loss = (((x + noise)[order] * ramp * made) @ table).sin().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def fan_out() -> Step:
    x = leaf(4, 4)

    def step(x: Tensor) -> Tensor:
        y = x.tanh()
        z = y @ y + y.t() * y - y
        loss = (z * y).sum() + (z / 3).sin().sum() + y.mean() + (y + y).prod()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def linear_algebra() -> Step:
    x, y = leaf(4, 4, dtype=torch.float64), leaf(4, 2, dtype=torch.float64)

    def step(x: Tensor, y: Tensor) -> Tensor:
        u, s, vh = torch.linalg.svd(x + 3 * torch.eye(4, dtype=torch.float64), full_matrices=False)
        q, r = torch.linalg.qr(x)
        spd = x @ x.mT + torch.eye(4, dtype=torch.float64)
        solved = torch.linalg.solve(spd, y) + torch.cholesky_solve(y, torch.linalg.cholesky(spd))
        loss = s.log().sum() + (u @ vh).diagonal().sum() + (q @ r).norm() + solved.sum() + torch.logdet(spd)
        loss.backward()
        return loss

    return Step(step, (x, y), state=(x, y))


@program()
def einsum() -> Step:
    a, b, c = leaf(2, 3, 4), leaf(2, 4, 5), leaf(5)

    def step(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        y = torch.einsum("bij,bjk->bik", a, b)
        y = torch.einsum("bik,k->bi", y, c) + torch.einsum("bii->bi", a[:, :, :3])
        loss = torch.einsum("bi,bi->", y, y) + torch.tensordot(a, b, dims=([0, 2], [0, 1])).sum()
        loss.backward()
        return loss

    return Step(step, (a, b, c), state=(a, b, c))


@program()
def channels_last_convolution() -> Step:
    x, w = leaf(2, 3, 6, 6), leaf(4, 3, 3, 3)

    def step(x: Tensor, w: Tensor) -> Tensor:
        y = F.conv2d(x.contiguous(memory_format=torch.channels_last), w, padding=1)
        loss = F.max_pool2d(y, 2).to(memory_format=torch.contiguous_format).square().mean()
        loss.backward()
        return loss

    return Step(step, (x, w), state=(x, w))


@program()
def complex_numbers() -> Step:
    x, y = leaf(4, 4), leaf(4, dtype=torch.complex64)

    def step(x: Tensor, y: Tensor) -> Tensor:
        z = torch.fft.fft2(x) * y.conj() + torch.complex(x, x.sin())
        z = z + torch.view_as_complex(torch.stack((x, -x), -1)) + y.real * 1j
        loss = torch.view_as_real(torch.fft.ifft(z)).square().sum() + z.abs().mean() + z.angle().sum() + z.imag.sum()
        loss.backward()
        return loss

    return Step(step, (x, y), state=(x, y))


@program()
def integer_arithmetic() -> Step:
    table = leaf(11, 3)
    words = torch.randint(0, 50, (4, 6))

    def step(table: Tensor, words: Tensor) -> Tensor:
        index = ((words * 7 + 3) ^ (words >> 1)) % 11
        counts = torch.bincount(index.flatten(), minlength=11)
        keep = (index > 2) & ~(index == 5) | (counts[index] > 3)
        kept = index[keep].unique()
        loss = (table[index] * keep.unsqueeze(-1)).sum() + table[kept].exp().mean() * kept.numel()
        loss.backward()
        return loss

    return Step(step, (table, words), state=table)


@program()
def data_dependent_control_flow() -> Step:
    x = leaf(3, 3)

    def step(x: Tensor) -> Tensor:
        y = x
        rounds = 0
        while y.norm() < 20 and rounds < 12:
            y = y * 1.5 if y.sum() > 0 else y - 0.7 * y.t()
            rounds += 1
        values = y.diagonal().tolist()
        loss = y.square().mean() * (1 + values.index(max(values))) / y.detach().max().item()
        loss.backward()
        return loss

    return Step(step, (x,), state=x)


@program()
def gradients_that_stop() -> Step:
    x, w = leaf(4), leaf(4)

    def step(x: Tensor, w: Tensor) -> Tensor:
        with torch.no_grad():
            target = (x * w).softmax(0)
            target += 0.1
        scale = (x * 3).detach()
        frozen = torch.sign(w) + w.round() + (w > 0).float()
        with torch.set_grad_enabled(False):
            offset = w.exp()
        loss = ((x * scale - target) * w + frozen + offset).square().sum()
        loss.backward()
        return loss

    return Step(step, (x, w), state=(x, w))


@program(FORWARD_ONLY)
def inference_mode() -> Step:
    x, w = leaf(4, 3), leaf(3, 2)

    @torch.inference_mode()
    def step(x: Tensor, w: Tensor) -> Tensor:
        y = (x @ w).relu()
        y += 1
        y[0] = 2
        y[:, 0].mul_(3)
        y.t().add_(1)
        return y * y.sum()

    return Step(step, (x, w), state=(x, w))


@program(FORWARD_ONLY)
def forward_without_gradients() -> Step:
    x, w = leaf(4, 3), leaf(3, 2)

    @torch.no_grad()
    def step(x: Tensor, w: Tensor) -> dict[str, Tensor]:
        hidden = (x @ w).relu_()
        return {"hidden": hidden, "classes": hidden.argmax(1), "normed": F.normalize(hidden)}

    return Step(step, (x, w), state=(x, w))
