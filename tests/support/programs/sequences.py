"""Programs about sequences: recurrent layers and cells, packed sequences, attention, transformers."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor, nn
from torch.nn.utils import rnn

from tests.support.program import Collection, Step
from tests.support.programs.layers import training_step

program = Collection()


@program()
def recurrent_layers() -> Step:
    model = nn.ModuleList(
        [nn.RNN(3, 4, num_layers=2, nonlinearity="relu"), nn.GRU(4, 4, bidirectional=True), nn.LSTM(8, 4, bias=False)]
    )
    x = torch.randn(5, 2, 3)

    def step(x: Tensor) -> Tensor:
        y, h = model[0](x)
        y, _ = model[1](y)
        y, (last, cell) = model[2](y)
        loss = y.square().sum() + h.mean() + (last.sum() * cell.sum())
        loss.backward()
        return loss

    return Step(step, (x,), state=model)


@program()
def recurrent_cells() -> Step:
    lstm, gru, simple = nn.LSTMCell(3, 4), nn.GRUCell(4, 4), nn.RNNCell(4, 4)
    x = torch.randn(2, 6, 3)

    def step(x: Tensor) -> Tensor:
        h, c, g, r = (x.new_zeros(2, 4) for _ in range(4))
        for t in range(x.shape[1]):
            h, c = lstm(x[:, t], (h, c))
            g = gru(h, g)
            r = simple(g, r)
        loss = (r * h).sum() + c.mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=(lstm, gru, simple))


@program()
def packed_sequences() -> Step:
    model = nn.LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.2)
    x = torch.randn(3, 5, 3)
    lengths = torch.tensor([5, 2, 4])

    def step(x: Tensor, lengths: Tensor) -> Tensor:
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, (h, _) = model(packed)
        padded, _ = rnn.pad_packed_sequence(output, batch_first=True)
        loss = padded.square().sum() + h[-1].mean()
        loss.backward()
        return loss

    return Step(step, (x, lengths), state=model)


@program()
def lstm_in_elementary_operations() -> Step:
    inward, recurrent = nn.Linear(3, 16), nn.Linear(4, 16)
    x = torch.randn(2, 5, 3)

    def step(x: Tensor) -> Tensor:
        h = c = torch.zeros(2, 4)
        for t in range(5):
            i, f, o, u = (inward(x[:, t]) + recurrent(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
            h = torch.sigmoid(o) * torch.tanh(c)
        loss = h.square().mean()
        loss.backward()
        return loss

    return Step(step, (x,), state=(inward, recurrent))


@program()
def multihead_attention() -> Step:
    model = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
    query, memory = torch.randn(2, 3, 8, requires_grad=True), torch.randn(2, 5, 8)
    padding = torch.tensor([[False] * 5, [False, False, False, True, True]])

    def step(query: Tensor, memory: Tensor, padding: Tensor) -> Tensor:
        y, weights = model(query, memory, memory, key_padding_mask=padding)
        causal = torch.ones(3, 3, dtype=torch.bool).triu(1)
        z, _ = model(y, y, y, attn_mask=causal, need_weights=False)
        loss = z.square().sum() + weights.max()
        loss.backward()
        return loss

    return Step(step, (query, memory, padding), state=(model, query))


@program()
def scaled_dot_product_attention() -> Step:
    project = nn.Linear(8, 24)
    x = torch.randn(2, 4, 8)

    def step(x: Tensor) -> Tensor:
        q, k, v = project(x).view(2, 4, 3, 2, 4).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y + F.scaled_dot_product_attention(q, k, v, attn_mask=torch.zeros(4, 4), dropout_p=0.2)
        loss = y.transpose(1, 2).reshape(2, 4, 8).square().sum()
        loss.backward()
        return loss

    return Step(step, (x,), state=project)


@program()
def transformer_encoder_and_decoder() -> Step:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    decoder = nn.TransformerDecoderLayer(8, 2, 16, activation="gelu", norm_first=True, batch_first=True)
    source, target = torch.randn(2, 4, 8), torch.randn(2, 3, 8)

    def step(source: Tensor, target: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(3)
        loss = decoder(target, encoder(source), tgt_mask=mask, tgt_is_causal=True).square().mean()
        loss.backward()
        return loss

    return Step(step, (source, target), state=(encoder, decoder))


@program()
def transformer_encoder_in_evaluation() -> Step:
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True).eval()
    return training_step(model, torch.randn(2, 4, 8, requires_grad=True))
