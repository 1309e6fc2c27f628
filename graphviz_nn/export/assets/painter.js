// Keeps the elements of what can be seen, and no others, in the page.

const FAR = 0.22;
const CROWD = 400;

/** Draws a picture into `layers`, {containers, wires, titles, boxes, labels}, as far as it is in view. */
class Painter {
  constructor(model, layers) {
    this.model = model;
    this.layers = layers;
    this.down = model.direction === "down";
    this.drawn = new Map();
    this.selected = null;
    this.far = false;
  }

  /** Takes a new picture; boxes that stay keep their elements, which move to their new places. */
  show(picture) {
    this.picture = picture;
    const { shown, wires, placement } = picture;
    const { rects, titles, paths } = placement;
    const items = (kind, entries, rectOf, id) =>
      entries.map((entry, k) => {
        return { kind, entry, rect: rectOf(entry, k), id: `${kind} ${id(entry, k)}`, path: paths[k] };
      });
    const labelled = wires.filter((wire) => wire.labelAt);
    this.items = [
      ...items("container", shown.containers, ({ key }) => rects.get(key), ({ key }) => key),
      ...items("title", shown.containers, ({ key }) => titles.get(key), ({ key }) => key),
      ...items("box", shown.boxes, ({ key }) => rects.get(key), ({ key, run }) => (run ? `${key} folded` : key)),
      ...items("wire", wires, (_, k) => boundsOf(paths[k]), (_, k) => k),
      ...items("label", labelled, labelRect, (_, k) => k),
    ];
    for (const [id, item] of this.drawn) if (item.kind === "wire" || item.kind === "label") this.remove(id);
    const kept = new Map(this.items.map((item) => [item.id, item]));
    for (const [id, item] of this.drawn) {
      const next = kept.get(id);
      if (!next) this.remove(id);
      else this.keep(next, item);
    }
    this.window = null;
  }

  /** Draws what meets `window`, a rectangle of the scene, at this scale; takes away what lies far outside. */
  look(window, scale) {
    const far = scale < FAR && this.items.length > CROWD;
    if (far !== this.far) {
      for (const [id, item] of this.drawn) if (item.kind === "box") this.remove(id);
      this.far = far;
    } else if (this.window && contains(this.window, window) && this.window.width < 4 * window.width) {
      return;
    }
    const all = this.items.length <= CROWD;
    this.window = grown(window);
    for (const item of this.items) {
      const visible = all || item.entry.key === this.selected || overlap(item.rect, this.window);
      if (visible && !this.drawn.has(item.id)) this.draw(item);
      else if (!visible && this.drawn.has(item.id)) this.remove(item.id);
    }
  }

  draw(item) {
    item.element = this[item.kind](item);
    const layer = { container: "containers", title: "titles", box: "boxes", wire: "wires", label: "labels" }[item.kind];
    this.layers[layer].append(item.element);
    this.drawn.set(item.id, item);
    this.mark(item);
  }

  remove(id) {
    this.drawn.get(id).element.remove();
    this.drawn.delete(id);
  }

  /** An element that stays: moved, and drawn anew where its colour may have changed. */
  keep(item, former) {
    item.element = former.element;
    if (item.kind === "box" || item.kind === "title") item.element.replaceChildren(...this[item.kind](item).childNodes);
    moveTo(item.element, item.rect);
    if (item.kind === "container") resize(item.element.firstChild, item.rect);
    this.drawn.set(item.id, item);
    this.mark(item);
  }

  /** Shows which box is selected, and the wires at it. */
  select(key) {
    this.selected = key;
    this.layers.wires.classList.toggle("dimmed", key !== null);
    for (const item of this.drawn.values()) this.mark(item);
  }

  mark({ kind, entry, element }) {
    if (kind === "wire") {
      const lit = this.selected !== null && [entry.source, entry.target].includes(this.selected);
      element.classList.toggle("lit", lit);
    } else if (kind !== "label") {
      const chosen = entry.key === this.selected;
      element.classList.toggle("selected", chosen);
      if (kind !== "container") element.setAttribute("tabindex", chosen ? 0 : -1);
    }
  }

  heat(heat) {
    const { scale } = this.picture;
    return heat && { colour: heatColour(this.model.scale.stops, scale.fraction(heat)) };
  }

  container({ entry, rect }) {
    const card = svg("rect", { class: `d${entry.depth % 2}`, rx: 9 });
    resize(card, rect);
    return placed(svg("g", { class: "container", "data-key": entry.key }, card), rect);
  }

  title({ entry, rect }) {
    const { group } = entry;
    const outer = this.picture.placement.rects.get(entry.key);
    const name = `${group.title}, ${group.subtitle || group.role}, open`;
    const area = svg("rect", { class: "area", width: rect.width, height: rect.height, rx: RADIUS });
    const button = toggleButton(outer.x + outer.width - rect.x, false);
    const element = svg("g", { class: "title", ...named(entry.key, name), "aria-expanded": true });
    element.append(area, drawTitle(this.model, group, this.heat(group.heat)), button);
    return placed(element, rect);
  }

  box({ entry, rect }) {
    const { box } = entry;
    const words = [box.title, box.subtitle, box.shape, ...box.tags.map(([text]) => text), box.heat ? box.heat[1] : ""];
    const element = svg("g", { class: "box", ...named(entry.key, words.filter(Boolean).join(", ")) });
    element.append(...drawBox(this.model, entry, this.heat(box.heat), this.far));
    if (entry.group >= 0 || entry.run) {
      element.setAttribute("aria-expanded", false);
      const stack = box.repeat > 1 ? this.model.metrics.STACK : 0;
      if (!this.far) element.append(toggleButton(box.width - stack, true));
    }
    return placed(element, rect);
  }

  wire({ entry: wire, path }) {
    const arrow = { data: "a0", alias: "a1", loop: "a2" }[wire.kind];
    const element = svg("path", { class: wire.kind, d: wirePath(path, this.down), "marker-end": `url(#${arrow})` });
    element.append(svg("title", {}, `${wire.from.box.path} → ${wire.to.box.path}\n${wire.shape}`));
    return element;
  }

  label({ entry: wire }) {
    return svg("text", { class: "l", x: wire.labelAt[0], y: wire.labelAt[1] }, wire.label);
  }
}

const named = (key, label) => ({ "data-key": key, role: "button", "aria-label": label });

function boundsOf(path) {
  const xs = path.map(([x]) => x);
  const ys = path.map(([, y]) => y);
  const [x, y] = [Math.min(...xs) - 4, Math.min(...ys) - 4];
  return { x, y, width: Math.max(...xs) + 4 - x, height: Math.max(...ys) + 4 - y };
}

const labelRect = ({ label, labelAt: [x, y] }) => ({ x, y: y - 10, width: 7 * label.length, height: 12 });

/** A rectangle twice as wide and high around the same middle. */
function grown({ x, y, width, height }) {
  return { x: x - width / 2, y: y - height / 2, width: 2 * width, height: 2 * height };
}

function contains(outer, inner) {
  return (
    outer.x <= inner.x && outer.y <= inner.y &&
    inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height
  );
}

function moveTo(element, { x, y }) {
  element.style.transform = `translate(${x}px, ${y}px)`;
}

function placed(element, rect) {
  moveTo(element, rect);
  return element;
}

/** By style, which a browser can animate. */
function resize(card, { width, height }) {
  card.style.width = `${width}px`;
  card.style.height = `${height}px`;
}
