"""Option values that several commands share."""

from __future__ import annotations

import sys

import click
import pytest

from graphviz_nn.cli.parameters import Depth, Every, OneOf, Share, parse_keep


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("2.5 %", 0.025), ("100%", 1.0)])
def test_reads_shares(text, share):
    assert Share().convert(text, None, None) == pytest.approx(share)


@pytest.mark.parametrize("text", ["5", "0", "0%", "101%", "-5%", "five", ""])
def test_refuses_what_is_no_share(text):
    with pytest.raises(click.BadParameter, match=r"5% or 0\.05"):
        Share().convert(text, None, None)


def test_reads_depths():
    assert Depth().convert("0", None, None) == 0
    assert Depth().convert("all", None, None) == sys.maxsize
    with pytest.raises(click.BadParameter, match="Give a number from 0, or all"):
        Depth().convert("-1", None, None)


def test_reads_how_often_to_record():
    assert Every().convert("auto", None, None) == "auto"
    assert Every().convert("20", None, None) == 20
    for text in ("0", "-3", "often"):
        with pytest.raises(click.BadParameter, match="Give auto, or a number from 1"):
            Every().convert(text, None, None)


def test_a_typing_error_is_answered_with_the_nearest_word():
    with pytest.raises(click.BadParameter, match="Did you mean 'gradient'"):
        OneOf(("none", "gradient", "activation")).convert("gradeint", None, None)


def test_keep_is_a_word_or_patterns():
    assert parse_keep("stats") == "stats"
    assert parse_keep("layer3.*, head") == ("layer3.*", "head")
