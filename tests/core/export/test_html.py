"""The page's data is the recorded graph, whole; the file is safe and needs nothing else."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from graphviz_nn.errors import NotRecorded, OptionError, SelectorError
from graphviz_nn.export.html import SCRIPTS, asset
from graphviz_nn.export.html_data import WIRE_KINDS
from graphviz_nn.model.events import STATE_NONE, EventKind
from graphviz_nn.model.exporters import PictureOptions
from graphviz_nn.model.stats import STATS
from graphviz_nn.model.structure import Structure
from graphviz_nn.scene.compose import compose
from graphviz_nn.scene.overlay import overlay
from graphviz_nn.scene.text import readable
from tests.support.labels import HOSTILE
from tests.support.pages import data_of, page_of, rows
from tests.support.runs import one_step_run, with_gradients
from tests.support.structures import StructureBuilder, broken, functions, lstm, resnet, transformer, unet


class Parts(HTMLParser):
    """The elements of a page, and the text of those that hold raw text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)


def scripts_of(page: str) -> list[str]:
    return re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)


@pytest.mark.parametrize("build", [resnet, unet, transformer, lstm, broken, functions])
def test_every_call_and_every_edge_of_the_graph_is_there_once(build: Any) -> None:
    structure: Structure = build()
    data = data_of(with_gradients(structure), depth=None, show_all=True)
    boxes, groups = rows(data["boxes"]), rows(data["groups"])
    children = [child for group in groups for child in group["children"]]
    assert len(children) == len(set(children))
    assert {-1 - place for place in range(1, len(groups))} <= set(children)
    shown = [boxes[child]["node"] for child in children if child >= 0]
    opened = {node.id for node in structure.nodes if node.kind == "composite" and not node.outputs}
    assert sorted(shown) == [node.id for node in structure.nodes if node.id not in opened]
    expected = {
        (edge.node, edge.output, node.id, WIRE_KINDS.index(edge.kind))
        for node in structure.nodes
        for edge in node.inputs
        if node.id not in opened
    }
    assert {tuple(edge) for edge in data["edges"]} == expected
    assert len(data["edges"]) == len(expected)


@pytest.mark.parametrize("build", [resnet, transformer, lstm, functions])
@pytest.mark.parametrize("options", [{}, {"depth": 0}, {"depth": 2}, {"depth": None}])
def test_what_is_open_at_first_is_what_the_scene_opens(build: Any, options: dict[str, Any]) -> None:
    structure: Structure = build()
    data = data_of(with_gradients(structure), **options)
    scene = compose(structure, PictureOptions(**options))
    assert data["open"] == [container.key for container in scene.containers]
    assert data["title"] == scene.title
    assert data["description"] == scene.description


def test_facts_of_a_call() -> None:
    structure = resnet()
    run = with_gradients(structure)
    data = data_of(run)
    found = {row["name"]: row for row in rows(data["nodes"])}
    node = structure.by_name["layer2.0.conv1"]
    row = found[node.name]
    assert row["op"] == node.op
    assert row["source"] == f"model.py:{node.source.line} in {node.source.function}" if node.source else False
    assert row["attributes"]["stride"] == "[2, 2]"
    shape, _, requires_grad, statistics, gradient = row["outputs"][0]
    assert shape == "×".join(map(str, node.outputs[0].shape))
    assert requires_grad
    value = structure.value_offsets[node.id]
    for name, numbers in (("output", statistics), ("gradient", gradient)):
        table = run.stats(0, name)
        assert table is not None
        assert dict(zip(STATS, numbers, strict=True))["l2"] == pytest.approx(float(table[value, STATS.index("l2")]))
    assert [module["calls"] for module in rows(data["modules"]) if module["path"] == "layer2.0.relu"] == [2]


def test_three_states_of_a_gradient_stay_apart() -> None:
    b = StructureBuilder()
    values = [b.op("relu", b.input(f"x{k}", (2, 2))) for k in range(4)]
    structure = b.build()
    numbers = np.full((2, len(STATS)), np.nan, dtype=np.float32)
    numbers[0, STATS.index("l2")] = 3
    events = [(EventKind.GRADIENT, value.node, 0) for value in values[:2]]
    run = one_step_run(
        structure, [*events, (EventKind.GRADIENT, values[2].node, 0)], {"gradient": np.vstack([numbers, numbers[1:]])}
    )
    run.events(0)["state"][2] = STATE_NONE
    found = {row["id"]: row["outputs"][0][4] for row in rows(data_of(run)["nodes"])}
    first, arrived, none, never = (found[value.node] for value in values)
    assert first[STATS.index("l2")] == 3
    assert (arrived, none, never) == ("arrived", "none", None)


