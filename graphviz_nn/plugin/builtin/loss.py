"""Losses."""

from __future__ import annotations

from functools import partial
from typing import Final

from graphviz_nn.model.layer_types import Category, LayerCall, LayerType
from graphviz_nn.model.modules import Module
from graphviz_nn.plugin.builtin import flops
from graphviz_nn.plugin.builtin.names import torch_nn
from graphviz_nn.plugin.builtin.reading import attribute, is_number
from graphviz_nn.plugin.builtin.wording import number, phrase

_NUMBERS: Final = {"label_smoothing": 0.0, "beta": 1.0, "delta": 1.0, "margin": None}
"""Settings that tell losses apart, and the value that goes without saying."""


def _label(of: LayerCall | Module, name: str) -> str:
    """ "CrossEntropyLoss, label smoothing 0.1", "MSELoss, sum"."""
    settings = [
        f"{key.replace('_', ' ')} {number(value)}"
        for key, usual in _NUMBERS.items()
        if is_number(value := attribute(of, key)) and value != usual
    ]
    reduction = attribute(of, "reduction")
    return phrase(name, *settings, reduction if reduction in ("sum", "none") else None)


def _loss(name: str, *functions: str) -> LayerType:
    return LayerType(name, Category.LOSS, torch_nn("loss", name), functions, partial(_label, name=name), opened=False)


TYPES: Final = (
    _loss("CrossEntropyLoss", "cross_entropy"),
    _loss("NLLLoss", "nll_loss", "nll_loss_nd"),
    _loss("MSELoss", "mse_loss"),
    _loss("L1Loss", "l1_loss"),
    _loss("SmoothL1Loss", "smooth_l1_loss"),
    _loss("HuberLoss", "huber_loss"),
    _loss("BCELoss", "binary_cross_entropy"),
    _loss("BCEWithLogitsLoss", "binary_cross_entropy_with_logits"),
    _loss("KLDivLoss", "kl_div"),
    _loss("CTCLoss", "ctc_loss"),
    _loss("PoissonNLLLoss", "poisson_nll_loss"),
    _loss("GaussianNLLLoss", "gaussian_nll_loss"),
    _loss("CosineEmbeddingLoss", "cosine_embedding_loss"),
    _loss("HingeEmbeddingLoss", "hinge_embedding_loss"),
    _loss("MarginRankingLoss", "margin_ranking_loss"),
    _loss("MultiLabelMarginLoss", "multilabel_margin_loss"),
    _loss("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss"),
    _loss("MultiMarginLoss", "multi_margin_loss"),
    _loss("SoftMarginLoss", "soft_margin_loss"),
    _loss("TripletMarginLoss", "triplet_margin_loss"),
    _loss("TripletMarginWithDistanceLoss", "triplet_margin_with_distance_loss"),
    LayerType(
        "LinearCrossEntropyLoss",
        Category.LOSS,
        torch_nn("loss", "LinearCrossEntropyLoss"),
        ("linear_cross_entropy",),
        partial(_label, name="LinearCrossEntropyLoss"),
        flops.linear_cross_entropy,
        opened=False,
    ),
    LayerType(
        "AdaptiveLogSoftmaxWithLoss", Category.LOSS, torch_nn("adaptive", "AdaptiveLogSoftmaxWithLoss"), opened=False
    ),
    LayerType("Loss", Category.LOSS, torch_nn("loss", "_Loss"), opened=False),
)
