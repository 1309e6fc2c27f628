"""Hugging Face models from small configurations: recorded, replayed, and equal."""

from __future__ import annotations

import networkx as nx
import pytest

pytest.importorskip("transformers", reason="needs the transformers package")

from tests.support.checks import check_all
from tests.support.hugging_face import MODELS, program_of


@pytest.mark.parametrize("name", sorted(MODELS))
def test_model_is_recorded_replayed_and_equal(name: str):
    run = check_all(program_of(name))
    assert nx.is_directed_acyclic_graph(run.graph)
    assert len(run.structure().nodes) > 50


def test_there_are_at_least_twelve_models():
    assert len(MODELS) >= 12
