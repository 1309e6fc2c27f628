// What the colours and signs of the picture mean, as far as they occur in it.

const OTHER = "other";

/** The legend's entries for what is on show. */
function legendOf(model, { shown, wires, scale }) {
  const boxes = shown.boxes.map((entry) => entry.box);
  const present = new Set(boxes.map((box) => box.category));
  const entries = [...present].sort((a, b) => a - b).filter((category) => model.categories[category] !== OTHER);
  const parts = entries.map((category) => legendEntry(`swatch k${category}b`, "", model.categories[category]));
  const kinds = new Set(wires.map((wire) => wire.kind));
  const signs = [
    [boxes.some((box) => box.badge && box.trained), "dot", "●", "trained parameters"],
    [boxes.some((box) => box.badge && !box.trained), "dot", "○", "frozen parameters"],
    [boxes.some((box) => box.repeat > 1), "sign", "× n", "equal ones, folded; ↻ each feeds the next"],
    [kinds.has("alias"), "line alias", "", "memory written through another view"],
    [kinds.has("loop"), "line loop", "", "to the next repeat"],
  ];
  for (const [occurs, ...entry] of signs) if (occurs) parts.push(legendEntry(...entry));
  if (model.scale) parts.push(legendScale(model.scale, scale));
  return parts;
}

function legendEntry(kind, sign, text) {
  return html("span", { class: "entry" }, html("i", { class: kind }, sign), text);
}

function legendScale({ title, logarithmic, stops }, { low, high }) {
  if (!low) return html("span", { class: "entry" }, `${title}: none`);
  const bar = html("i", { class: "scale" });
  bar.style.background = `linear-gradient(to right, ${stops.join()})`;
  const words = `${title}${logarithmic ? " (logarithmic)" : ""}`;
  return html("span", { class: "entry" }, words, html("b", {}, low), bar, html("b", {}, high));
}
