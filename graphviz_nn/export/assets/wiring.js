// The layout, part 1: the tree of boxes, and wires taken apart into one edge for each container that they run through.
//
// The files of the layout follow graphviz_nn/layout/*.py step by step, where each step is explained: a picture here is
// the picture that the other exporters write for the same modules opened. Change both together.

const SECTION_LIMIT = 400;
const BORDER = -1;
const CENTER = -1;
const BUS_SIZE = 8;

/** Orders numbers, and lists of them element by element. */
function compare(a, b) {
  if (typeof a === "number") return a - b;
  for (let k = 0; k < a.length && k < b.length; k++) {
    const order = compare(a[k], b[k]);
    if (order) return order;
  }
  return a.length - b.length;
}

/** The place of `value` in sorted `list`: before its equals, or after them. */
function bisect(list, value, after) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after ? value < list[middle] : value <= list[middle]) high = middle;
    else low = middle + 1;
  }
  return low;
}

function setDefault(map, key, make) {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}

/** Boxes by number, parents before children; a section is a box without a key. See layout/tree.py. */
function flatten(root) {
  const tree = { boxes: [], parents: [], depths: [], slots: [], children: [], numbers: new Map() };
  const pending = [[root, -1, 0]];
  while (pending.length) {
    const [box, parent, slot] = pending.pop();
    const number = tree.boxes.push(box) - 1;
    tree.parents.push(parent);
    tree.depths.push(parent < 0 ? 0 : tree.depths[parent] + 1);
    tree.slots.push(slot);
    tree.children.push([]);
    if (parent >= 0) tree.children[parent].push(number);
    if (box.key !== undefined) tree.numbers.set(box.key, number);
    const inside = cut(box.children || []);
    for (let k = inside.length - 1; k >= 0; k--) pending.push([inside[k], number, k]);
  }
  return tree;
}

function cut(children) {
  while (children.length > SECTION_LIMIT) {
    const length = Math.ceil(children.length / Math.ceil(children.length / SECTION_LIMIT));
    const sections = [];
    for (let k = 0; k < children.length; k += length) sections.push({ children: children.slice(k, k + length) });
    children = sections;
  }
  return children;
}

/** Edges inside each container, the route of each wire along them, and whether it is turned. See layout/wiring.py. */
function connect(tree, wires) {
  const ends = wires.map((wire) => [tree.numbers.get(wire.source), tree.numbers.get(wire.target)]);
  const meetings = ends.map(([source, target]) => meeting(tree, source, target));
  const nets = netsOf(ends, wires);
  const closing = closingPairs(tree, meetings);
  const wiring = { edges: new Map(), routes: [], flipped: [] };
  ends.forEach(([source, target], k) => {
    const [left, right] = meetings[k];
    const flip = closing.has(`${left},${right}`);
    wiring.flipped.push(flip);
    if (source === target) wiring.routes.push([]);
    else if (flip) wiring.routes.push(routeOf(tree, wiring, target, source, right, left, -1 - nets[k]));
    else wiring.routes.push(routeOf(tree, wiring, source, target, left, right, nets[k]));
  });
  return wiring;
}

/** The two siblings that hold the ends. */
function meeting({ parents, depths }, left, right) {
  while (depths[left] > depths[right]) left = parents[left];
  while (depths[right] > depths[left]) right = parents[right];
  while (parents[left] !== parents[right]) {
    left = parents[left];
    right = parents[right];
  }
  return [left, right];
}

function netsOf(ends, wires) {
  const values = wires.map((wire, k) => `${ends[k][0]}:${wire.net}`);
  const senders = busy(ends.map(([source], k) => [source, values[k]]));
  const receivers = busy(ends.map(([, target], k) => [target, values[k]]));
  const numbers = new Map();
  return ends.map(([source, target], k) => {
    let key = values[k];
    if (receivers.has(target)) key = `into ${target}`;
    else if (senders.has(source)) key = `out of ${source}`;
    return setDefault(numbers, key, () => numbers.size);
  });
}

/** The boxes with many different values at them. */
function busy(pairs) {
  const found = new Map();
  for (const [box, value] of pairs) setDefault(found, box, () => new Set()).add(value);
  return new Set([...found].filter(([, values]) => values.size >= BUS_SIZE).map(([box]) => box));
}

/** Pairs of siblings whose wires run against the order of execution inside a cycle, as "left,right". */
function closingPairs(tree, meetings) {
  const backward = new Set(meetings.filter(([left, right]) => left > right).map(([left]) => tree.parents[left]));
  const after = new Map();
  if (backward.size) {
    for (const [left, right] of meetings) {
      if (left !== right && backward.has(tree.parents[left])) setDefault(after, left, () => new Set()).add(right);
    }
  }
  const reaches = (start, end) => {
    const seen = new Set([start]);
    for (const box of seen) for (const next of after.get(box) || []) seen.add(next);
    return seen.has(end);
  };
  const found = new Set();
  for (const [left, targets] of after) {
    for (const right of targets) if (left > right && reaches(right, left)) found.add(`${left},${right}`);
  }
  return found;
}

function routeOf(tree, wiring, source, target, left, right, net) {
  const { parents, slots } = tree;
  const step = (container, from, to) => {
    const inside = setDefault(wiring.edges, container, () => ({ numbers: new Map(), list: [] }));
    const number = setDefault(inside.numbers, `${from},${to},${net}`, () => inside.list.push([from, to, net]) - 1);
    return [container, number];
  };
  const route = [];
  let box = source;
  for (; box !== left; box = parents[box]) route.push(step(parents[box], slots[box], BORDER));
  route.push(step(parents[box], slots[box], slots[right]));
  const down = [];
  for (box = target; box !== right; box = parents[box]) down.push(step(parents[box], BORDER, slots[box]));
  return route.concat(down.reverse());
}
