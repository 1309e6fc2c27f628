"""How the page behaves in a real browser."""

from pathlib import Path

import pytest

from graphviz_nn.scene.text import readable
from graphviz_nn.scene.theme import DARK, LIGHT
from tests.support.labels import HOSTILE
from tests.support.pages import drive, needs_chromium, page_of
from tests.support.runs import one_step_run, with_gradients
from tests.support.structures import StructureBuilder, resnet, transformer

pytestmark = needs_chromium

TOOLS = """
  const all = (query) => [...document.querySelectorAll(query)];
  const one = (query) => document.querySelector(query);
  const byKey = (key) => one(`.boxes [data-key=${key}], .titles [data-key=${key}]`);
  const titled = (title) => all(".boxes > g").find((box) => box.getAttribute("aria-label").startsWith(`${title},`));
  const place = (element) => { const { x, y } = element.getBoundingClientRect(); return [x, y]; };
  const press = (key, on = document.activeElement, more = {}) =>
    on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const type = (text) => {
    const field = one("#search");
    field.value = text;
    field.dispatchEvent(new Event("input"));
    return field;
  };
  const count = () => all(".boxes > g").length;
  const picture = () => all("#plane [data-key], #plane path").map((each) => each.outerHTML).sort().join("");
"""


def test_boxes_open_and_close_in_place_by_click_and_key(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(resnet()), color_by="gradient"),
        TOOLS
        + """
        await pause(50);
        const layer = titled("layer2");
        const key = layer.dataset.key;
        seen.before = [count(), place(layer), layer.getAttribute("aria-expanded"), all("[tabindex='0'].box").length];
        const first = picture();
        click(layer.querySelector(".toggle"));
        seen.opened = [count(), place(byKey(key)), byKey(key).getAttribute("aria-expanded")];
        seen.focus = document.activeElement === byKey(key);
        seen.status = one("#status").textContent;
        press("Enter");
        seen.closed = [count(), place(byKey(key)), byKey(key).getAttribute("aria-expanded")];
        click(one("#hide"));
        seen.same = picture() === first;
        byKey(key).dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
        seen.again = count();
        click(one("#reset"));
        seen.reset = count();
        click(one("#shallower"));
        seen.shallow = [count(), one("#depth").textContent];
        """,
        tmp_path,
    )
    boxes, at, expanded, focusable = seen["before"]
    assert (boxes, expanded, focusable) == (14, "false", 0)
    assert seen["opened"][0] == 15
    assert seen["opened"][1][1] == pytest.approx(at[1], abs=0.1)
    assert seen["opened"][2] == "true"
    assert seen["focus"]
    assert seen["status"] == "Opened layer2: 15 boxes"
    assert seen["closed"] == [14, pytest.approx(at, abs=0.1), "false"]
    assert seen["same"]
    assert (seen["again"], seen["reset"]) == (15, 14)
    assert seen["shallow"] == [4, "0"]


def test_folded_ones_unfold_and_fold_again(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(transformer())),
        TOOLS
        + """
        await pause(50);
        seen.folded = count();
        click(titled("h.0 … h.11").querySelector(".toggle"));
        seen.unfolded = [count(), Boolean(titled("h.7"))];
        click(titled("h.7").querySelector(".toggle"));
        seen.inside = count();
        const button = all("#facts > button").find((each) => each.textContent.startsWith("Fold"));
        seen.button = button.textContent;
        click(button);
        seen.again = [count(), Boolean(titled("h.0 … h.11"))];
        """,
        tmp_path,
    )
    folded = seen["folded"]
    assert seen["unfolded"] == [folded + 11, True]
    assert seen["inside"] > folded + 11
    assert seen["button"] == "Fold the 12 equal ones"
    assert seen["again"] == [folded, True]


def test_search_opens_what_contains_the_hit(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(transformer())),
        TOOLS
        + """
        await pause(50);
        const field = type("SOFTMAX");
        seen.found = one("#hits").textContent;
        const chosen = () => one(".box.selected").getAttribute("aria-label") + " in " + one("#facts h2").textContent;
        press("Enter", field);
        seen.first = [one("#hits").textContent, chosen()];
        press("Enter", field);
        seen.second = [one("#hits").textContent, chosen()];
        press("Enter", field, { shiftKey: true });
        seen.back = [one("#hits").textContent, chosen()];
        const [box, frame] = [one(".box.selected"), one("#frame")].map((each) => each.getBoundingClientRect());
        seen.inView = box.x >= frame.x && box.right <= frame.right && box.y >= frame.y && box.bottom <= frame.bottom;
        type("12x128x128");
        seen.shape = one("#hits").textContent;
        type("no such thing");
        press("Enter", field);
        seen.nothing = one("#hits").textContent;
        """,
        tmp_path,
    )
    assert seen["found"] == "12 found"
    assert seen["first"] == ["1 of 12", "softmax, Softmax dim −1, 1×12×128×128 in h.0.attn.softmax"]
    assert seen["second"][0] == "2 of 12"
    assert seen["second"][1].endswith("in h.1.attn.softmax")
    assert seen["back"] == seen["first"]
    assert seen["inView"]
    assert seen["shape"] == "60 found"
    assert seen["nothing"] == "none"


