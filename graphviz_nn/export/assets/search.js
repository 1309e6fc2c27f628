// Finds calls and modules by any part of their names, operators, classes and shapes.

/** Everything that can be found, in order of execution: the child's place as in the tables, and its words. */
function searchIndex(model) {
  const found = [];
  const visit = (group) => {
    for (const child of group.children) {
      const entry = model.resolve(child);
      const box = child >= 0 ? entry : model.boxes[entry.closed];
      const node = child >= 0 ? model.nodes.get(entry.node) : null;
      const words = [box.path, box.title, box.subtitle, box.shape];
      if (node) words.push(node.name, node.op, node.module, node.source, ...node.outputs.map((output) => output[0]));
      else words.push(entry.type);
      found.push({ child, key: entry.key, words: words.filter(Boolean).join("\n").toLowerCase() });
      if (child < 0) visit(entry);
    }
  };
  visit(model.groups[ROOT]);
  return found;
}

/** The finder of the search box: all hits of a text, and which of them is current. */
class Search {
  constructor(model) {
    this.index = searchIndex(model);
    this.text = "";
    this.hits = [];
    this.current = -1;
  }

  /** Looks for a text; an "x" between digits also stands for "×". */
  look(text) {
    this.text = text.trim().toLowerCase().replace(/(\d)\s*x\s*(?=\d)/g, "$1×");
    this.hits = this.text ? this.index.filter((entry) => entry.words.includes(this.text)) : [];
    this.current = -1;
  }

  /** The next hit, or the one before; null where there is none. */
  step(backwards) {
    if (!this.hits.length) return null;
    const count = this.hits.length;
    this.current = backwards ? (Math.max(this.current, 0) + count - 1) % count : (this.current + 1) % count;
    return this.hits[this.current];
  }

  status() {
    if (!this.text) return "";
    if (!this.hits.length) return "none";
    return this.current < 0 ? `${this.hits.length} found` : `${this.current + 1} of ${this.hits.length}`;
  }
}
