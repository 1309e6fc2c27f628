// The recorded program as the page knows it, and what of it is on show while some groups are open.

const ROOT = 0;

/** The tables of the page's data with names for their fields, and where everything stands. */
class Model {
  constructor(data) {
    Object.assign(this, data);
    this.boxes = rowsOf(data.boxes);
    this.groups = rowsOf(data.groups);
    const byId = (table) => new Map(rowsOf(table).map((row) => [row.id, row]));
    this.nodes = byId(data.nodes);
    this.parameters = byId(data.parameters);
    this.modules = new Map(rowsOf(data.modules).map((row) => [row.path, row]));
    this.shut = new Set(data.shut);
    this.statisticsPlace = Object.fromEntries(data.statistics.map((name, place) => [name, place]));
    this.outer = new Map();
    this.members = [];
    this.groups.forEach((group, place) => {
      group.place = place;
      group.children.forEach((child, slot) => this.outer.set(child, { group: place, slot }));
    });
    this.results = new Map(this.groups.filter((group) => group.result >= 0).map((group) => [group.result, group.key]));
    this.edgesInto = edgesByTarget(data.edges);
    this.resultEdgesInto = edgesByTarget(data.results);
    this.targets = [...new Set([...this.edgesInto.keys(), ...this.resultEdgesInto.keys()])].sort((a, b) => a - b);
    this.resolve = (child) => (child >= 0 ? this.boxes[child] : this.groups[-1 - child]);
  }

  /** The calls behind a child: a box's place, or -1 less that of a group. */
  nodesOf(child) {
    if (child >= 0) return [this.boxes[child].node];
    const place = -1 - child;
    this.members[place] ??= this.groups[place].children.flatMap((inner) => this.nodesOf(inner));
    return this.members[place];
  }

  /** The groups around a child, innermost first, without the root. */
  around(child) {
    const found = [];
    for (let at = this.outer.get(child); at && at.group !== ROOT; at = this.outer.get(-1 - at.group)) {
      found.push(this.groups[at.group]);
    }
    return found;
  }

  depth(group) {
    return this.around(-1 - group.place).length;
  }
}

function rowsOf({ fields, rows }) {
  return rows.map((row) => Object.fromEntries(fields.map((field, k) => [field, row[k]])));
}

function edgesByTarget(edges) {
  const found = new Map();
  for (const edge of edges) setDefault(found, edge[2], () => []).push(edge);
  return found;
}

const runKey = (group, run) => `${group.key}:${run.start}`;

/** Whether a run of equal siblings is drawn as one: not unfolded, and none of its members open. */
function isFolded(model, state, group, run) {
  if (state.unfolded.has(runKey(group, run))) return false;
  const members = group.children.slice(run.start, run.start + run.repeats * run.boxes.length);
  return !members.some((child) => child < 0 && state.open.has(model.resolve(child).key));
}

/**
 * What is on show: boxes, containers, the tree of both for the layout, and by call the box that stands for it.
 *
 * A shown box has the place of its group, or -1, and its run where it is folded.
 */
