// The layout, part 5: positions across the flow, given the order of each layer.
// See layout/coordinates.py, after Brandes and Köpf (2001).

const BOX_GAP = 24;
const BOX_WIRE_GAP = 16;
const WIRE_GAP = 12;
const SAME = 0.01;
const MAIN = 2;
const INNER = 1;
const PLAIN = 0;

/** The centre of every vertex. `sizes` holds widths, anchors, and how far off centre a segment meets its two ends. */
function assignCenters(layered, layers, sizes) {
  if (!layered.count) return [];
  const position = new Array(layered.count).fill(0);
  for (const layer of layers) layer.forEach((vertex, place) => (position[vertex] = place));
  const distances = new Map();
  for (const gap of layered.gaps) for (const segment of gap) distances.set(segment, distance(layered, sizes, segment));
  const apart = separations(layered, layers, sizes.widths);
  const candidates = alignmentCandidates(layered, position, distances);
  const runs = [];
  for (const downwards of [true, false]) {
    for (const leftwards of [true, false]) {
      const near = downwards ? candidates.above : candidates.below;
      const aligned = align(layers, position, near, downwards, leftwards);
      runs.push(compact(aligned, apart, leftwards));
    }
  }
  return straighten(layered, balance(runs, sizes.widths), apart, distances);
}

/** How far the lower centre lies to the right of the upper one where the segment is straight. */
function distance(layered, sizes, segment) {
  if (priority(layered, segment) === MAIN) return sizes.anchors[segment[0]] - sizes.anchors[segment[1]];
  return sizes.upperOffset(segment) - sizes.lowerOffset(segment);
}

function priority({ main, level }, [upper, lower]) {
  if (main[upper] && main[lower]) return MAIN;
  return upper >= level.items && lower >= level.items ? INNER : PLAIN;
}

/** Neighbours on a layer, and the least distance of their centres. */
function separations({ level }, layers, widths) {
  const apart = [];
  for (const layer of layers) {
    for (let k = 1; k < layer.length; k++) {
      const [left, right] = [layer[k - 1], layer[k]];
      const wires = (left >= level.items ? 1 : 0) + (right >= level.items ? 1 : 0);
      apart.push([left, right, (widths[left] + widths[right]) / 2 + [BOX_GAP, BOX_WIRE_GAP, WIRE_GAP][wires]]);
    }
  }
  return apart;
}

/** Whom each vertex may align with on the layer above and below, and the distance that it then keeps. */
function alignmentCandidates(layered, position, distances) {
  const nearAbove = layered.ranks.map(() => []);
  const nearBelow = layered.ranks.map(() => []);
  const fixedAbove = new Map();
  const fixedBelow = new Map();
  for (const gap of layered.gaps) {
    const straight = straightSegments(layered, gap, position);
    for (const segment of straight.segments) {
      fixedBelow.set(segment[0], segment);
      fixedAbove.set(segment[1], segment);
    }
    for (const segment of gap) {
      const [u, v] = segment;
      if (!crossesNone(straight, position[u], position[v])) continue;
      nearAbove[v].push([position[u], segment]);
      nearBelow[u].push([position[v], segment]);
    }
  }
  const above = [];
  const below = [];
  for (let vertex = 0; vertex < layered.count; vertex++) {
    const upper = fixedAbove.has(vertex) ? [fixedAbove.get(vertex)] : medians(nearAbove[vertex]);
    above.push(
      upper.filter((s) => (fixedBelow.get(s[0]) || s)[1] === vertex).map((s) => [s[0], distances.get(s)])
    );
    const lower = fixedBelow.has(vertex) ? [fixedBelow.get(vertex)] : medians(nearBelow[vertex]);
    below.push(
      lower.filter((s) => (fixedAbove.get(s[1]) || s)[0] === vertex).map((s) => [s[1], -distances.get(s)])
    );
  }
  return { above, below };
}

function medians(near) {
  if (!near.length) return [];
  near.sort((a, b) => a[0] - b[0]);
  const left = (near.length - 1) >> 1;
  const right = near.length >> 1;
  return left === right ? [near[left][1]] : [near[left][1], near[right][1]];
}

