// The layout, part 7: nested boxes, the innermost first, put together. See layout/nested.py and layout/assembly.py.

const PADDING = 14;
const LOOP_ROOM = 16;
const LOOP_REACH = 8;

/** Keeps finished shapes and the order of siblings from one layout to the next. */
class LayoutCache {
  constructor() {
    this.levels = new Map();
    this.arrangements = new Map();
    this.former = new Map();
    this.shapes = new Map();
    this.count = 0;
  }

  leaf(width, height, margin) {
    return setDefault(this.shapes, `${width},${height},${margin}`, () => ({
      number: this.count++, width: width + 2 * margin, height, margin, anchor: width / 2 + margin,
      tops: [], bottoms: [], corners: [], routes: [], title: 0,
    }));
  }

  /** The shape of a container; its `name` and the `names` of its children tell what stood in it before. */
  container(level, children, frame, name, names) {
    const stay = this.stay(level, name, names);
    const key = `${level.key}|${stay.join(";")}|${children.map((shape) => shape.number)}|${Object.values(frame)}`;
    return setDefault(this.shapes, key, () => {
      const { ranks, shared, layers } = this.arrangement(level, stay);
      return placeLevel(insertBends(level, ranks, shared), layers, children, frame, this.count++);
    });
  }

  /** What must not change places; nothing where the order that is found without it is the one that was there. */
  stay(level, name, names) {
    const former = this.former.get(name);
    if (former && former.level.key === level.key && String(former.names) === String(names)) return former.stay;
    let stay = [];
    if (former) {
      const known = placesOf(former.names, this.arrangement(former.level, former.stay).layers);
      const wanted = names.map((each) => known.get(each));
      if (!keepsOrder(this.arrangement(level, []).layers, wanted)) stay = wanted;
    }
    this.former.set(name, { level, names, stay });
    return stay;
  }

  arrangement(level, stay) {
    return setDefault(this.arrangements, `${level.structure}|${stay.join(";")}`, () => arrange(level, stay));
  }
}

/** Places nested boxes: {rects, titles, paths, width, height}. `direction` is "down" or "right". */
function layOut(root, wires, direction, cache) {
  const tree = flatten(root);
  const wiring = connect(tree, wires);
  const loops = new Set(wires.filter((w) => w.source === w.target).map((w) => tree.numbers.get(w.source)));
  const shapes = [];
  const ports = [];
  const edges = new Map();
  for (let number = tree.boxes.length - 1; number >= 0; number--) {
    const box = tree.boxes[number];
    const inside = tree.children[number];
    if (!inside.length && box.key !== undefined) {
      const [across, along] = direction === "down" ? [box.width, box.height] : [box.height, box.width];
      shapes[number] = cache.leaf(across, along, loops.has(number) ? LOOP_ROOM : 0);
      ports[number] = { tops: new Map(), bottoms: new Map() };
      continue;
    }
    const inner = wiring.edges.get(number);
    const stacked = inside.length > 0 && tree.boxes[inside[0]].key === undefined;
    const found = canonical(inner ? inner.list : [], inside.map((child) => ports[child]), stacked, cache.levels);
    const names = inside.map((child) => nameOf(tree, child));
    const children = inside.map((child) => shapes[child]);
    const shape = cache.container(found.level, children, frameOf(box, direction), nameOf(tree, number), names);
    shapes[number] = shape;
    ports[number] = {
      tops: renumbered(found.ports.tops, shape.topPlaces),
      bottoms: renumbered(found.ports.bottoms, shape.bottomPlaces),
    };
    edges.set(number, found.places);
  }
  return assemble({ tree, wiring, shapes, edges }, wires, direction);
}

/** What a box is known by from layout to layout: its key, or for a section that of the first box in it. */
function nameOf(tree, number) {
  let depth = 0;
  for (; tree.boxes[number].key === undefined; depth++) number = tree.children[number][0];
  return `${depth}:${tree.boxes[number].key}`;
}

/** The ports numbered by their places from left to right, so that what is around sees what would cross. */
const renumbered = (ports, places) => new Map([...ports].map(([net, port]) => [net, places[port]]));

function frameOf(box, direction) {
  if (box.key === undefined) return { width: 0, height: 0, left: 0, top: 0, title: 0, padding: 0 };
  const { width, height, titleWidth, titleHeight } = box;
  if (direction === "down") return { width, height, left: 0, top: titleHeight, title: titleWidth, padding: PADDING };
  const least = Math.max(width, titleWidth + 2 * PADDING);
  return { width: height, height: least, left: titleHeight, top: 0, title: 0, padding: PADDING };
}

function assemble(picture, wires, direction) {
  const { tree, shapes } = picture;
  const corners = tree.boxes.map(() => [0, 0]);
  tree.children.forEach((children, number) =>
    children.forEach((child, slot) => {
      const [x, y] = shapes[number].corners[slot];
      corners[child] = [corners[number][0] + x, corners[number][1] + y];
    })
  );
  const right = direction === "right";
  const rects = new Map();
  const titles = new Map();
  tree.boxes.forEach((box, number) => {
    if (box.key === undefined) return;
    const { width, height, margin, title } = shapes[number];
    const rect = { x: corners[number][0] + margin, y: corners[number][1], width: width - 2 * margin, height };
    if (right) Object.assign(rect, { x: rect.y, y: rect.x, width: rect.height, height: rect.width });
    rects.set(box.key, rect);
    const { titleWidth, titleHeight } = box;
    if (titleWidth) titles.set(box.key, { x: rect.x + title, y: rect.y, width: titleWidth, height: titleHeight });
  });
  const paths = wires.map((wire, number) => pathOf(picture, corners, number, wire));
  const root = shapes[0];
  return {
    rects,
    titles,
    paths: right ? paths.map((path) => path.map(([x, y]) => [y, x])) : paths,
    width: right ? root.height : root.width,
    height: right ? root.width : root.height,
  };
}

function pathOf({ tree, wiring, shapes, edges }, corners, number, wire) {
  const route = wiring.routes[number];
  if (!route.length) return loopOf(shapes, corners, tree.numbers.get(wire.source));
  const path = [];
  for (const [container, edge] of route) {
    const [x0, y0] = corners[container];
    path.pop();
    for (const [x, y] of shapes[container].routes[edges.get(container)[edge]]) path.push([x0 + x, y0 + y]);
  }
  return wiring.flipped[number] ? path.reverse() : path;
}

/** From the lower border of a box round its right side to its upper border. */
function loopOf(shapes, corners, number) {
  const shape = shapes[number];
  const [left, top] = corners[number];
  const bottom = top + shape.height;
  const right = left + shape.width - shape.margin;
  const inner = right - Math.min(LOOP_REACH, (shape.width - 2 * shape.margin) / 4);
  const outer = right + LOOP_REACH;
  const [below, above] = [bottom + LOOP_REACH, top - LOOP_REACH];
  return [[inner, bottom], [inner, below], [outer, below], [outer, above], [inner, above], [inner, top]];
}
