"""The example of each rule in the documentation: its rule finds it, and nothing is said of it when repaired."""

from __future__ import annotations

import pytest

from tests.checks.training import recorded, rules
from tools.rule_examples import AMONG_RANKS, EXAMPLES, recorded_among_ranks


@pytest.mark.parametrize("rule", EXAMPLES)
def test_example(rule):
    assert rule in {finding.rule for finding in recorded(lambda: EXAMPLES[rule](repaired=False)).findings()}
    assert rules(recorded(lambda: EXAMPLES[rule](repaired=True))) == set()


@pytest.mark.parametrize("rule", AMONG_RANKS)
def test_example_among_ranks(rule, tmp_path):
    before, after = (recorded_among_ranks(rule, tmp_path, repaired=repaired) for repaired in (False, True))
    assert rules(before) == {rule}
    assert rules(after) == set()
