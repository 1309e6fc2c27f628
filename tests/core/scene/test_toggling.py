"""Modules of real networks opened and closed, one after the other: what stands beside them stays in its order."""

from __future__ import annotations

from itertools import combinations

import pytest

from graphviz_nn.layout.geometry import Rect
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.composer import Composer
from graphviz_nn.scene.picture import Picture, PictureContainer
from tests.support.hugging_face import program_of
from tests.support.recorded import trace_program
from tests.support.structures import unet

Rects = dict[str, Rect]
Siblings = dict[str, list[str]]


def _seen(composer: Composer, opened: set[str]) -> tuple[Siblings, Rects]:
    picture = composer.picture(opened)
    scene = composer.scene(picture)
    rects = {box.key: box.rect for box in scene.boxes}
    rects.update((container.key, container.rect) for container in scene.containers)
    return _siblings(picture), rects


def _siblings(picture: Picture) -> Siblings:
    found: Siblings = {}
    pending = [picture.root]
    while pending:
        outer = pending.pop()
        found[outer.key] = [child.key for child in outer.children]
        pending += [child for child in outer.children if isinstance(child, PictureContainer)]
    return found


def _moved(before: tuple[Siblings, Rects], after: tuple[Siblings, Rects]) -> list[tuple[str, str]]:
    """Pairs of siblings that stand side by side in both pictures, but not in the same order."""
    moved = []
    for outer, names in before[0].items():
        for pair in combinations(set(names) & set(after[0].get(outer, ())), 2):
            places = [[rects[key] for key in pair] for rects in (before[1], after[1])]
            beside = all(left.y < right.bottom and right.y < left.bottom for left, right in places)
            if beside and len({left.x < right.x for left, right in places}) > 1:
                moved.append(pair)
    return moved


def _structure(name: str) -> Structure:
    return unet() if name == "unet" else trace_program(program_of(name), keep="stats").steps[0].structure


@pytest.mark.parametrize("name", ["gpt2", "mixtral", "unet"])
def test_no_module_of_a_network_moves_its_siblings_when_it_is_opened_or_closed(name: str) -> None:
    structure = _structure(name)
    outer = {f"m{k}": f"m{call.parent}" for k, call in enumerate(structure.module_calls)}
    blocks = {key for key, around in outer.items() if around == "m0"}
    for opened in ({"m0"}, {"m0", *blocks}, set(outer)):
        composer = Composer(structure)
        before = _seen(composer, opened)
        toggled = [key for key in outer if key == "m0" or outer[key] in opened]
        assert len(toggled) > 2
        for key in toggled:
            assert _moved(before, _seen(composer, opened ^ {key})) == [], key
