// Which groups are open, and the picture that this gives.

const MOVING = 240;

/** Holds the state of the page, and brings everything up to date when it changes. */
class Explorer {
  constructor(model, parts) {
    Object.assign(this, { model, parts, cache: new LayoutCache() });
    this.state = this.initialState();
    this.selected = null;
    this.painter = new Painter(model, parts.layers);
    this.view = new View(parts.frame, parts.plane, model.direction === "down", () => this.look());
    this.refresh();
    this.view.start();
  }

  initialState() {
    return { open: new Set(this.model.open), unfolded: new Set() };
  }

  look() {
    this.painter.look(this.view.window(), this.view.scale);
    this.parts.stage.classList.toggle("faraway", this.painter.far);
  }

  /** Where a box, or the title of a container, is in the scene; undefined where it is not on show. */
  placeOf(key) {
    const { titles, rects } = this.picture.placement;
    return titles.get(key) || rects.get(key);
  }

  /** Lays out what is open now and shows it. */
  refresh() {
    const { model } = this;
    const shown = show(model, this.state);
    const wires = wiresOf(model, shown);
    const placement = layOut(shown.root, wires, model.direction, this.cache);
    labelWires(model, shown, wires, placement);
    this.picture = { shown, wires, placement, scale: heatScale(model, shown) };
    this.entries = new Map([...shown.containers, ...shown.boxes].map((entry) => [entry.key, entry]));
    this.view.size = { width: placement.width, height: placement.height };
    this.painter.show(this.picture);
    this.parts.legend.replaceChildren(...legendOf(model, this.picture));
    if (this.selected !== null && !this.entries.has(this.selected)) this.select(null);
    else if (this.selected !== null) this.select(this.selected);
  }

  /** Changes what is open by `change(state)`; what `key` names stays where it is on the screen. */
  change(change, key = null) {
    const before = this.placeOf(key);
    change(this.state);
    this.parts.stage.classList.add("moving");
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.parts.stage.classList.remove("moving"), MOVING + 40);
    this.refresh();
    const after = this.placeOf(key);
    if (before && after) this.view.pan((before.x - after.x) * this.view.scale, (before.y - after.y) * this.view.scale);
    else this.view.apply();
    this.parts.depth.textContent = this.depth();
  }

  /** Opens a closed group or folded run; closes an open one. */
  toggle(key) {
    const entry = this.entries.get(key);
    if (!entry || (entry.box && entry.group < 0 && !entry.run)) return;
    const name = (entry.box || entry.group).title;
    this.change(({ open, unfolded }) => {
      if (!entry.box) this.close(entry.group);
      else if (entry.run) unfolded.add(entry.run.key);
      else open.add(key);
    }, key);
    this.select(this.entries.has(key) ? key : null, true);
    const count = this.picture.shown.boxes.length;
    this.parts.status.textContent = `${entry.box ? "Opened" : "Closed"} ${name}: ${count} boxes`;
  }

  /** Closes a group and all inside it; its runs fold again. */
  close(group) {
    this.state.open.delete(group.key);
    for (const run of group.runs) this.state.unfolded.delete(`${group.key}:${run[0]}`);
    for (const child of group.children) if (child < 0) this.close(this.model.resolve(child));
  }

  /** The run that an unfolded child belongs to, as [group, run], or null. */
  runAround(key) {
    const entry = this.entries.get(key);
    const group = entry && entry.inside;
    if (!group || entry.run) return null;
    const slot = group.children.findIndex((child) => this.model.resolve(child).key === key);
    const run = group.runs.find(([start, repeats, boxes]) => start <= slot && slot < start + repeats * boxes.length);
    return run ? [group, run] : null;
  }

  /** Folds equal siblings again, and closes those that are open. */
  refold(group, [start, repeats, boxes]) {
    this.change(({ unfolded }) => {
      unfolded.delete(`${group.key}:${start}`);
      for (const child of group.children.slice(start, start + repeats * boxes.length)) {
        if (child < 0) this.close(this.model.resolve(child));
      }
    });
    this.go(this.model.boxes[boxes[0]].key);
  }

  /** How many levels are open everywhere, as the buttons count them. */
  depth() {
    const open = this.model.groups.filter((group) => this.state.open.has(group.key));
    return open.reduce((most, group) => Math.max(most, this.model.depth(group) + 1), 0);
  }

  /** Opens exactly the groups with fewer than `depth` others around them, but for those that keep to themselves. */
  openTo(depth) {
    const { groups, shut } = this.model;
    const isOpen = (group) => group.place !== ROOT && this.model.depth(group) < depth && !shut.has(group.key);
    const open = new Set(groups.filter(isOpen).map((group) => group.key));
    const known = this.state;
    if (!known.unfolded.size && open.size === known.open.size && [...open].every((key) => known.open.has(key))) return;
    this.change((state) => Object.assign(state, { open, unfolded: new Set() }));
  }

  reset() {
    this.change((state) => Object.assign(state, this.initialState()));
    this.select(null);
    this.view.start();
  }

  /** Opens what contains a child of the tables, selects it and brings it into view. */
  reveal(child) {
    const groups = this.model.around(child);
    this.change(({ open, unfolded }) => {
      for (const group of groups) open.add(group.key);
      for (let at = child; this.model.outer.has(at); at = -1 - this.model.outer.get(at).group) {
        const { group, slot } = this.model.outer.get(at);
        const { key, runs } = this.model.groups[group];
        for (const [start, repeats, boxes] of runs) {
          if (start <= slot && slot < start + repeats * boxes.length) unfolded.add(`${key}:${start}`);
        }
      }
    });
    this.go(this.model.resolve(child).key);
  }

  /** Selects what was clicked on; where the panel opens over it, it moves aside. */
  choose(key) {
    this.select(key, true);
    this.view.nudge(this.placeOf(key));
  }

  /** Selects what is on show and brings it into view. */
  go(key, focus = false) {
    this.select(key, focus);
    this.view.reveal(this.placeOf(key));
  }

  select(key, focus = false) {
    this.selected = key;
    this.painter.select(key);
    this.look();
    const entry = key === null ? null : this.entries.get(key);
    this.parts.panel.hidden = !entry;
    if (!entry) return;
    const parts = describeSelection(this.model, this.picture, entry, (other) => this.go(other, true));
    const run = this.runAround(key);
    if (run) {
      const fold = html("button", { type: "button" }, `Fold the ${run[1][1]} equal ones`);
      fold.addEventListener("click", () => this.refold(...run));
      parts.splice(2, 0, fold);
    }
    this.parts.facts.replaceChildren(...parts);
    this.parts.panel.scrollTop = 0;
    if (focus) this.parts.stage.querySelector(".selected[role=button]")?.focus({ preventScroll: true });
  }

  /** The nearest box or container title from the selection in a direction, [1, 0] being right. */
  neighbour([dx, dy]) {
    const middle = (key) => {
      const { x, y, width, height } = this.placeOf(key);
      return [x + width / 2, y + height / 2];
    };
    if (this.selected === null) return this.entries.keys().next().value;
    const [x0, y0] = middle(this.selected);
    let [best, least] = [this.selected, Infinity];
    for (const key of this.entries.keys()) {
      const [x, y] = middle(key);
      const along = (x - x0) * dx + (y - y0) * dy;
      const aside = Math.abs((x - x0) * dy) + Math.abs((y - y0) * dx);
      if (key !== this.selected && along > 4 && along + 2.5 * aside < least) [best, least] = [key, along + 2.5 * aside];
    }
    return best;
  }
}
