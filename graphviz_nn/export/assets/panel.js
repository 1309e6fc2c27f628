// The side panel: everything that is known of the selection.

/** An HTML element; texts are set as text. */
function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The parts of the panel for a shown box or container; `go` selects another one by key. */
function describeSelection(model, picture, entry, go) {
  const group = entry.group >= 0 ? model.groups[entry.group] : entry.group instanceof Object ? entry.group : null;
  const box = entry.box || (group && model.boxes[group.closed]);
  const node = box && model.nodes.get(box.node);
  const path = (box || group).path || (group && group.type) || model.title;
  const heading = html("h2", {}, entry.run ? box.title : path);
  const what = [box ? box.subtitle : group.subtitle, box ? box.shape : ""].filter(Boolean).join(" · ");
  const parts = [heading, what ? html("p", { class: "what" }, what) : null];
  const looped = box && box.looped ? "; each feeds the next" : "";
  if (entry.run) parts.push(html("p", {}, `${box.repeat} equal ones, folded${looped}`));
  if (node) parts.push(...describeNode(model, node));
  parts.push(...describeModule(model, node ? node.module : group && group.type ? group.path : null));
  if (box && box.parameters.length) parts.push(...describeParameters(model, box.parameters));
  parts.push(...describeWires(picture, entry, go));
  return parts.filter(Boolean);
}

function facts(pairs) {
  const list = html("dl");
  for (const [name, value] of pairs) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(html("dt", {}, name), html("dd", {}, String(value)));
  }
  return list.children.length ? list : null;
}

function section(title, ...children) {
  const kept = children.filter(Boolean);
  return kept.length ? html("section", {}, html("h3", {}, title), ...kept) : null;
}

function describeNode(model, node) {
  const source = [["operator", node.op], ["kind", node.kind === "op" ? "" : node.kind], ["source", node.source]];
  const several = node.outputs.length > 1;
  const outputs = node.outputs.map(([shape, device, requiresGrad, statistics, gradient], k) => {
    const name = several ? `Output ${k}` : "Output";
    const what = `${shape}${device === "cpu" ? "" : ` · ${device}`}${requiresGrad ? "" : " · no gradient required"}`;
    return [
      section(name, html("p", {}, what), statisticsTable(model, statistics)),
      requiresGrad || gradient
        ? section(name.replace("Output", "Gradient"), ...describeGradient(model, gradient))
        : null,
    ];
  });
  return [facts(source), section("Attributes", facts(Object.entries(node.attributes))), ...outputs.flat()];
}

function describeGradient(model, gradient) {
  if (gradient instanceof Array) return [statisticsTable(model, gradient)];
  const words = { none: "None: autograd said so", arrived: "arrived; its numbers were not recorded" };
  return [html("p", {}, words[gradient] || "never arrived in this step")];
}

function statisticsTable(model, numbers) {
  if (!numbers) return null;
  const words = { l2: "L2 norm", zeros: "zeros", posinf: "+Inf", neginf: "−Inf", nan: "NaN" };
  const pairs = model.statistics.map((name, k) => {
    const value = numbers[k];
    if (value === null || (["nan", "posinf", "neginf"].includes(name) && value === 0)) return [name, ""];
    return [words[name] || name, name === "zeros" ? `${Math.round(value * 1000) / 10} %` : numberText(value)];
  });
  return facts(pairs);
}

/** A number as people read it: "−0.0116", "8.4338e-5"; a text, which stands for an infinite one, as it is. */
function numberText(value) {
  const plain = typeof value !== "number" || value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6);
  return (plain ? String(value) : value.toExponential().replace("e+", "e")).replace(/^-/, "−");
}

function describeModule(model, path) {
  const module = path === null || path === undefined ? null : model.modules.get(path);
  if (!module) return [];
  const known = [
    ["class", module.type],
    ["path", module.path || "(root)"],
    ["calls", module.calls > 1 ? module.calls : ""],
    ["mode", module.training ? "training" : "evaluation"],
    ...Object.entries(module.attributes),
  ];
  return [section("Module", facts(known))];
}

function describeParameters(model, numbers) {
  return [
    section(
      `Parameters (${numbers.length})`,
      ...numbers.slice(0, 40).map((number) => {
        const { name, outputs } = model.parameters.get(number);
        const [shape, , trained, statistics, gradient] = outputs[0];
        const inside = [html("summary", {}, name, html("span", {}, `${shape}${trained ? "" : ", frozen"}`))];
        const arrived = trained ? section("Gradient of this pass", ...describeGradient(model, gradient)) : null;
        return html("details", {}, ...inside, statisticsTable(model, statistics), arrived);
      }),
      numbers.length > 40 ? html("p", {}, `and ${numbers.length - 40} more`) : null
    ),
  ];
}

/** What the selection reads and what reads it, each a way to go there. */
function describeWires(picture, entry, go) {
  const list = (wires, end) =>
    wires.map((wire) => {
      const other = wire[end];
      const button = html("button", { type: "button", class: "link" }, other.box.path);
      button.addEventListener("click", () => go(other.key));
      return html("li", {}, button, html("span", {}, wire.shape));
    });
  const into = picture.wires.filter((wire) => wire.target === entry.key);
  const out = picture.wires.filter((wire) => wire.source === entry.key);
  return [
    section("Reads", into.length ? html("ul", {}, ...list(into, "from")) : null),
    section("Read by", out.length ? html("ul", {}, ...list(out, "to")) : null),
  ];
}
