// The layout, part 4: the order of each layer, with few crossings. See layout/order.py, layout/starts.py
// and layout/arrange.py.

const PATIENCE = 4;
const HOPE = 1.25;
const EFFORT = 1200;
const STARTS = 6;
const SWAP_LIMIT = 4000;
const SPLIT_GAIN = 0.85;
const SPLIT_LIMIT = 1000;

/** Ranks, whether edges of one net share a trunk all the way, and the order of each layer; see `placesOf` for `stay`. */
function arrange(level, stay = []) {
  const ranks = rankLevel(level);
  const shared = insertBends(level, ranks, true);
  const ordered = (layered) => {
    const layers = orderLayers(layered, stay);
    return stay.length ? layers : readable(layered, layers);
  };
  const layers = ordered(shared);
  const together = { ranks, shared: true, layers };
  const count = crossings(shared, layers);
  if (!count || shared.count > SPLIT_LIMIT) return together;
  const split = insertBends(level, ranks, false);
  if (split.count === shared.count) return together;
  const apart = ordered(split);
  return crossings(split, apart) <= SPLIT_GAIN * count ? { ranks, shared: false, layers: apart } : together;
}

function readable(layered, layers) {
  const mirrored = layers.map((layer) => [...layer].reverse());
  const better = compare(reading(layered, mirrored), reading(layered, layers)) > 0;
  return better && crossings(layered, mirrored) <= crossings(layered, layers) ? mirrored : layers;
}

function reading({ level, main }, layers) {
  const first = level.items + level.tops;
  let ports = 0;
  let beside = 0;
  for (const layer of layers) {
    const place = layer.findIndex((vertex) => main[vertex]);
    if (place < 0) continue;
    const balance = layer.length - 1 - 2 * place;
    beside += balance;
    if (level.items <= layer[place] && layer[place] < level.vertices) ports += balance;
  }
  return [ascending(layers, 0, level.items), ascending(layers, level.items, first), ports, beside];
}

/** Neighbours on a layer in the order of their numbers, less those against it; of the vertices from `first` on. */
function ascending(layers, first, end) {
  let count = 0;
  for (const layer of layers) {
    const row = layer.filter((vertex) => first <= vertex && vertex < end);
    for (let k = 1; k < row.length; k++) count += row[k - 1] < row[k] ? 1 : -1;
  }
  return count;
}

const crossings = (layered, layers) => new Sweeper(layered, layers).count();

function orderLayers(layered, stay) {
  let best = [];
  let fewest = -1;
  for (const [number, start] of starts(layered)) {
    const sweeper = new Sweeper(layered, start, stay);
    const found = sweeper.improve(number, fewest);
    if (fewest < 0 || found < fewest) [best, fewest] = [sweeper.best, found];
    if (fewest === 0) break;
  }
  return best;
}

/** The order of execution, depth-first orders, their mirror images, then shuffled ones; each with its first sweep. */
function* starts(layered) {
  yield [1, asExecuted(layered)];
  const allowed = Math.min(STARTS, Math.max(2, Math.floor(EFFORT / Math.max(1, layered.count))));
  const first = [depthFirst(layered, true), depthFirst(layered, false)];
  const random = new Twister();
  for (let number = 0; number < allowed; number++) {
    const start = first[number % 2].map((layer) => [...layer]);
    for (const layer of start) {
      if (number >= 4) random.shuffle(layer);
      else if (number >= 2) layer.reverse();
    }
    yield [number, start];
  }
}

/** Layers filled in the order of the vertices, and wires that pass to the right, the later they start the nearer. */
function asExecuted({ level, trunks, bends, ranks, height }) {
  const latest = bends.map(() => 0);
  level.edges.forEach(([source], number) => (latest[trunks[number]] = Math.max(latest[trunks[number]], source)));
  const passing = [...latest.keys()].sort((a, b) => latest[b] - latest[a]);
  const layers = Array.from({ length: height }, () => []);
  for (let vertex = 0; vertex < level.vertices; vertex++) layers[ranks[vertex]].push(vertex);
  for (const trunk of passing) for (const [r, bend] of bends[trunk]) layers[r].push(bend);
  return layers;
}

function depthFirst({ ranks, height, up, down, count }, forwards) {
  const layers = Array.from({ length: height }, () => []);
  const onward = forwards ? down : up;
  const sign = forwards ? 1 : -1;
  const roots = [...Array(count).keys()].sort((a, b) => sign * (ranks[a] - ranks[b]) || a - b);
  const seen = new Array(count).fill(false);
  for (const root of roots) {
    const pending = [root];
    while (pending.length) {
      const vertex = pending.pop();
      if (seen[vertex]) continue;
      seen[vertex] = true;
      layers[ranks[vertex]].push(vertex);
      pending.push(...onward[vertex].filter((other) => !seen[other]).reverse());
    }
  }
  return layers;
}

/** Improves one order of the layers and remembers the best that it has seen. */
class Sweeper {
  constructor(layered, start, stay = []) {
    this.layered = layered;
    this.stay = stay;
    this.layers = start.map((layer) => [...layer]);
    for (const layer of this.layers) putBack(layer, stay);
    this.best = this.layers.map((layer) => [...layer]);
    this.position = new Array(layered.count).fill(0);
    for (const layer of this.layers) this.number(layer);
    this.shift();
  }

