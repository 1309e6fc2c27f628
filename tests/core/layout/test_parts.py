"""The steps of a level's layout, each against its definition."""

from __future__ import annotations

from itertools import combinations, product
from random import Random

import pytest

from graphviz_nn.layout.arrange import arrange
from graphviz_nn.layout.cycles import closing_edges
from graphviz_nn.layout.geometry import cubics
from graphviz_nn.layout.layered import insert_bends, rank_level
from graphviz_nn.layout.level import CENTER, Edge, Level
from graphviz_nn.layout.order import crossings, order
from graphviz_nn.layout.ranks import rank

Pairs = list[tuple[int, int]]


def random_dag(seed: int, count: int, density: float) -> Pairs:
    random = Random(seed)
    return [pair for pair in combinations(range(count), 2) if random.random() < density]


def plain(count: int, edges: Pairs) -> Level:
    return Level(count, 0, 0, tuple(Edge(u, v, CENTER, CENTER, k) for k, (u, v) in enumerate(edges)))


def total_length(ranks: list[int], edges: Pairs) -> int:
    return sum(ranks[v] - ranks[u] for u, v in edges)


@pytest.mark.parametrize("seed", range(40))
def test_ranks_are_as_short_as_an_exhaustive_search_finds(seed: int) -> None:
    count = 5
    edges = random_dag(seed, count, 0.5)
    ranks = rank(count, edges)
    assert all(ranks[u] < ranks[v] for u, v in edges)
    feasible = (r for r in product(range(count), repeat=count) if all(r[u] < r[v] for u, v in edges))
    assert total_length(ranks, edges) == min(total_length(list(r), edges) for r in feasible)


def test_a_source_stands_just_above_what_reads_it() -> None:
    chain = [(k, k + 1) for k in range(5)]
    assert rank(7, [*chain, (6, 5)])[6] == 4


def test_what_reads_the_border_stays_near_it() -> None:
    chain = [(k, k + 1) for k in range(5)]
    border = 7
    ranks = rank(7, [(border, 0), *chain, (border, 6), (6, 5)])
    assert ranks[6] == 0


def test_large_levels_are_ranked_too() -> None:
    edges = [(k, k + 1) for k in range(349)]
    assert rank(352, [*edges, (350, 349), (0, 351)]) == [*range(350), 348, 1]


@pytest.mark.parametrize("seed", range(30))
def test_crossings_are_counted_as_pairs_of_segments_that_change_sides(seed: int) -> None:
    level = plain(12, random_dag(seed, 12, 0.25))
    layered = insert_bends(level, rank_level(level), shared=True)
    layers = order(layered)
    place = {vertex: k for layer in layers for k, vertex in enumerate(layer)}
    expected = sum(
        (place[a.upper] - place[b.upper]) * (place[a.lower] - place[b.lower]) < 0
        for gap in layered.gaps
        for a, b in combinations(gap, 2)
    )
    assert crossings(layered, layers) == expected
    assert [sorted(layer) for layer in layers] == [
        [v for v in range(layered.count) if layered.ranks[v] == r] for r in range(layered.height)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_trees_are_drawn_without_crossings(seed: int) -> None:
    random = Random(seed)
    level = plain(40, [(random.randrange(k), k) for k in range(1, 40)])
    arrangement = arrange(level)
    assert crossings(arrangement.layered(level), arrangement.layers) == 0


def test_two_layers_fully_joined_have_the_known_number_of_crossings() -> None:
    level = plain(9, [(u, v) for u in range(4) for v in range(4, 9)])
    arrangement = arrange(level)
    assert crossings(arrangement.layered(level), arrangement.layers) == 6 * 10


@pytest.mark.parametrize("seed", range(20))
def test_no_cycle_is_left_when_the_closing_edges_are_turned_round(seed: int) -> None:
    random = Random(seed)
    edges = {(random.randrange(8), random.randrange(8)) for _ in range(16)}
    edges = {(u, v) for u, v in edges if u != v}
    closing = closing_edges(edges)
    turned = [(v, u) if (u, v) in closing else (u, v) for u, v in edges]
    reached = {u: {v for a, v in turned if a == u} for u in range(8)}
    for _ in range(8):
        reached = {u: near.union(*(reached[v] for v in near)) for u, near in reached.items()}
    assert all(u not in near for u, near in reached.items())


def test_edges_outside_cycles_are_never_turned_round() -> None:
    assert closing_edges([(3, 0), (0, 1), (1, 2), (2, 0)]) == {(2, 0)}


def test_cubics_leave_and_arrive_along_the_flow() -> None:
    assert cubics([(0, 0), (10, 20)]) == [(0, 0), (0, 10), (10, 10), (10, 20)]
    assert cubics([(0, 0), (20, 10)], "right") == [(0, 0), (10, 0), (10, 10), (20, 10)]
