// The layout, part 3: one container's inside as a graph, then as layers joined by segments.
// See layout/level.py and layout/layered.py.

/**
 * Numbers ports, nets and edges by what they connect, so that equal containers give equal levels. Those whose edges
 * come in the same order, as in equal blocks, are looked up in `known`.
 */
function canonical(inner, children, stacked, known) {
  const names = new Map();
  const edges = inner.map(([source, target, net]) => [
    source,
    target,
    source === BORDER ? CENTER : children[source].bottoms.get(net) ?? CENTER,
    target === BORDER ? CENTER : children[target].tops.get(net) ?? CENTER,
    setDefault(names, net, () => names.size),
  ]);
  const key = `${children.length} ${stacked} ${edges.join(" ")}`;
  const { level, tops, bottoms, places } = setDefault(known, key, () => numberLevel(children.length, edges, stacked));
  const nets = [...names.keys()];
  const named = (side) => new Map([...side].map(([net, port]) => [nets[net], port]));
  return { level, ports: { tops: named(tops), bottoms: named(bottoms) }, places };
}

function numberLevel(items, edges, stacked) {
  const ends = new Map();
  for (const [source, target, , , net] of edges) setDefault(ends, net, () => []).push([source, target]);
  const ranked = [...ends].map(([net, pairs]) => [pairs.sort(compare), net]).sort(compare);
  const tops = new Map();
  const bottoms = new Map();
  const local = new Map();
  for (const [pairs, net] of ranked) {
    local.set(net, local.size);
    if (pairs[0][0] === BORDER) tops.set(net, tops.size);
    else if (pairs.some(([, target]) => target === BORDER)) bottoms.set(net, bottoms.size);
  }
  const numbered = edges.map(([source, target, sourcePort, targetPort, net], number) => [
    source === BORDER ? items + tops.get(net) : source,
    target === BORDER ? items + tops.size + bottoms.get(net) : target,
    sourcePort,
    targetPort,
    local.get(net),
    number,
  ]);
  numbered.sort(compare);
  const places = [];
  numbered.forEach((edge, place) => (places[edge[5]] = place));
  const level = { items, tops: tops.size, bottoms: bottoms.size, stacked, edges: numbered.map((e) => e.slice(0, 5)) };
  level.vertices = items + level.tops + level.bottoms;
  const size = `${items} ${level.tops} ${level.bottoms} ${stacked}`;
  level.key = `${size} ${level.edges.join(" ")}`;
  level.structure = `${size} ${level.edges.map(([u, v, , , net]) => `${u},${v},${net}`).join(" ")}`;
  return { level, tops, bottoms, places };
}

function rankLevel(level) {
  let items = [...Array(level.items).keys()];
  if (!level.stacked) {
    const count = level.items;
    const pulls = new Map();
    for (const [u, v] of level.edges) {
      const pull = [Math.min(u, count), v < count ? v : count + 1];
      pulls.set(pull.join(), pull);
    }
    items = rank(count, [...pulls.values()].sort(compare));
  }
  const shift = level.tops ? 1 : 0;
  const last = Math.max(0, ...items) + shift + 1;
  return [
    ...items.map((r) => r + shift),
    ...new Array(level.tops).fill(0),
    ...new Array(level.bottoms).fill(last),
  ];
}

/** The level with a bend on each layer that a long edge passes. Segments are [upper, lower, upper port, lower port]. */
function insertBends(level, levelRanks, shared) {
  const ranks = [...levelRanks];
  const height = Math.max(-1, ...ranks) + 1;
  const numbers = new Map();
  const trunks = level.edges.map(([, target, , , net]) =>
    setDefault(numbers, `${net},${shared ? -1 : target}`, () => numbers.size)
  );
  const spans = Array.from({ length: numbers.size }, () => [height, 0]);
  level.edges.forEach(([u, v], number) => {
    const span = spans[trunks[number]];
    span[0] = Math.min(span[0], ranks[u]);
    span[1] = Math.max(span[1], ranks[v]);
  });
  const gaps = Array.from({ length: Math.max(0, height - 1) }, () => new Map());
  const join = (gap, ...segment) => setDefault(gaps[gap], segment.join(), () => segment);
  const bends = spans.map(([first, last]) => {
    const trunk = new Map();
    for (let r = first + 1; r < last; r++) {
      trunk.set(r, ranks.push(r) - 1);
      if (r > first + 1) join(r - 1, trunk.get(r - 1), trunk.get(r), CENTER, CENTER);
    }
    return trunk;
  });
  const layered = { level, ranks, height, trunks, bends, count: ranks.length };
  level.edges.forEach(([u, v, sourcePort, targetPort], number) => {
    const first = ranks[u];
    const last = ranks[v];
    if (last === first + 1) {
      join(first, u, v, sourcePort, targetPort);
    } else {
      join(first, u, bendBelow(layered, number), sourcePort, CENTER);
      join(last - 1, bendAbove(layered, number), v, CENTER, targetPort);
    }
  });
  layered.gaps = gaps.map((gap) => [...gap.values()]);
  layered.up = ranks.map(() => []);
  layered.down = ranks.map(() => []);
  for (const gap of layered.gaps) {
    for (const [u, v] of gap) {
      layered.down[u].push(v);
      layered.up[v].push(u);
    }
  }
  layered.main = markMain(layered);
  return layered;
}

/** The first vertex that an edge meets after its source: a bend, or its target. */
function bendBelow({ level, ranks, bends, trunks }, number) {
  const [u, v] = level.edges[number];
  return ranks[u] + 1 === ranks[v] ? v : bends[trunks[number]].get(ranks[u] + 1);
}

/** The last vertex that an edge meets before its target: a bend, or its source. */
function bendAbove({ level, ranks, bends, trunks }, number) {
  const [u, v] = level.edges[number];
  return ranks[v] - 1 === ranks[u] ? u : bends[trunks[number]].get(ranks[v] - 1);
}

/** Whether each vertex lies on the longest way from the upper border to the lower one, or else one that touches one. */
function markMain({ level, ranks, trunks, bends, count }) {
  const main = new Array(count).fill(false);
  if (!level.edges.length) return main;
  const into = Array.from({ length: level.vertices }, () => []);
  level.edges.forEach(([u, v], number) => into[v].push([u, trunks[number]]));
  const vertices = [...into.keys()];
  const firstBottom = level.items + level.tops;
  const ways = vertices.map((v) => [Number(level.items <= v && v < firstBottom), 0]);
  const longest = (v) => into[v].map(([source]) => ways[source]).reduce((a, b) => (compare(a, b) < 0 ? b : a));
  for (const v of [...vertices].sort((a, b) => ranks[a] - ranks[b])) {
    if (!into[v].length) continue;
    const [fromBorder, length] = longest(v);
    ways[v] = [fromBorder, length + 1];
  }
  const rated = (v) => [Number(v >= firstBottom), ...ways[v], -v];
  let vertex = vertices.reduce((best, v) => (compare(rated(v), rated(best)) > 0 ? v : best));
  main[vertex] = true;
  while (into[vertex].length) {
    const way = longest(vertex);
    const [source, trunk] = into[vertex].filter(([u]) => !compare(ways[u], way)).sort(compare)[0];
    for (let r = ranks[source] + 1; r < ranks[vertex]; r++) main[bends[trunk].get(r)] = true;
    main[source] = true;
    vertex = source;
  }
  return main;
}
