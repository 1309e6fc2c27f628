"""The SVG is well formed whatever the labels, says what it shows, and needs nothing from outside."""

import re
from xml.etree import ElementTree

import pytest

from graphviz_nn.export.svg import svg
from graphviz_nn.export.xml import escape, number
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.overlay import overlay
from graphviz_nn.scene.theme import DARK, LIGHT, heat_colour
from tests.support.labels import HOSTILE
from tests.support.runs import with_gradients
from tests.support.structures import StructureBuilder, broken, functions, lstm, resnet, transformer, unet

NS = {"s": "http://www.w3.org/2000/svg"}


def draw(structure: Structure, **options: object) -> str:
    return svg(compose(structure, PictureOptions(**options)))  # type: ignore[arg-type]


def parse(text: str) -> ElementTree.Element:
    # From bytes, as a file is read: an encoding error would show here.
    return ElementTree.fromstring(text.encode())


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{{{NS['s']}}}text")]


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("direction", ["down", "right"])
@pytest.mark.parametrize("build", [resnet, unet, transformer, lstm, broken, functions])
def test_well_formed_with_every_box_and_wire(build: object, theme: str, direction: str) -> None:
    structure = build()  # type: ignore[operator]
    scene = compose(structure, PictureOptions(theme=theme, direction=direction))
    root = parse(svg(scene))
    assert root.get("role") == "img"
    for box in scene.boxes:
        group = root.find(f".//s:g[@id='{box.key}']", NS)
        assert group is not None
        assert group.findtext("s:title", namespaces=NS) == box.tooltip
        assert box.title in texts(group)
    paths = root.findall(".//s:g[@class='w']/s:path", NS)
    assert sum(path.find("s:title", NS) is not None for path in paths) == len(scene.wires)
    assert {c.key for c in scene.containers} <= {rect.get("id") for rect in root.iter(f"{{{NS['s']}}}rect")}
    width, height = map(float, str(root.get("viewBox")).split()[2:])
    assert width >= scene.width
    assert height >= scene.height


def test_title_and_description_name_the_picture() -> None:
    root = parse(draw(resnet()))
    ids = str(root.get("aria-labelledby")).split()
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert named[ids[0]] == "ResNet"
    assert "11.7M parameters" in str(named[ids[1]])


def test_wire_starts_and_ends_on_its_boxes() -> None:
    scene = compose(unet(), PictureOptions(depth=None))
    paths = re.findall(r'<path d="(M[^"]*)" marker-end', svg(scene))
    drawn = [list(map(float, re.findall(r"[\d.]+", path))) for path in paths]
    rects = {box.key: box.rect for box in scene.boxes}
    assert len(drawn) == len(scene.wires)
    for (x, y, *_, end), wire in zip(drawn, scene.wires, strict=True):
        source, target = rects[wire.source], rects[wire.target]
        assert source.x <= x <= source.right
        assert y == pytest.approx(source.bottom, abs=0.06)
        assert end == pytest.approx(target.y, abs=0.06)


def test_auto_theme_is_one_media_query_over_concrete_colours() -> None:
    both, light, dark = (draw(resnet(), theme=theme) for theme in ("auto", "light", "dark"))
    assert both.count("@media") == both.count("@media (prefers-color-scheme: dark)") == 1
    assert "var(" not in both
    assert LIGHT.canvas in both
    assert DARK.canvas in both
    assert "@media" not in light + dark
    assert DARK.canvas not in light
    assert LIGHT.containers[0] not in dark
    # Every class that has a colour in one theme has one in the other.
    first, second = both.split("@media", 1)
    classes = [set(re.findall(r"\.([a-z]+\d*s?)[ {,]", re.sub(r"\{[^{}]*\}", "{", part))) for part in (light, dark)]
    assert classes[0] == classes[1]
    assert first
    assert second


def test_nothing_is_loaded_and_nothing_runs() -> None:
    text = draw(resnet())
    assert "<script" not in text
    assert "<image" not in text
    assert "@import" not in text
    assert re.findall(r'https?://[^"]*', text) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#a0", "#a1", "#a2", "#hatch"}


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_are_well_formed_everywhere(label: str) -> None:
    b = StructureBuilder(file=f"/project/{label}.py")
    x = b.input(label, (2, 2))
    with b.module("", label), b.module(f"m{label}", label):
        y = b.op(label or "op", x, b.parameter(label, (2, 2)), label=label)
        b.op("add", y, error=label)
    structure = b.build()
    for depth in (0, 1, None):
        scene = compose(structure, PictureOptions(depth=depth, show_all=depth is None))
        root = parse(svg(scene))
        assert len(root.findall(".//s:g[@id]", NS)) == len(scene.boxes)
        assert scene.width < 1500
        assert not root.findall(".//s:script", NS)


@pytest.mark.parametrize("label", HOSTILE)
def test_escape_round_trip(label: str) -> None:
    parsed = ElementTree.fromstring(f'<a b="{escape(label)}">{escape(label)}</a>'.encode())
    legal = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", label)
    assert (parsed.text or "") == legal


def test_colouring_shows_the_scale_the_colour_and_the_number() -> None:
    structure = resnet()
    scene = compose(structure, PictureOptions(color_by="gradient"), overlay(with_gradients(structure), 0, "gradient"))
    root = parse(svg(scene))
    words = texts(root)
    scale = scene.legend.scale
    assert scale is not None
    assert "gradient, L2 norm (logarithmic)" in words
    assert {scale.low_text, scale.high_text} <= set(words)
    assert root.find(".//s:linearGradient", NS) is not None
    hottest = next(box for box in scene.boxes if box.heat is not None and box.heat.fraction == 1)
    group = root.find(f".//s:g[@id='{hottest.key}']", NS)
    assert group is not None
    assert hottest.heat is not None
    assert heat_colour(1.0) in {path.get("fill") for path in group.findall("s:path", NS)}
    assert hottest.heat.text in texts(group)


def test_nonfinite_is_told_by_a_sign_and_a_pattern_not_by_colour_alone() -> None:
    structure = resnet()
    run = with_gradients(structure)
    table = run.stats(0, "output")
    assert table is not None
    bad = next(node for node in structure.nodes if node.op == "max_pool2d")
    table[structure.value_offsets[bad.id], 6] = 4
    root = parse(svg(compose(structure, PictureOptions(color_by="nonfinite"), overlay(run, 0, "nonfinite"))))
    tagged = [group for group in root.findall(".//s:g[@id]", NS) if "⚠ NaN/Inf" in texts(group)]
    assert len(tagged) == 1
    assert "max_pool2d" in str(tagged[0].findtext("s:title", namespaces=NS))
    assert any(path.get("fill") == "url(#hatch)" for path in tagged[0].findall("s:path", NS))


def test_nothing_nonfinite_is_said() -> None:
    structure = resnet()
    numbers = overlay(with_gradients(structure), 0, "nonfinite")
    text = svg(compose(structure, PictureOptions(color_by="nonfinite"), numbers))
    assert "NaN and ±Inf in output and gradient: none" in texts(parse(text))


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3.04, "3"), (3.06, "3.1"), (-0.25, "-0.2"), (1e5, "100000")])
def test_number(value: float, text: str) -> None:
    assert number(value) == text
