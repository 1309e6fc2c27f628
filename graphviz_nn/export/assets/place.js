// The layout, part 6: one container placed. See layout/place.py, layout/attach.py and layout/routes.py.

const LAYER_GAP = 26;
const PORT_GAP = 18;
const SLOPE = 0.09;
const STEEPEST = 44;
const TITLE_CLEARANCE = 2;
const PIN_SPACING = 12;
const PIN_REACH = 0.36;

/** The container of these children as a shape: its size, its children's corners, and the paths of its edges. */
function placeLevel(layered, layers, children, frame, number) {
  const { level } = layered;
  const sizes = sizesOf(layered, children);
  let centers = assignCenters(layered, layers, sizes);
  const [left, right] = extentOf(centers, sizes.widths);
  centers = centers.map((x) => x - left + frame.left + frame.padding);
  const firstBottom = level.items + level.tops;
  const inner = right - left + frame.left + 2 * frame.padding;
  const [move, width, title] = outline(centers.slice(level.items, firstBottom), inner, frame);
  centers = centers.map((x) => x + move);
  const bands = bandsOf(layered, layers, slantsOf(layered, centers, sizes), children, frame);
  const corners = children.map((shape, k) => [centers[k] - shape.width / 2, topOf(layered, bands, k, shape.height)]);
  const vertices = [...Array(level.vertices).keys()];
  const main = vertices.find((v) => layered.main[v]);
  const tops = leftToRight(centers.slice(level.items, firstBottom));
  const bottoms = leftToRight(centers.slice(firstBottom, level.vertices));
  return {
    number,
    width,
    height: bands.height,
    margin: 0,
    anchor: main === undefined ? width / 2 : centers[main] + sizes.anchors[main],
    tops: tops.ascending,
    bottoms: bottoms.ascending,
    topPlaces: tops.places,
    bottomPlaces: bottoms.places,
    corners,
    routes: routeEdges({ layered, children, sizes, centers, bands, corners }),
    title,
  };
}

/** Where ports lie, from left to right, and by number of a port its place among them. */
function leftToRight(ports) {
  const ascending = [...ports].sort((a, b) => a - b);
  return { ascending, places: ports.map((port) => ascending.indexOf(port)) };
}

function sizesOf(layered, children) {
  const wires = new Array(layered.count - children.length).fill(0);
  const offset = (vertex, port, side) =>
    port === CENTER ? 0 : children[vertex][side][port] - children[vertex].width / 2;
  return {
    widths: [...children.map((shape) => shape.width), ...wires],
    anchors: [...children.map((shape) => shape.anchor - shape.width / 2), ...wires],
    upperOffset: ([upper, , port]) => offset(upper, port, "bottoms"),
    lowerOffset: ([, lower, , port]) => offset(lower, port, "tops"),
  };
}

/** How far to move everything to the right, the container's width, and where its title starts. */
function outline(ports, inner, frame) {
  const width = Math.max(inner, frame.width);
  const move = (width - inner) / 2;
  if (!frame.title) return [move, width, 0];
  const entering = ports.map((port) => port + move).sort((a, b) => a - b);
  const starts = [0, ...entering.map((port) => port + TITLE_CLEARANCE)];
  const ends = [...entering.map((port) => port - TITLE_CLEARANCE), width];
  const free = starts.find((start, k) => start + frame.title <= ends[k]);
  if (free !== undefined) return [move, width, free];
  if (!entering.length) return [(frame.title - inner) / 2, frame.title, 0];
  const grown = frame.title - ends[0];
  const least = entering.length === 1 ? 2 * (entering[0] + grown) : 0;
  return [move + grown, Math.max(width + grown, least), 0];
}

/** How far across the widest segment of each gap runs. */
function slantsOf(layered, centers, sizes) {
  return layered.gaps.map((gap) =>
    gap.reduce((most, s) => {
      const across = centers[s[0]] + sizes.upperOffset(s) - centers[s[1]] - sizes.lowerOffset(s);
      return Math.max(most, Math.abs(across));
    }, 0)
  );
}

/** Upper and lower edge of each layer along the flow, and where the container ends. */
function bandsOf({ level }, layers, slants, children, frame) {
  const tops = [];
  const bottoms = [];
  let y = level.tops ? 0 : frame.top + frame.padding;
  layers.forEach((layer, k) => {
    tops.push(y);
    y += layer.reduce((most, v) => (v < level.items ? Math.max(most, children[v].height) : most), 0);
    if (k === 0 && level.tops) y = frame.top;
    bottoms.push(y);
    if (k < slants.length) {
      const besidePorts = (k === 0 && level.tops) || (k === slants.length - 1 && level.bottoms);
      y += (besidePorts ? PORT_GAP : LAYER_GAP) + Math.min(STEEPEST, SLOPE * slants[k]);
    }
  });
  if (!level.bottoms) y += frame.padding;
  return { tops, bottoms, height: Math.max(y, frame.height) };
}

/** Boxes that only send stand at the foot of their layer, those that only receive at its head. */
function topOf({ ranks, up, down }, bands, item, height) {
  const r = ranks[item];
  const free = bands.bottoms[r] - bands.tops[r] - height;
  if (!up[item].length) return bands.tops[r] + free;
  return bands.tops[r] + (down[item].length ? free * 0.5 : 0);
}

