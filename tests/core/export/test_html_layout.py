"""The page draws each state as the other exporters draw it: the same boxes, wires, labels, in the same places."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from graphviz_nn.layout import Box, LayoutCache, Placement, Wire, layout
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.steps import MemoryRun
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.overlay import overlay
from graphviz_nn.scene.scene import Heat, Scene
from tests.support import networks
from tests.support.pages import data_of, needs_node, run_script
from tests.support.pictures import random_nest, shut
from tests.support.runs import with_gradients
from tests.support.structures import broken, functions, lstm, resnet, transformer, unet

pytestmark = needs_node

LAY_OUT = """
return given.map(({ root, wires, direction }) => {
  const { rects, titles, paths, width, height } = layOut(root, wires, direction, new LayoutCache());
  return { rects: Object.fromEntries(rects), titles: Object.fromEntries(titles), paths, width, height };
});
"""

LAY_OUT_IN_TURN = """
return given.map((pictures) => {
  const cache = new LayoutCache();
  return pictures.map(({ root, wires, direction }) => {
    const { rects, titles, paths, width, height } = layOut(root, wires, direction, cache);
    return { rects: Object.fromEntries(rects), titles: Object.fromEntries(titles), paths, width, height };
  });
});
"""

SHOW = """
return given.map(([data, opened]) => {
  const model = new Model(data);
  const shown = show(model, { open: new Set(opened || model.open), unfolded: new Set() });
  const wires = wiresOf(model, shown);
  const placement = layOut(shown.root, wires, model.direction, new LayoutCache());
  labelWires(model, shown, wires, placement);
  const scale = heatScale(model, shown);
  return {
    boxes: shown.boxes.map(({ key, box }) => ({
      key, rect: placement.rects.get(key), title: box.title, subtitle: box.subtitle, shape: box.shape, path: box.path,
      repeat: box.repeat, looped: box.looped, marks: box.marks, badge: box.badge, role: box.role,
      category: model.categories[box.category], heat: box.heat && [scale.fraction(box.heat), box.heat[1]],
    })),
    containers: shown.containers.map(({ key, group, depth }) => ({
      key, depth, rect: placement.rects.get(key), at: placement.titles.get(key), title: group.title,
      subtitle: group.subtitle, path: group.path, heat: group.heat && [scale.fraction(group.heat), group.heat[1]],
    })),
    wires: wires.map((wire, k) => ({
      source: wire.source, target: wire.target, kind: wire.kind, points: placement.paths[k],
      label: wire.label || "", at: wire.labelAt || null,
    })),
    size: [placement.width, placement.height],
  };
});
"""


def plain(box: Box) -> dict[str, Any]:
    return {
        "key": str(box.key), "width": box.width, "height": box.height, "children": [plain(c) for c in box.children],
        "titleWidth": box.title_width if box.children else 0, "titleHeight": box.title_height,
    }  # fmt: skip


def page_picture(root: Box, wires: list[Wire], direction: str) -> dict[str, Any]:
    """A picture as the page's script takes it."""
    pairs = [{"source": str(w.source), "target": str(w.target), "net": str(w.net)} for w in wires]
    return {"root": plain(root), "wires": pairs, "direction": direction}


def assert_same(found: dict[str, Any], expected: Placement) -> None:
    assert [found["width"], found["height"]] == pytest.approx([expected.width, expected.height])
    for name, rects in (("rects", expected.rects), ("titles", expected.titles)):
        for key, rect in rects.items():
            assert list(found[name][str(key)].values()) == pytest.approx(list(rect)), (name, key)
    for points, path in zip(found["paths"], expected.paths, strict=True):
        assert flat(points) == pytest.approx(flat(path), abs=0.01)


def flat(points: Any) -> list[float]:
    return [coordinate for point in points for coordinate in point]


@pytest.mark.parametrize("direction", ["down", "right"])
def test_layout_is_that_of_the_package(direction: str) -> None:
    builds = [networks.resnet, networks.unet, networks.lstm, networks.densenet, networks.inception, networks.moe]
    nets = [build() for build in builds] + [networks.gpt(3), networks.gpt(3).flat(), networks.moe().flat()]
    given = [page_picture(net.root, net.wires, direction) for net in nets]
    for found, net in zip(run_script(LAY_OUT, given), nets, strict=True):
        assert_same(found, layout(net.root, net.wires, direction))


