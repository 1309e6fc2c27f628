"""Input tensors from text."""

from __future__ import annotations

import click
import pytest
import torch

from graphviz_nn.cli.inputs import InputParameter, InputSpec, make_inputs


def parse(text: str) -> InputSpec:
    return InputParameter().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("1x3x8x8", InputSpec((1, 3, 8, 8))),
        ("1×3", InputSpec((1, 3))),
        ("7", InputSpec((7,))),
        ("2x3:float64", InputSpec((2, 3), "float64")),
        ("2x3:torch.bfloat16", InputSpec((2, 3), "bfloat16")),
        ("1x16:int64:50257", InputSpec((1, 16), "int64", 50257)),
    ],
)
def test_reads_shapes_dtypes_and_limits(text, spec):
    assert parse(text) == spec


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1,3,8", "joined by x"),
        ("1x", "joined by x"),
        ("", "joined by x"),
        ("-1x3", "joined by x"),
        ("2x2:flaot32", "Did you mean 'float32'?"),
        ("2x2:float32:9", "only integers take a limit"),
        ("2x2:int64:0", "only integers take a limit"),
    ],
)
def test_names_the_fix_of_a_wrong_one(text, hint):
    with pytest.raises(click.BadParameter, match=hint.replace("?", r"\?")):
        parse(text)


def test_tensors_have_the_asked_shape_and_dtype():
    specs = [
        InputSpec((2, 3), "float16"),
        InputSpec((4,), "complex64"),
        InputSpec((5, 1), "bool"),
        InputSpec((6,), "uint8", 1000),
    ]
    for spec, tensor in zip(specs, make_inputs(tuple(specs)), strict=True):
        assert tensor.shape == spec.shape
        assert str(tensor.dtype) == f"torch.{spec.dtype}"


@pytest.mark.parametrize("limit", [2, 100])
def test_integers_stay_below_their_limit_and_reach_it(limit):
    (tensor,) = make_inputs((InputSpec((10_000,), "int64", limit),))
    assert tensor.min() == 0
    assert tensor.max() == limit - 1


def test_always_the_same_numbers_and_no_trace_in_the_global_generator():
    before = torch.get_rng_state()
    first, second = (make_inputs((InputSpec((3, 3)), InputSpec((3,)))) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
