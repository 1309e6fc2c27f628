// The layout, part 4b: siblings stay in their order, whatever is opened or closed. See layout/keeping.py.

/** By name of an item the layer on which it stands and its place there. */
function placesOf(names, layers) {
  const places = new Map();
  layers.forEach((layer, rank) =>
    layer.forEach((vertex, place) => vertex < names.length && places.set(names[vertex], [rank, place]))
  );
  return places;
}

/** The places on a layer at which items stand that shared a layer before, by that layer. */
function sharedRows(layer, stay) {
  const rows = new Map();
  layer.forEach((vertex, place) => {
    const former = stay[vertex];
    if (former) setDefault(rows, former[0], () => []).push(place);
  });
  return [...rows.values()];
}

/** Whether the items of each layer are in the order that they had. */
function keepsOrder(layers, stay) {
  const before = (layer, place) => stay[layer[place]][1];
  return layers.every((layer) =>
    sharedRows(layer, stay).every((row) => row.every((place, k) => !k || before(layer, row[k - 1]) < before(layer, place)))
  );
}

/** Puts the items of one layer into the order that they had, in the places that they have together. */
function putBack(layer, stay) {
  for (const places of sharedRows(layer, stay)) {
    const items = places.map((place) => layer[place]).sort((a, b) => stay[a][1] - stay[b][1]);
    places.forEach((place, k) => (layer[place] = items[k]));
  }
}

/** Whether two neighbours must not change places. */
const bound = (stay, left, right) => Boolean(stay[left] && stay[right] && stay[left][0] === stay[right][0]);
