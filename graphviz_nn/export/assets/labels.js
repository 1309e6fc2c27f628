// Which wires say the shape that flows, and where. See graphviz_nn/scene/wire_labels.py.

const LABEL_CELL = 128;
const LABEL_MARGIN = 5;

/** Sets `label` and `labelAt` of each wire that says its shape: one for each box that changes it. */
function labelWires(model, shown, wires, placement) {
  const entering = new Map();
  for (const wire of wires) setDefault(entering, wire.to, () => new Set()).add(wire.shape);
  const leaving = new Map();
  wires.forEach((wire, k) => setDefault(leaving, wire.from, () => []).push(placement.paths[k]));
  const placer = new LabelPlacer(model, shown, placement);
  const said = new Set();
  wires.forEach((wire, k) => {
    const { from, shape } = wire;
    const changed = from.box.role !== "source" && entering.has(from) && !entering.get(from).has(shape);
    if (!changed || wire.kind !== "data" || said.has(`${from.index} ${shape}`)) return;
    said.add(`${from.index} ${shape}`);
    wire.labelAt = placer.place(shape, placement.paths[k], leaving.get(from));
    wire.label = wire.labelAt ? shape : "";
  });
}

/** Finds free room beside the start of a wire. */
class LabelPlacer {
  constructor(model, shown, placement) {
    this.size = model.metrics.LABEL_SIZE;
    this.widths = model.widths;
    this.down = model.direction === "down";
    this.cells = new Map();
    for (const { key } of shown.boxes) this.occupy(placement.rects.get(key));
    for (const { key } of shown.containers) this.occupy(placement.titles.get(key));
  }

  place(text, path, siblings) {
    const width = this.size * [...text].reduce((sum, letter) => sum + (this.widths[letter] ?? 0.65), 0);
    for (const [x, y] of this.candidates(path, siblings, width)) {
      const rect = { x, y: y - this.size, width, height: this.size + 2 };
      if (!this.isFree(rect)) continue;
      this.occupy(rect);
      return [x, y];
    }
    return null;
  }

  *candidates(path, siblings, width) {
    const [[x0, y0], [x1, y1]] = path;
    const across = this.down ? 0 : 1;
    const ends = siblings.flatMap((other) => [other[0][across], other[1][across]]);
    const before = Math.min(...ends) < path[0][across] - 1;
    const after = Math.max(...ends) > path[0][across] + 1;
    if (this.down) {
      const room = y1 - y0;
      if (room < this.size + 4) return;
      const y = y0 + Math.min(room - 3, this.size + 4);
      if (!after) yield [x0 + LABEL_MARGIN, y];
      if (!before) yield [x0 - LABEL_MARGIN - width, y];
    } else if (x1 - x0 >= width + 2 * LABEL_MARGIN) {
      if (!before) yield [x0 + LABEL_MARGIN, y0 - LABEL_MARGIN];
      if (!after) yield [x0 + LABEL_MARGIN, y0 + LABEL_MARGIN + this.size];
    }
  }

  *cellsOf({ x, y, width, height }) {
    const [right, bottom] = [Math.floor((x + width) / LABEL_CELL), Math.floor((y + height) / LABEL_CELL)];
    for (let column = Math.floor(x / LABEL_CELL); column <= right; column++) {
      for (let row = Math.floor(y / LABEL_CELL); row <= bottom; row++) yield `${column},${row}`;
    }
  }

  occupy(rect) {
    for (const cell of this.cellsOf(rect)) setDefault(this.cells, cell, () => []).push(rect);
  }

  isFree(rect) {
    for (const cell of this.cellsOf(rect)) {
      if ((this.cells.get(cell) || []).some((other) => overlap(rect, other))) return false;
    }
    return true;
  }
}

function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