def test_numbers_that_json_cannot_hold() -> None:
    structure = resnet()
    run = with_gradients(structure)
    table = run.stats(0, "output")
    assert table is not None
    node = structure.by_name["layer1.0.conv1"]
    table[structure.value_offsets[node.id], :3] = [np.nan, np.inf, -np.inf]
    row = next(row for row in rows(data_of(run)["nodes"]) if row["id"] == node.id)
    assert row["outputs"][0][3][:3] == [None, "inf", "-inf"]


def test_norm_beyond_every_float_is_infinite_and_hottest() -> None:
    structure = resnet()
    run = with_gradients(structure)
    table = run.stats(0, "output")
    assert table is not None
    node = structure.by_name["layer1.0.conv1"]
    table[structure.value_offsets[node.id], STATS.index("l2")] = np.inf
    data = data_of(run, depth=None, color_by="activation")
    box = next(box for box in rows(data["boxes"]) if box["node"] == node.id)
    assert box["heat"] == [None, "∞"]
    scene = compose(structure, PictureOptions(depth=None), overlay(run, 0, "activation"))
    heat = next(box.heat for box in scene.boxes if box.nodes == (node.id,))
    assert heat is not None
    assert (heat.fraction, heat.text) == (1.0, "∞")


def test_options_are_checked_as_for_other_formats() -> None:
    run = one_step_run(resnet())
    with pytest.raises(SelectorError, match="matches no module"):
        page_of(run, expand=("nothing",))
    with pytest.raises(NotRecorded, match="no backward pass"):
        page_of(run, color_by="gradient")
    with pytest.raises(OptionError, match="Unknown direction"):
        page_of(run, direction="up")


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_stay_text(label: str) -> None:
    b = StructureBuilder(file=f"/project/{label}.py")
    x = b.input(label, (2, 2))
    with b.module("", label), b.module(f"m{label}", label):
        y = b.op(label or "op", x, b.parameter(label, (2, 2)), label=label)
        b.op("add", y, error=label)
    page = page_of(one_step_run(b.build()))
    parts = Parts(page)
    assert [tag for tag, _ in parts.tags].count("script") == 2
    assert {tag for tag, _ in parts.tags} == {tag for tag, _ in Parts(page_of(one_step_run(resnet()))).tags}
    embedded = scripts_of(page)[0]
    assert re.search(r"[<>&]|[^\x20-\x7e]", embedded) is None
    data = json.loads(embedded)
    assert all(readable(text) == text for text in strings(data["nodes"]["rows"]))
    assert readable(label)[:100] in {text[:100] for text in strings(data["nodes"]["rows"])}
    assert "".join(parts.texts["h1"]) == data["title"]


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in strings(item)]


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = page_of(with_gradients(resnet()), color_by="gradient")
    assert set(re.findall(r"https?://[^\"'\s<)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {"#hatch", "#${arrow}"}
    assert "@import" not in page
    assert not {"src", "href", "srcset", "action", "style"} & {name for _, found in Parts(page).tags for name in found}
    script = scripts_of(page)[1]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "import(",
    ):
        assert word not in script, word


def test_policy_allows_this_style_and_this_script_only() -> None:
    page = page_of(one_step_run(resnet()))
    policy = next(str(found["content"]) for tag, found in Parts(page).tags if found.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    for name, text in (("style-src", style[1]), ("script-src", scripts_of(page)[1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert set(rules.values()) == {"'none'"}
    assert "default-src" in rules


def test_every_part_of_the_script_is_in_the_page() -> None:
    shipped = {file.name for file in files("graphviz_nn.export").joinpath("assets").iterdir()}
    assert {f"{name}.js" for name in SCRIPTS} == {name for name in shipped if name.endswith(".js")}
    assert SCRIPTS[-1] == "page"


def test_parts_of_the_script_define_nothing_twice() -> None:
    names = re.findall(
        r"^(?:async )?(?:function\*?|const|let|class) (\w+)", "\n".join(asset(f"{n}.js") for n in SCRIPTS), re.M
    )
    assert len(names) > 100
    assert len(names) == len(set(names))
