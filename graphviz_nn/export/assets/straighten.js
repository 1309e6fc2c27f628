// The layout, part 5b: a last look at the positions across the flow. See layout/straighten.py.

const STRAIGHTEN_ROUNDS = 3;

/** Moves blocks that could be straight in more places, or nearer; order and least distances are kept. */
function straighten(layered, start, apart, slants) {
  const centers = [...start];
  const leftOf = new Map(apart.map(([left, right, gap]) => [right, [left, gap]]));
  const rightOf = new Map(apart.map(([left, right, gap]) => [left, [right, gap]]));
  const segments = centers.map(() => []);
  for (const gap of layered.gaps) {
    for (const segment of gap) {
      segments[segment[0]].push(segment);
      segments[segment[1]].push(segment);
    }
  }
  const bendOf = (segment, vertex) => {
    const bend = centers[segment[0]] + slants.get(segment) - centers[segment[1]];
    return vertex === segment[1] ? bend : -bend;
  };
  const improve = (block) => {
    const loose = block
      .flatMap((vertex) => segments[vertex].map((segment) => bendOf(segment, vertex)))
      .filter((bend) => Math.abs(bend) >= SAME);
    const [least, most] = roomOf(block, centers, leftOf, rightOf);
    const wishes = loose.filter((bend) => least <= bend && bend <= most).map((bend) => Math.round(bend * 1e3) / 1e3);
    const moves = [0, ...new Set(wishes.sort((a, b) => Math.abs(a) - Math.abs(b) || a - b))];
    const costs = moves.map((move) => {
      const left = loose.map((bend) => Math.abs(bend - move));
      return [left.filter((each) => each >= SAME).length, left.reduce((sum, each) => sum + each, 0)];
    });
    const best = moves.reduce((k, _, other) => (compare(costs[other], costs[k]) < 0 ? other : k), 0);
    for (const vertex of block) centers[vertex] += moves[best];
    return moves[best] !== 0;
  };
  const blockFrom = (first, seen) => {
    seen[first] = true;
    const block = [first];
    for (const vertex of block) {
      for (const segment of segments[vertex]) {
        const other = segment[0] + segment[1] - vertex;
        if (seen[other] || Math.abs(bendOf(segment, vertex)) >= SAME) continue;
        seen[other] = true;
        block.push(other);
      }
    }
    return block;
  };
  for (let round = 0, moved = true; moved && round < STRAIGHTEN_ROUNDS; round++) {
    moved = false;
    const seen = centers.map(() => false);
    for (let vertex = 0; vertex < centers.length; vertex++) {
      if (seen[vertex]) continue;
      const block = blockFrom(vertex, seen);
      if (!block.some((member) => layered.main[member])) moved = improve(block) || moved;
    }
  }
  return centers;
}

/** How far a block can move to the left (negative) and to the right; its own members move along. */
function roomOf(block, centers, leftOf, rightOf) {
  const inside = new Set(block);
  let [least, most] = [-1e9, 1e9];
  for (const vertex of block) {
    const [left, leftGap] = leftOf.get(vertex) || [vertex, 0];
    if (!inside.has(left)) least = Math.max(least, centers[left] + leftGap - centers[vertex]);
    const [right, rightGap] = rightOf.get(vertex) || [vertex, 0];
    if (!inside.has(right)) most = Math.min(most, centers[right] - rightGap - centers[vertex]);
  }
  return [Math.min(least, 0), Math.max(most, 0)];
}