/** The segments of a gap that are kept straight, none of which crosses another; sorted places of their ends. */
function straightSegments(layered, gap, position) {
  const found = { segments: [], uppers: [], lowers: [] };
  const wanted = gap
    .map((s) => [-priority(layered, s), position[s[0]], position[s[1]], s])
    .filter(([order]) => order !== -PLAIN)
    .sort(compare);
  for (const [, upper, lower, segment] of wanted) {
    const place = bisect(found.uppers, upper, false);
    const leftFree = place === 0 || (found.uppers[place - 1] < upper && found.lowers[place - 1] < lower);
    const rightFree =
      place === found.uppers.length || (found.uppers[place] > upper && found.lowers[place] > lower);
    if (!leftFree || !rightFree) continue;
    found.segments.push(segment);
    found.uppers.splice(place, 0, upper);
    found.lowers.splice(place, 0, lower);
  }
  return found;
}

function crossesNone({ uppers, lowers }, upper, lower) {
  return (
    bisect(uppers, upper, false) <= bisect(lowers, lower, true) &&
    bisect(lowers, lower, false) <= bisect(uppers, upper, true)
  );
}

/** Joins each vertex to the block of a neighbour on the layer before, leftmost (or rightmost) first. */
function align(layers, position, candidates, downwards, leftwards) {
  const root = [...position.keys()];
  const shift = position.map(() => 0);
  const taken = position.map(() => false);
  const sign = leftwards ? 1 : -1;
  for (const layer of downwards ? layers : [...layers].reverse()) {
    let border = leftwards ? -1 : -position.length;
    for (const vertex of leftwards ? layer : [...layer].reverse()) {
      for (const [neighbour, away] of leftwards ? candidates[vertex] : [...candidates[vertex]].reverse()) {
        const place = sign * position[neighbour];
        if (place <= border || taken[neighbour]) continue;
        border = place;
        taken[neighbour] = true;
        root[vertex] = root[neighbour];
        shift[vertex] = shift[neighbour] + away;
        break;
      }
    }
  }
  return { root, shift };
}

/** Pushes the blocks as far to one side as their neighbours let them, then back towards their followers. */
function compact({ root, shift }, apart, leftwards) {
  const after = new Map(root.filter((block, vertex) => block === vertex).map((block) => [block, new Map()]));
  for (const [left, right, gap] of apart) {
    const [first, second] = leftwards ? [root[left], root[right]] : [root[right], root[left]];
    const least = leftwards ? gap + shift[left] - shift[right] : gap - shift[right] + shift[left];
    after.get(first).set(second, Math.max(after.get(first).get(second) ?? -1e30, least));
  }
  const waiting = new Map([...after.keys()].map((block) => [block, 0]));
  for (const followers of after.values()) for (const next of followers.keys()) waiting.set(next, waiting.get(next) + 1);
  const place = new Map([...after.keys()].map((block) => [block, 0]));
  const ready = [...waiting].filter(([, count]) => !count).map(([block]) => block);
  for (const block of ready) {
    for (const [next, least] of after.get(block)) {
      place.set(next, Math.max(place.get(next), place.get(block) + least));
      waiting.set(next, waiting.get(next) - 1);
      if (!waiting.get(next)) ready.push(next);
    }
  }
  for (const block of ready.reverse()) {
    const room = [...after.get(block)].map(([next, least]) => place.get(next) - least);
    if (room.length) place.set(block, Math.max(place.get(block), Math.min(...room)));
  }
  const sign = leftwards ? 1 : -1;
  return root.map((block, vertex) => sign * place.get(block) + shift[vertex]);
}

function extentOf(centers, widths) {
  let [left, right] = [Infinity, -Infinity];
  centers.forEach((x, k) => {
    left = Math.min(left, x - widths[k] / 2);
    right = Math.max(right, x + widths[k] / 2);
  });
  return centers.length ? [left, right] : [0, 0];
}

/** Moves the four onto the narrowest of them and takes the mean of each vertex's two middle places. */
function balance(runs, widths) {
  const extents = runs.map((run) => extentOf(run, widths));
  const width = ([left, right]) => right - left;
  const [left, right] = extents.reduce((best, each) => (width(each) < width(best) ? each : best));
  const moves = extents.map((extent, number) => (number % 2 === 0 ? left - extent[0] : right - extent[1]));
  return runs[0].map((_, vertex) => {
    const places = runs.map((run, number) => run[vertex] + moves[number]).sort((a, b) => a - b);
    return (places[1] + places[2]) / 2;
  });
}
