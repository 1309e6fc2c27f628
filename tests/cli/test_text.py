"""What is said in words, and what can be typed again."""

from __future__ import annotations

import os
import subprocess

import pytest

from graphviz_nn.cli.text import shell_word


@pytest.mark.parametrize(
    "name", [b"train.gvnn", b"a b 'c\" d", b"two\nlines", b"\xff\\'\xfe", "é τ".encode(), b"$HOME;ls"]
)
def test_a_shell_reads_a_name_as_it_was(name):
    word = shell_word(os.fsdecode(name))
    assert word.isprintable()
    shown = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout
    assert shown == name


def test_a_plain_name_stays_as_it_is():
    assert shell_word("work/train.gvnn") == "work/train.gvnn"
