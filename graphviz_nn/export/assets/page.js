// Ties the page's controls to the explorer.

const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const PAN_STEP = 80;

const byId = (id) => document.getElementById(id);

function start() {
  const model = new Model(JSON.parse(byId("data").textContent));
  const layers = {};
  for (const name of ["containers", "wires", "titles", "boxes", "labels"]) {
    layers[name] = svg("g", { class: name });
    byId("plane").append(layers[name]);
  }
  const parts = { layers, frame: byId("frame"), stage: byId("stage"), plane: byId("plane"), panel: byId("panel") };
  for (const name of ["facts", "legend", "depth", "status"]) parts[name] = byId(name);
  const explorer = new Explorer(model, parts);
  parts.depth.textContent = explorer.depth();
  listenToPicture(explorer, parts);
  listenToButtons(explorer, model);
  listenToSearch(explorer, model);
  listenToKeys(explorer);
}

function listenToPicture(explorer, { frame }) {
  const keyOf = (target) => target.closest("[data-key]")?.dataset.key ?? null;
  frame.addEventListener("click", (event) => {
    if (explorer.view.dragged) return;
    const key = keyOf(event.target);
    if (key !== null && event.target.closest(".toggle")) explorer.toggle(key);
    else if (key !== null) explorer.choose(key);
    else explorer.select(null);
  });
  frame.addEventListener("dblclick", (event) => {
    const key = keyOf(event.target);
    if (key !== null && !event.target.closest(".toggle")) explorer.toggle(key);
  });
}

function listenToButtons(explorer, model) {
  const actions = {
    fit: () => explorer.view.fit(),
    closer: () => explorer.view.zoom(ZOOM_STEP),
    farther: () => explorer.view.zoom(1 / ZOOM_STEP),
    deeper: () => explorer.openTo(Math.min(explorer.depth() + 1, 99)),
    shallower: () => explorer.openTo(Math.max(explorer.depth() - 1, 0)),
    reset: () => explorer.reset(),
    theme: toggleTheme,
    hide: () => explorer.select(null),
  };
  for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
  if (model.theme !== "auto") document.documentElement.dataset.theme = model.theme;
}

function toggleTheme() {
  const { dataset } = document.documentElement;
  const dark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  dataset.theme = dark ? "light" : "dark";
}

function listenToSearch(explorer, model) {
  const field = byId("search");
  let search = null;
  const tell = () => (byId("hits").textContent = search.status());
  field.addEventListener("input", () => {
    search ??= new Search(model);
    search.look(field.value);
    tell();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") field.blur();
    if (event.key !== "Enter" || !search) return;
    event.preventDefault();
    const hit = search.step(event.shiftKey);
    if (hit) explorer.reveal(hit.child);
    tell();
  });
}

function listenToKeys(explorer) {
  const { view } = explorer;
  const keys = {
    "+": () => view.zoom(ZOOM_STEP),
    "=": () => view.zoom(ZOOM_STEP),
    "-": () => view.zoom(1 / ZOOM_STEP),
    0: () => view.fit(),
    "/": () => byId("search").focus(),
    Escape: () => explorer.select(null),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
    const arrow = ARROWS[event.key];
    const onPicture = !event.target.closest("button, #panel");
    if (arrow && onPicture && event.shiftKey) view.pan(-arrow[0] * PAN_STEP, -arrow[1] * PAN_STEP);
    else if (arrow && onPicture) explorer.go(explorer.neighbour(arrow), true);
    else if (["Enter", " "].includes(event.key) && onPicture) explorer.toggle(explorer.selected);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
}

start();