/** One path an edge, from the border of its source to the border of its target. */
function routeEdges(stage) {
  const { layered, children, bands, corners } = stage;
  const { starts, ends } = attach(stage);
  const trunks = layered.bends.map((bends) => straightParts(bends, stage.centers));
  const foot = (vertex) => (vertex < children.length ? corners[vertex][1] + children[vertex].height : 0);
  const head = (vertex) => (vertex < children.length ? corners[vertex][1] : bands.height);
  return layered.level.edges.map(([source, target], number) => {
    const [first, last] = [layered.ranks[source], layered.ranks[target]];
    const path = [[starts[number], foot(source)], [starts[number], bands.bottoms[first]]];
    for (const [top, bottom, x] of trunks[layered.trunks[number]]) {
      if (top >= last || bottom <= first) continue;
      path.push([x, bands.tops[Math.max(top, first + 1)]], [x, bands.bottoms[Math.min(bottom, last - 1)]]);
    }
    path.push([ends[number], bands.tops[last]], [ends[number], head(target)]);
    return simplified(path);
  });
}

/** First and last layer, and place, of each straight part of a trunk. */
function straightParts(bends, centers) {
  const runs = [];
  for (const [r, bend] of bends) {
    const last = runs[runs.length - 1];
    if (last && Math.abs(last[2] - centers[bend]) < SAME) last[1] = r;
    else runs.push([r, r, centers[bend]]);
  }
  return runs;
}

/** The path without repeated points, and without those inside a straight stretch. */
function simplified(path) {
  const kept = path.slice(0, 1);
  for (const [x, y] of path.slice(1)) {
    const [lastX, lastY] = kept[kept.length - 1];
    if (Math.abs(x - lastX) >= SAME) {
      kept.push([x, y]);
    } else if (Math.abs(y - lastY) >= SAME) {
      if (kept.length > 1 && kept[kept.length - 2][0] === lastX) kept.pop();
      kept.push([lastX, y]);
    }
  }
  return kept;
}

/** Where edges start and end across the flow: at ports, or at a good place of a leaf's side, in order and apart. */
function attach({ layered, children, sizes, centers }) {
  const { level } = layered;
  const widths = children.map((shape) => shape.width - 2 * shape.margin);
  const starts = level.edges.map((edge) => centers[edge[0]] + sizes.upperOffset([edge[0], edge[1], edge[2], edge[3]]));
  const ends = level.edges.map((edge) => centers[edge[1]] + sizes.lowerOffset([edge[0], edge[1], edge[2], edge[3]]));
  const leaving = new Map();
  level.edges.forEach(([u, v, sourcePort, targetPort, net], number) => {
    if (sourcePort !== CENTER || u >= level.items) return;
    const below = bendBelow(layered, number);
    const origin = below === v ? ends[number] : centers[below];
    const meets = below === v && v < level.items && targetPort === CENTER;
    const wanted = meets ? meetingPlace(centers, widths, u, v) : origin;
    addPin(leaving, u, String(net), wanted, origin, number, centers);
  });
  settlePins(leaving, centers, widths, starts);
  const arriving = new Map();
  level.edges.forEach(([u, v, , targetPort, net], number) => {
    if (targetPort !== CENTER || v >= level.items) return;
    const above = bendAbove(layered, number);
    const origin = above === u ? starts[number] : centers[above];
    addPin(arriving, v, `${above},${net}`, origin, origin, number, centers);
  });
  settlePins(arriving, centers, widths, ends);
  return { starts, ends };
}

/** A place where two leaves that can both give way overlap, else the lower one's centre. */
function meetingPlace(centers, widths, u, v) {
  const left = Math.max(centers[u] - PIN_REACH * widths[u], centers[v] - PIN_REACH * widths[v]);
  const right = Math.min(centers[u] + PIN_REACH * widths[u], centers[v] + PIN_REACH * widths[v]);
  return left <= right ? Math.min(Math.max((centers[u] + centers[v]) / 2, left), right) : centers[v];
}

/** Adds a pin, or its edge to the one of that key; of several wishes the one nearest to the centre counts. */
function addPin(pins, vertex, key, wanted, origin, number, centers) {
  const mine = setDefault(pins, vertex, () => new Map());
  const known = mine.get(key);
  if (!known) {
    mine.set(key, { wanted, origin, edges: [number] });
    return;
  }
  known.edges.push(number);
  const center = centers[vertex];
  if (Math.abs(origin - center) < Math.abs(known.origin - center)) Object.assign(known, { wanted, origin });
}

/** Pins are within reach of the centre, and in its middle where a lone wire has to bend. */
function settlePins(pins, centers, widths, places) {
  for (const [vertex, mine] of pins) {
    const [center, reach] = [centers[vertex], PIN_REACH * widths[vertex]];
    for (const pin of mine.values()) {
      if (Math.abs(pin.wanted - center) <= reach) continue;
      pin.wanted = mine.size > 1 ? Math.min(Math.max(pin.wanted, center - reach), center + reach) : center;
    }
    const row = [...mine.values()].sort((a, b) => a.wanted - b.wanted || a.origin - b.origin);
    if (row.length > 1) spacePins(row, center, reach);
    for (const pin of row) for (const number of pin.edges) places[number] = pin.wanted;
  }
}

/** Moves the pins of one side apart, outwards from the one nearest to the centre. */
function spacePins(row, center, reach) {
  const away = row.map((pin) => Math.abs(pin.wanted - center));
  const anchor = away.indexOf(Math.min(...away));
  const last = row.length - 1;
  const spacing = Math.min(PIN_SPACING, reach / Math.max(anchor, last - anchor));
  for (let k = anchor + 1; k <= last; k++) row[k].wanted = Math.max(row[k].wanted, row[k - 1].wanted + spacing);
  for (let k = anchor - 1; k >= 0; k--) row[k].wanted = Math.min(row[k].wanted, row[k + 1].wanted - spacing);
  for (let k = last, limit = center + reach; k >= 0; k--, limit -= spacing) {
    limit = row[k].wanted = Math.min(row[k].wanted, limit);
  }
  for (let k = 0, limit = center - reach; k <= last; k++, limit += spacing) {
    limit = row[k].wanted = Math.max(row[k].wanted, limit);
  }
}