def test_layout_of_cycles_loops_and_overlong_containers() -> None:
    row = [Box(k, 40 + k % 7, 20) for k in range(900)]
    cases = [
        (Box("", 0, 0, row), [Wire(a.key, b.key) for a, b in pairwise(row)] + [Wire(0, 899), Wire(5, 5)]),
        (Box("", 0, 0, row[:6]), [Wire(0, 1), Wire(1, 2), Wire(2, 0), Wire(2, 3), Wire(3, 2), Wire(4, 5)]),
        (Box("", 0, 0, row[:40]), [Wire(k, 39, k) for k in range(39)]),
        (Box("", 0, 0, row[:1]), []),
    ]
    given = [page_picture(root, wires, "down") for root, wires in cases]
    for found, (root, wires) in zip(run_script(LAY_OUT, given), cases, strict=True):
        assert_same(found, layout(root, wires))


def test_what_was_open_before_counts_as_in_the_package() -> None:
    given, expected = [], []
    for seed in (4, 12, 24, 37, 61):
        root, wires = random_nest(seed, largest=40)
        closed = [{box.key} for box in root.walk() if box.children and box is not root]
        turns = [shut(root, wires, keys) for keys in (set(), *closed, set())]
        cache = LayoutCache()
        expected.append([layout(*turn, cache=cache) for turn in turns])
        given.append([page_picture(*turn, "down") for turn in turns])
    for found, pictures in zip(run_script(LAY_OUT_IN_TURN, given), expected, strict=True):
        for seen, placement in zip(found, pictures, strict=True):
            assert_same(seen, placement)


def states() -> Iterator[tuple[str, MemoryRun, dict[str, Any]]]:
    builds = (resnet, unet, transformer, lstm, broken, functions)
    for build in builds:
        run = with_gradients(build())
        for depth in (0, 1, 2):
            yield f"{build.__name__} {depth}", run, {"depth": depth}
        yield f"{build.__name__} all", run, {"depth": None, "show_all": True}
        yield f"{build.__name__} right", run, {"direction": "right", "color_by": "gradient"}
    yield "layer2", with_gradients(resnet()), {"expand": ("layer2.*",), "color_by": "zeros"}


def test_page_shows_the_scene_of_the_other_exporters() -> None:
    cases = list(states())
    found = run_script(SHOW, [[data_of(run, **options), None] for _, run, options in cases])
    for seen, (name, run, options) in zip(found, cases, strict=True):
        assert_scene(seen, scene_of(run, options), name)


def test_opening_in_the_page_gives_the_picture_that_expand_gives() -> None:
    run = with_gradients(resnet())
    scenes = [scene_of(run, {"expand": (pattern,)}) for pattern in ("layer1", "layer3.1", "layer4.*")]
    opened = [[container.key for container in scene.containers] for scene in scenes]
    found = run_script(SHOW, [[data_of(run), keys] for keys in opened])
    for seen, scene in zip(found, scenes, strict=True):
        assert_scene(seen, scene, "expanded")


def scene_of(run: MemoryRun, options: dict[str, Any]) -> Scene:
    structure = run.structure(run.steps()[0].structure)
    return compose(structure, PictureOptions(**options), overlay(run, 0, options.get("color_by", "none")))


def assert_scene(seen: dict[str, Any], scene: Scene, name: str) -> None:
    assert seen["size"] == pytest.approx([scene.width, scene.height]), name
    for box, there in zip(scene.boxes, seen["boxes"], strict=True):
        assert list(there.pop("rect").values()) == pytest.approx(list(box.rect)), name
        heat = there.pop("heat")
        assert_heat(heat, box.heat)
        assert there.pop("badge") == (box.parameters.text if box.parameters else "")
        for field, value in there.items():
            expected = getattr(box, field)
            assert value == (list(expected) if isinstance(expected, tuple) else expected), (name, box.key, field)
    for container, there in zip(scene.containers, seen["containers"], strict=True):
        assert list(there.pop("rect").values()) == pytest.approx(list(container.rect)), name
        assert list(there.pop("at").values()) == pytest.approx(list(container.title_rect)), name
        assert_heat(there.pop("heat"), container.heat)
        assert there == {field: getattr(container, field) for field in there}, name
    for wire, there in zip(scene.wires, seen["wires"], strict=True):
        assert [there["source"], there["target"], there["kind"]] == [wire.source, wire.target, wire.kind], name
        assert flat(there["points"]) == pytest.approx(flat(wire.points), abs=0.01), name
        assert there["label"] == wire.label, name
        assert (there["at"] is None) == (wire.label_at is None), name
        assert there["at"] is None or there["at"] == pytest.approx(wire.label_at, abs=0.05), name


def assert_heat(seen: list[Any] | None, heat: Heat | None) -> None:
    assert (seen is None) == (heat is None)
    if seen is not None and heat is not None:
        assert seen[0] == pytest.approx(heat.fraction, abs=1e-6)
        assert seen[1] == heat.text
