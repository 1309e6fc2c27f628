// The layout, part 2: on which layer each item of a container stands. See layout/ranks.py and layout/simplex.py.

const SIMPLEX_LIMIT = 300;
const FAN = 8;
const WIDE_RANK = 24;

/** The layer of each of `count` items; `edges` may come from `count` and lead to `count + 1`, the two borders. */
function rank(count, edges) {
  const targets = new Set(edges.map(([, v]) => v));
  const sources = new Set(edges.map(([u]) => u));
  const weighted = edges.map(([u, v]) => [u, v, 1]);
  for (let u = 0; u < count; u++) if (!targets.has(u)) weighted.push([count, u, 0]);
  for (let u = 0; u < count; u++) if (!sources.has(u)) weighted.push([u, count + 1, 0]);
  const graph = rankGraph(count + 2, weighted);
  const ranks = longestPath(graph);
  if (count <= SIMPLEX_LIMIT) shorten(ranks, weighted);
  else tighten(graph, ranks);
  settle(graph, ranks);
  const items = ranks.slice(0, count);
  const highest = Math.min(...items);
  const inner = edges.filter(([u, v]) => u < count && v < count);
  return spread(items.map((r) => r - highest), inner);
}

function rankGraph(count, edges) {
  const above = Array.from({ length: count }, () => []);
  const below = Array.from({ length: count }, () => []);
  const pull = Array.from({ length: count }, () => [0, 0]);
  for (const [u, v, weight] of edges) {
    below[u].push(v);
    above[v].push(u);
    pull[u][1] += weight;
    pull[v][0] += weight;
  }
  const missing = above.map((each) => each.length);
  const order = [...missing.keys()].filter((u) => !missing[u]);
  for (const u of order) for (const v of below[u]) if (--missing[v] === 0) order.push(v);
  return { above, below, pull, order };
}

function longestPath({ above, order }) {
  const ranks = new Array(above.length).fill(0);
  for (const u of order) ranks[u] = above[u].reduce((most, v) => Math.max(most, ranks[v] + 1), 0);
  return ranks;
}

const lowestAbove = (ranks, vertices) => Math.min(...vertices.map((v) => ranks[v])) - 1;
const highestBelow = (ranks, vertices) => Math.max(...vertices.map((v) => ranks[v])) + 1;

function tighten({ below, pull, order }, ranks) {
  for (const u of [...order].reverse()) if (pull[u][1] > pull[u][0]) ranks[u] = lowestAbove(ranks, below[u]);
}

function settle({ above, below, pull, order }, ranks) {
  const even = pull.map(([up, down]) => up === down && down > 0);
  const crowded = even.map((is, u) => is && Math.min(...above[u].map((v) => below[v].length)) > FAN);
  for (const u of order) if (even[u]) ranks[u] = highestBelow(ranks, above[u]);
  for (const u of [...order].reverse()) if (crowded[u]) ranks[u] = lowestAbove(ranks, below[u]);
}

/** Layers crowded with sources, or sinks, become blocks of several layers. */
function spread(ranks, edges) {
  const turn = (each) => {
    const height = Math.max(0, ...each);
    return each.map((r) => height - r);
  };
  const down = spreadSources(ranks, new Set(edges.map(([, v]) => v)));
  return turn(spreadSources(turn(down), new Set(edges.map(([u]) => u))));
}

function spreadSources(ranks, targets) {
  const sources = new Map();
  ranks.forEach((r, u) => targets.has(u) || setDefault(sources, r, () => []).push(u));
  const rows = new Map();
  const shifts = [];
  let added = 0;
  for (let r = 0; r <= Math.max(-1, ...ranks); r++) {
    const members = sources.get(r) || [];
    if (members.length > WIDE_RANK) {
      const columns = Math.max(WIDE_RANK, Math.floor(Math.sqrt(3 * members.length)));
      members.forEach((u, k) => rows.set(u, r + added + Math.floor(k / columns)));
      added += Math.floor((members.length - 1) / columns);
    }
    shifts.push(added);
  }
  return ranks.map((r, u) => (rows.has(u) ? rows.get(u) : r + shifts[r]));
}

/** The network simplex method: changes feasible ranks so that the weighted lengths of the edges sum up to the least. */
function shorten(ranks, edges) {
  if (!edges.length) return;
  const surplus = new Array(ranks.length).fill(0);
  for (const [u, v, weight] of edges) {
    surplus[u] += weight;
    surplus[v] -= weight;
  }
  const tree = spanTree(ranks, edges);
  for (let turn = 0; turn < 8 * ranks.length; turn++) {
    const [order, parents] = hang(tree);
    const leaving = negativeCut(ranks, order, parents, surplus);
    if (leaving < 0) break;
    exchange(ranks, edges, tree, order, parents, leaving);
  }
}

/** A spanning tree of edges of length 1; where none leads on, all that is reached moves until one does. */
function spanTree(ranks, edges) {
  const near = ranks.map(() => []);
  for (const [u, v] of edges) {
    near[u].push(v);
    near[v].push(u);
  }
  const tree = ranks.map(() => new Set());
  const reached = ranks.map((_, u) => u === 0);
  const frontier = [0];
  for (;;) {
    while (frontier.length) {
      const u = frontier.pop();
      for (const v of near[u]) {
        if (reached[v] || Math.abs(ranks[v] - ranks[u]) !== 1) continue;
        reached[v] = true;
        frontier.push(v);
        tree[u].add(v);
        tree[v].add(u);
      }
    }
    const crossing = edges
      .filter(([u, v]) => reached[u] !== reached[v])
      .map(([u, v]) => [ranks[v] - ranks[u] - 1, Number(reached[u]), u, v]);
    if (!crossing.length) return tree;
    const [slack, downwards, u, v] = crossing.reduce((best, each) => (compare(each, best) < 0 ? each : best));
    reached.forEach((known, member) => {
      if (known) ranks[member] += downwards ? slack : -slack;
    });
    frontier.push(downwards ? u : v);
  }
}

function hang(tree) {
  const parents = new Array(tree.length).fill(0);
  const order = [0];
  for (const u of order) {
    for (const v of tree[u]) {
      if (v === parents[u]) continue;
      parents[v] = u;
      order.push(v);
    }
  }
  return [order, parents];
}

function negativeCut(ranks, order, parents, surplus) {
  const flow = [...surplus];
  let best = -1;
  let least = 0;
  for (let k = order.length - 1; k > 0; k--) {
    const u = order[k];
    const parent = parents[u];
    flow[parent] += flow[u];
    const cutValue = ranks[u] < ranks[parent] ? flow[u] : -flow[u];
    if (cutValue < least) [best, least] = [u, cutValue];
  }
  return best;
}

function exchange(ranks, edges, tree, order, parents, leaving) {
  const parent = parents[leaving];
  const below = new Array(ranks.length).fill(false);
  below[leaving] = true;
  for (const u of order.slice(1)) below[u] = below[u] || below[parents[u]];
  const upwards = ranks[leaving] < ranks[parent];
  let best = null;
  for (const [u, v] of edges) {
    if (below[v] !== upwards || below[u] === upwards) continue;
    const each = [ranks[v] - ranks[u] - 1, u, v];
    if (!best || compare(each, best) < 0) best = each;
  }
  const [slack, u, v] = best;
  tree[leaving].delete(parent);
  tree[parent].delete(leaving);
  tree[u].add(v);
  tree[v].add(u);
  below.forEach((inside, member) => {
    if (inside) ranks[member] += upwards ? -slack : slack;
  });
}
