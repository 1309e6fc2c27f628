"""Pictures of one structure, one after the other: each is what it would be by itself."""

from __future__ import annotations

from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.composer import Composer
from graphviz_nn.scene.overlay import QUANTITIES, Overlay
from graphviz_nn.scene.scene import Scene
from tests.support.structures import resnet, transformer


def _words(scene: Scene) -> list[tuple[object, ...]]:
    return [(b.key, b.title, b.subtitle, b.shape, b.tooltip, b.marks, b.parameters, b.nodes) for b in scene.boxes]


def _wires(scene: Scene) -> list[tuple[object, ...]]:
    return [(wire.source, wire.target, wire.kind, wire.tooltip, wire.label) for wire in scene.wires]


def _scene(composer: Composer, opened: set[str]) -> Scene:
    return composer.scene(composer.picture(opened))


def test_what_was_drawn_before_changes_no_word_and_no_wire() -> None:
    structure: Structure = transformer(4)
    used = Composer(structure)
    calls = {f"m{number}" for number in range(len(structure.module_calls))}
    for opened in ({"m0"}, calls, {"m0", "m1"}, {"m0", "m2", "m3"}, {"m0"}, calls):
        seen, alone = _scene(used, opened), _scene(Composer(structure), opened)
        assert _words(seen) == _words(alone)
        assert _wires(seen) == _wires(alone)


def test_words_of_a_folded_run_are_not_those_of_its_first() -> None:
    composer = Composer(transformer(4))
    folded = composer.scene(composer.picture({"m0"}))
    single = composer.scene(composer.picture({"m0"}, folds=False))
    run = next(box for box in folded.boxes if box.repeat == 4)
    first = next(box for box in single.boxes if box.key == run.key)
    assert "…" in run.title
    assert "…" not in first.title


def test_alarms_of_one_step_do_not_stay() -> None:
    structure = resnet()
    composer = Composer(structure)
    picture = composer.picture({"m0"})
    numbers, bad = [1.0] * len(structure.nodes), [True] * len(structure.nodes)
    alarming = composer.scene(picture, overlay=Overlay(QUANTITIES["activation"], numbers, numbers, bad))
    assert all("nonfinite" in box.marks for box in alarming.boxes)
    calm = composer.scene(composer.picture({"m0"}))
    assert all("nonfinite" not in box.marks for box in calm.boxes)