function show(model, state) {
  const shown = { boxes: [], containers: [], home: new Map(), turns: new Map(), root: null };
  const addBox = (box, inside, group, run, calls) => {
    const entry = { key: box.key, box, inside, group, run, index: shown.boxes.length, calls: 0 };
    shown.boxes.push(entry);
    for (const [repeat, nodes] of calls.entries()) {
      entry.calls += nodes.length;
      for (const node of nodes) {
        shown.home.set(node, entry);
        if (run) shown.turns.set(node, { run: run.key, place: run.place, repeat });
      }
    }
    return { key: box.key, width: box.width, height: box.height };
  };
  const addGroup = (group, depth, inside) => {
    shown.containers.push({ key: group.key, group, depth, inside });
    const height = model.metrics.CONTAINER_TITLE;
    return {
      key: group.key, width: group.width, height, titleWidth: group.width, titleHeight: height,
      children: addChildren(group, depth + 1),
    };
  };
  const addChildren = (group, depth) => {
    const runs = new Map(group.runs.map(([start, repeats, boxes]) => [start, { start, repeats, boxes }]));
    const found = [];
    for (let slot = 0; slot < group.children.length; slot++) {
      const run = runs.get(slot);
      if (run && isFolded(model, state, group, run)) {
        const period = run.boxes.length;
        run.boxes.forEach((place, k) => {
          const calls = [];
          for (let repeat = 0; repeat < run.repeats; repeat++) {
            calls.push(model.nodesOf(group.children[slot + k + repeat * period]));
          }
          found.push(addBox(model.boxes[place], group, -1, { key: runKey(group, run), place: k, run }, calls));
        });
        slot += period * run.repeats - 1;
        continue;
      }
      const child = group.children[slot];
      const entry = model.resolve(child);
      if (child >= 0) found.push(addBox(entry, group, -1, null, [[entry.node]]));
      else if (state.open.has(entry.key)) found.push(addGroup(entry, depth, group));
      else found.push(addBox(model.boxes[entry.closed], group, entry.place, null, [model.nodesOf(child)]));
    }
    return found;
  };
  const children = addChildren(model.groups[ROOT], 0);
  shown.root = { key: "root", width: 0, height: 0, titleWidth: 0, titleHeight: 0, children };
  return shown;
}

/** The wires between shown boxes: one for each two of them and kind, with the values that flow. */
function wiresOf(model, shown) {
  const open = new Set(shown.containers.map((container) => container.key));
  const wires = new Map();
  for (const target of model.targets) {
    const isResult = open.has(model.results.get(target)) && model.resultEdgesInto.has(target);
    for (const [node, output, , kind] of (isResult ? model.resultEdgesInto : model.edgesInto).get(target) || []) {
      const [source, end] = [shown.home.get(node), shown.home.get(target)];
      if (source === end) continue;
      const [before, after] = [shown.turns.get(node), shown.turns.get(target)];
      const around = before && after && before.run === after.run && after.repeat > before.repeat;
      const name = around && after.place <= before.place ? "loop" : ["data", "alias"][kind];
      const wire = setDefault(wires, `${source.index},${end.index},${name}`, () => ({
        source: source.key, target: end.key, from: source, to: end, kind: name, values: new Map(),
      }));
      wire.values.set(`${node}:${output}`, [node, output]);
    }
  }
  for (const wire of wires.values()) {
    wire.net = wire.values.keys().next().value;
    wire.shape = flowing(model, shown, wire);
  }
  return [...wires.values()];
}

/** The shapes that flow along a wire, in one short line; of a folded run those of its first sibling there. */
function flowing(model, shown, wire) {
  let values = [...wire.values.values()];
  if (wire.from.run) {
    const first = shown.turns.get(values[0][0]).repeat;
    values = values.filter(([node]) => shown.turns.get(node).repeat === first);
  }
  const counts = new Map();
  for (const [node, output] of values) {
    const text = model.nodes.get(node).outputs[output][0];
    counts.set(text, (counts.get(text) || 0) + 1);
  }
  const [text, count] = counts.entries().next().value;
  return (count > 1 ? `[${text}] × ${count}` : text) + (counts.size > 1 ? ` +${counts.size - 1}` : "");
}

/** The range of the numbers on show, with their texts, and the place of each on the scale. */
function heatScale(model, shown) {
  if (!model.scale) return null;
  const { logarithmic } = model.scale;
  const known = shown.boxes
    .map(({ box }) => box.heat)
    .filter((heat) => heat && Number.isFinite(heat[0]) && (heat[0] > 0 || !logarithmic))
    .sort((a, b) => a[0] - b[0]);
  if (!known.length) return { fraction: () => 0, low: "", high: "" };
  const [low, high] = [known[0], known[known.length - 1]];
  const place = (value) => (logarithmic ? Math.log(value) : value);
  const fraction = ([value]) => {
    if (value === null) return 1;
    if (logarithmic && value <= 0) return 0;
    if (high[0] <= low[0]) return 1;
    const share = (place(value) - place(low[0])) / (place(high[0]) - place(low[0]));
    return Math.min(Math.max(share, 0), 1);
  };
  return { fraction, low: low[1], high: high[1] };
}