  number(layer) {
    layer.forEach((vertex, place) => (this.position[vertex] = place));
  }

  /** Ports of one vertex lie within half a place of it, so that segments to them count as crossing. */
  shift() {
    const { count, gaps } = this.layered;
    const uppers = new Array(count).fill(0);
    const lowers = new Array(count).fill(0);
    for (const gap of gaps) {
      for (const [u, v, upperPort, lowerPort] of gap) {
        uppers[u] = Math.max(uppers[u], upperPort + 1);
        lowers[v] = Math.max(lowers[v], lowerPort + 1);
      }
    }
    const shift = (port, ports) => (port === CENTER ? 0 : 0.8 * ((port + 1) / (ports + 1) - 0.5));
    this.above = Array.from({ length: count }, () => []);
    this.below = Array.from({ length: count }, () => []);
    this.gaps = gaps.map((gap) =>
      gap.map(([u, v, upperPort, lowerPort]) => {
        const a = shift(upperPort, uppers[u]);
        const b = shift(lowerPort, lowers[v]);
        this.above[v].push([u, a]);
        this.below[u].push([v, b]);
        return [u, a, v, b];
      })
    );
  }

  count() {
    const { position } = this;
    let total = 0;
    for (const gap of this.gaps) {
      if (gap.length < 2) continue;
      const ends = gap.map(([u, a, v, b]) => [position[u] + a, position[v] + b]).sort(compare);
      const passed = [];
      for (const [, lower] of ends) {
        const place = bisect(passed, lower, true);
        total += passed.length - place;
        passed.splice(place, 0, lower);
      }
    }
    return total;
  }

  improve(number, known) {
    let fewest = this.count();
    const patience = () => (known < 0 || fewest <= HOPE * known ? PATIENCE : 1);
    for (let stale = 0, sweep = number; fewest && stale < patience(); sweep++) {
      this.sweep(sweep);
      if (this.layered.count <= SWAP_LIMIT) for (const layer of this.layers) this.swap(layer, sweep % 2 === 1);
      const found = this.count();
      stale++;
      if (found < fewest) {
        fewest = found;
        stale = 0;
        this.best = this.layers.map((layer) => [...layer]);
      }
    }
    return fewest;
  }

  sweep(number) {
    const downwards = number % 2 === 0;
    const center = number % 4 < 2 ? median : mean;
    const neighbours = downwards ? this.above : this.below;
    for (const layer of downwards ? this.layers.slice(1) : this.layers.slice(0, -1).reverse()) {
      if (layer.length > 1) this.sort(layer, neighbours, center, number);
    }
  }

  sort(layer, neighbours, center, number) {
    const wanted = new Map();
    for (const vertex of layer) {
      const places = neighbours[vertex].map(([u, shift]) => this.position[u] + shift);
      if (places.length) wanted.set(vertex, center(places));
    }
    const free = layer.filter((vertex) => wanted.has(vertex));
    if (number % 8 >= 4) free.reverse();
    free.sort((a, b) => wanted.get(a) - wanted.get(b));
    let next = 0;
    layer.forEach((vertex, place) => {
      if (wanted.has(vertex)) layer[place] = free[next++];
    });
    putBack(layer, this.stay);
    this.number(layer);
  }

  /** Swaps neighbours as long as that removes crossings; with `shake` also once where it makes no difference. */
  swap(layer, shake) {
    if (layer.length < 2) return;
    const rows = layer.map((vertex) => [this.places(this.above[vertex]), this.places(this.below[vertex])]);
    let least = shake ? 0 : 1;
    let doubtful = [...Array(layer.length - 1).keys()];
    while (doubtful.length) {
      const touched = new Set();
      for (const k of doubtful) {
        const [[above, below], [nextAbove, nextBelow]] = [rows[k], rows[k + 1]];
        if (bound(this.stay, layer[k], layer[k + 1])) continue;
        if (gain(above, nextAbove) + gain(below, nextBelow) < least) continue;
        [layer[k], layer[k + 1]] = [layer[k + 1], layer[k]];
        [rows[k], rows[k + 1]] = [rows[k + 1], rows[k]];
        for (const near of [k - 1, k, k + 1]) if (near >= 0 && near < layer.length - 1) touched.add(near);
      }
      doubtful = [...touched].sort((a, b) => a - b);
      least = 1;
    }
    this.number(layer);
  }

  places(near) {
    return near.map(([u, shift]) => this.position[u] + shift).sort((a, b) => a - b);
  }
}

/** Crossings that swapping two neighbours would remove, given the sorted places of what each is tied to. */
function gain(left, right) {
  if (!left.length || !right.length) return 0;
  let removed = 0;
  for (const place of left) removed += bisect(right, place, false);
  for (const place of right) removed -= bisect(left, place, false);
  return removed;
}

function median(places) {
  places.sort((a, b) => a - b);
  const middle = places.length >> 1;
  if (places.length % 2) return places[middle];
  const [before, after] = [places[middle - 1], places[middle]];
  const left = before - places[0];
  const right = places[places.length - 1] - after;
  if (places.length === 2 || left + right === 0) return (before + after) / 2;
  return (before * right + after * left) / (left + right);
}

const mean = (places) => places.reduce((sum, place) => sum + place, 0) / places.length;
