"""Long chains of operators: releasing their graph must not end the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphviz_nn.recording.stack import make_room

CHAIN = """
import torch, graphviz_nn as gnn

def step():
    y = torch.ones(4, requires_grad=True)
    for _ in range(90_000):
        y = y * 0.999
    {end}
    return y

run = gnn.trace(step, keep="none")
print(len(run.structure().nodes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the stack's limit is raised as Linux lets it")
@pytest.mark.parametrize("end", ["y.sum().backward()", "pass"])
def test_a_chain_of_90_000_operators_can_be_released(end: str):
    done = subprocess.run(
        [sys.executable, "-c", CHAIN.format(end=end)], capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 90_000


def test_a_short_graph_needs_no_room():
    assert make_room(20_000) is None


def test_a_graph_that_no_stack_can_hold_is_said():
    warning = make_room(10_000_000)
    assert warning is not None
    assert "ulimit -s" in warning
