"""The helpers for tests of plugins: they pass and fail where they should, and leave nothing behind."""

from __future__ import annotations

import types

import pytest
import torch
from torch import nn

from graphviz_nn.errors import PluginError
from graphviz_nn.model.findings import Check
from graphviz_nn.model.layer_types import Category, LayerType
from graphviz_nn.model.views import Table
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import plugins
from graphviz_nn.run import Run
from graphviz_nn.testing import assert_finding, assert_quiet, boxes, fit, record, show, use_plugin


class Thirds:
    """A plugin whose check says something of every third module."""

    @hookimpl
    def register_checks(self) -> list[Check]:
        def thirds(context, thresholds):
            step = context.steps[-1]
            for node in step.structure.nodes[::3]:
                yield step.finding("thirds", "info", node, "It is a third.", "Leave it.")

        return [Check("thirds", "own", thirds)]

    @hookimpl
    def register_layer_types(self) -> list[LayerType]:
        return [LayerType("Line", Category.LINEAR, ("torch.nn.modules.linear.Linear",), label=lambda of: "a line")]


@pytest.fixture(scope="module")
def deep() -> Run:
    layers = [part for _ in range(10) for part in (nn.Linear(16, 16), nn.Sigmoid())]
    return record(lambda: fit(nn.Sequential(*layers, nn.Linear(16, 3)), torch.randn(16, 16), torch.randn(16, 3)))


def test_record_is_the_same_each_time():
    def losses() -> list[float | None]:
        run = record(lambda: fit(nn.Linear(4, 1), torch.randn(8, 4), torch.randn(8, 1), steps=2))
        return [step.loss for step in run.steps]

    assert losses() == losses()
    assert len(losses()) == 2
    assert losses()[1] < losses()[0]


def test_assert_finding_returns_it_or_lists_what_there_is(deep):
    assert assert_finding(deep, "vanishing_depth", module="0", severity="warning").rule == "vanishing_depth"
    for options in ({"module": "4"}, {"severity": "error"}):
        with pytest.raises(AssertionError, match=r"found: warning vanishing_depth in '0': "):
            assert_finding(deep, "vanishing_depth", **options)
    with pytest.raises(AssertionError, match=r"no finding warning exploding in module '3'"):
        assert_finding(deep, "exploding", module="3", severity="warning")


def test_assert_quiet_counts_what_is_more_than_information(deep):
    with pytest.raises(AssertionError, match="vanishing_depth"):
        assert_quiet(deep)
    assert_quiet(deep, "exploding", "numbers")
    with use_plugin(Thirds()):
        assert assert_finding(deep, "thirds").severity == "info"
        assert_quiet(deep, "thirds")


def test_use_plugin_ends_with_its_block(deep):
    with use_plugin(Thirds()):
        assert "thirds" in {check.name for check in plugins().checks}
        assert boxes(deep)["0"].subtitle == "a line"
    assert "thirds" not in {check.name for check in plugins().checks}
    assert boxes(deep)["0"].subtitle == "Linear 16 → 16"


def test_use_plugin_says_what_is_wrong(caplog):
    broken = types.ModuleType("broken")
    with pytest.raises(PluginError, match=r"broken under test 0.*no hook"), use_plugin(broken):
        pytest.fail("it must not be loaded")
    assert all("broken" not in info.name for info in plugins().listing)


def test_boxes_and_views_are_those_of_the_last_step(deep):
    assert set(boxes(deep, depth=0)) >= {"mse_loss"}
    assert isinstance(show(deep, "layers"), Table)
    with pytest.raises(AssertionError, match=r"no view 'layer'; there are: .*layers"):
        show(deep, "layer")