def test_selection_shows_facts_and_wires_and_arrows_move_it(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(resnet())),
        TOOLS
        + """
        await pause(50);
        click(titled("bn1"));
        const wires = () => all(".wires .lit").length;
        seen.facts = one("#facts").innerText;
        seen.lit = wires();
        seen.focusable = all("#plane [tabindex='0']").map((each) => each.dataset.key);
        seen.focus = document.activeElement.dataset.key;
        press("ArrowDown");
        seen.below = one("#facts h2").textContent;
        press("ArrowUp");
        press("ArrowUp");
        seen.above = one("#facts h2").textContent;
        click(all("#facts .link").pop());
        seen.linked = one("#facts h2").textContent;
        press("Escape");
        seen.hidden = [one("#panel").hidden, wires(), one(".selected") === null];
        """,
        tmp_path,
    )
    for text in ("bn1", "batch_norm", "model.py:", "8×64×112×112", "L2 norm", "BatchNorm2d", "bn1.weight", "eps"):
        assert text in seen["facts"], text
    assert seen["lit"] == 2
    assert seen["focusable"] == [seen["focus"]]
    assert (seen["below"], seen["above"], seen["linked"]) == ("relu", "conv1", "bn1")
    assert seen["hidden"] == [True, 0, True]


def test_zoom_pan_and_fit(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(resnet()), depth=2),
        TOOLS
        + """
        await pause(50);
        const frame = one("#frame");
        const size = () => one(".boxes > g").getBoundingClientRect().width;
        const start = size();
        press("+", document.body);
        seen.closer = size() / start;
        press("-", document.body);
        seen.back = size() / start;
        const box = titled("bn1");
        const spot = place(box);
        const at = { clientX: spot[0], clientY: spot[1], deltaY: -120, bubbles: true, cancelable: true };
        frame.dispatchEvent(new WheelEvent("wheel", at));
        seen.wheel = [size() / start, spot, place(box)];
        const drag = (name, x, y) =>
          frame.dispatchEvent(new PointerEvent(name, { pointerId: 1, clientX: x, clientY: y, bubbles: true }));
        frame.setPointerCapture = () => {};
        drag("pointerdown", 300, 300);
        drag("pointermove", 340, 320);
        drag("pointerup", 340, 320);
        seen.dragged = place(box);
        press("0", document.body);
        const whole = one("#plane").getBoundingClientRect();
        const outer = frame.getBoundingClientRect();
        seen.whole = [whole.height < outer.height, whole.y >= outer.y, whole.bottom <= outer.bottom];
        """,
        tmp_path,
    )
    assert seen["closer"] == pytest.approx(1.25, rel=1e-3)
    assert seen["back"] == pytest.approx(1, rel=1e-3)
    scale, spot, now = seen["wheel"]
    assert scale > 1.1
    assert now == pytest.approx(spot, abs=0.2)
    assert seen["dragged"] == pytest.approx([now[0] + 40, now[1] + 20], abs=0.2)
    assert seen["whole"] == [True, True, True]


@pytest.mark.parametrize(("theme", "first", "second"), [("light", LIGHT, DARK), ("dark", DARK, LIGHT)])
def test_theme_and_its_toggle(theme: str, first: object, second: object, tmp_path: Path) -> None:
    seen = drive(
        page_of(one_step_run(resnet()), theme=theme),
        TOOLS
        + """
        const colour = () => getComputedStyle(document.body).backgroundColor;
        seen.first = colour();
        click(one("#theme"));
        seen.second = colour();
        """,
        tmp_path,
    )
    assert [rgb(seen["first"]), rgb(seen["second"])] == [first.canvas, second.canvas]  # type: ignore[attr-defined]


def rgb(text: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in text.removeprefix("rgb(").removesuffix(")").split(","))


def test_hostile_labels_are_shown_as_text_and_the_policy_holds(tmp_path: Path) -> None:
    b = StructureBuilder()
    x = b.input("x", (2, 2))
    for label in HOSTILE:
        x = b.op(label or "op", x, label=label)
    seen = drive(
        page_of(one_step_run(b.build())),
        TOOLS
        + """
        const broken = [];
        document.addEventListener("securitypolicyviolation", (event) => broken.push(event.effectiveDirective));
        window.alert = () => (seen.alert = true);
        await pause(50);
        seen.titles = all(".boxes .t").map((each) => each.textContent);
        seen.elements = [...new Set(all("#stage *").map((each) => each.localName))].sort();
        for (const box of all(".boxes > g")) click(box);
        await fetch("https://example.org/").catch(() => {});
        const image = new Image();
        image.src = "https://example.org/a.png";
        await pause(50);
        seen.broken = [...new Set(broken)].sort();
        """,
        tmp_path,
    )
    titles = set(seen["titles"])
    for label in HOSTILE:
        assert readable(label or "op") in titles or len(label) > 30 or not label.strip(), label
    assert {"a", "script", "image", "foreignObject"}.isdisjoint(seen["elements"])
    assert "alert" not in seen
    assert seen["broken"] == ["connect-src", "img-src"]


def test_only_what_is_in_view_has_elements(tmp_path: Path) -> None:
    seen = drive(
        page_of(with_gradients(transformer(layers=40)), depth=None),
        TOOLS
        + """
        await pause(50);
        const [near, marked] = [count(), all(".boxes .t").length];
        press("0", document.body);
        seen.far = [all(".boxes > g").length > near, all(".boxes .t").length];
        click(one("#reset"));
        seen.back = [count(), all(".boxes .t").length];
        seen.near = [near, marked];
        """,
        tmp_path,
    )
    near, marked = seen["near"]
    assert 5 < near < 120
    assert marked == near
    assert seen["far"] == [True, 0]
    assert seen["back"] == [near, marked]
