// Boxes, containers and wires as SVG elements, as graphviz_nn/export/svg.py draws them.

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 6;
const SOURCE_RADIUS = 13;
const BASELINE = 0.78;
const ALARMS = new Set(["✕ error", "⚠ NaN/Inf"]);
const BUTTON = 6.5;

/** An SVG element; texts are set as text, so that no label can be markup. */
function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** The colour at a fraction of the scale, between its two nearest samples. */
function heatColour(stops, fraction) {
  const place = fraction * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const channel = (colour, k) => parseInt(colour.slice(k, k + 2), 16);
  const mixed = [1, 3, 5].map((k) => {
    const [a, b] = [channel(stops[low], k), channel(stops[low + 1], k)];
    return Math.round(a + (b - a) * (place - low));
  });
  return `rgb(${mixed})`;
}

/** A box's inside; far away, a card in its strong colour alone. */
function drawBox(model, entry, heat, far) {
  const { box } = entry;
  const M = model.metrics;
  const stack = box.repeat > 1 ? M.STACK : 0;
  const [width, height] = [box.width - stack, box.height - stack];
  const tone = `k${box.category}`;
  const radius = box.role === "source" ? SOURCE_RADIUS : RADIUS;
  const card = (name, offset = 0) => svg("rect", { class: name, x: offset, y: offset, width, height, rx: radius });
  if (far) return [heat ? svg("rect", { class: "card", fill: heat.colour, width, height }) : card(`${tone}s card`)];
  const parts = stack ? [card(tone, stack), card(tone, stack / 2)] : [];
  parts.push(card(`${tone} card`));
  if (box.role !== "source") {
    const d = `M6 0A6 6 0 0 0 0 6V${height - RADIUS}A6 6 0 0 0 6 ${height}H${M.STRIPE}V0Z`;
    parts.push(svg("path", { class: `${tone}s`, d }));
  }
  const alarming = box.marks.includes("nonfinite");
  const strip = heat || alarming;
  if (strip) parts.push(...heatStrip(width, height, M.HEAT_STRIP, heat, alarming));
  if (box.marks.includes("error")) parts.push(svg("rect", { class: "q", width, height, rx: radius }));
  const right = width - M.TEXT_RIGHT - (strip ? M.HEAT_STRIP : 0);
  parts.push(...boxTexts(M, box, right), ...boxTags(M, box, right));
  return parts;
}

function heatStrip(width, height, strip, heat, alarming) {
  const turn = width - RADIUS;
  const d =
    `M${width - strip} 0H${turn}A6 6 0 0 1 ${width} 6V${height - RADIUS}` +
    `A6 6 0 0 1 ${turn} ${height}H${width - strip}Z`;
  const parts = [svg("path", { fill: heat ? heat.colour : "none", d })];
  if (alarming) parts.push(svg("path", { fill: "url(#hatch)", d }));
  return parts;
}

function boxTexts(M, box, right) {
  const left = M.TEXT_LEFT;
  let y = M.PADDING + M.TITLE_LINE * BASELINE;
  const parts = [svg("text", { class: "t", x: left, y }, box.title)];
  if (box.subtitle) parts.push(svg("text", { class: "u", x: left, y: (y += M.SUBTITLE_LINE) }, box.subtitle));
  if (box.badge) {
    const dot = svg("tspan", { class: "p" }, box.trained ? "●" : "○");
    parts.push(svg("text", { class: "v e", x: right, y }, dot, ` ${box.badge}`));
  }
  y += M.SHAPE_LINE;
  if (box.shape) parts.push(svg("text", { class: "v", x: left, y }, box.shape));
  if (box.heat) parts.push(svg("text", { class: "n e", x: right, y }, box.heat[1]));
  return parts;
}

function boxTags(M, box, right) {
  const parts = [];
  const height = M.TITLE_LINE - 2;
  for (const [text, width] of [...box.tags].reverse()) {
    const x = right - width;
    const colour = ALARMS.has(text) ? "x" : "o";
    parts.push(svg("rect", { class: colour, x, y: M.PADDING, width, height, rx: height / 2 }));
    parts.push(svg("text", { class: "g xt", x: x + width / 2, y: M.PADDING + height * 0.74 }, text));
    right = x - M.TAG_GAP;
  }
  return parts;
}

/** The round button at the upper right corner that opens a box or closes a container. */
function toggleButton(x, closed) {
  const d = closed ? "M-3.2 0H3.2M0 -3.2V3.2" : "M-3.2 0H3.2";
  const title = svg("title", {}, closed ? "Open (Enter)" : "Close (Enter)");
  const circle = svg("circle", { r: BUTTON });
  return svg("g", { class: "toggle", transform: `translate(${x} 0)` }, title, circle, svg("path", { d }));
}

function drawTitle(model, group, heat) {
  const M = model.metrics;
  const parts = [group.title];
  if (group.subtitle) parts.push(svg("tspan", { class: "u", "font-weight": 400, dx: M.CONTAINER_GAP }, group.subtitle));
  if (heat) {
    parts.push(svg("tspan", { dx: M.CONTAINER_GAP, fill: heat.colour }, "■"));
    parts.push(svg("tspan", { class: "n", dx: 3 }, group.heat[1]));
  }
  return svg("text", { class: "t", x: M.CONTAINER_LEFT, y: 17 }, ...parts);
}

/** A wire as path data: straight along the flow, and otherwise curves that leave and arrive along it. */
function wirePath(points, down) {
  const n = (value) => Math.round(value * 10) / 10;
  let [x0, y0] = points[0];
  let d = `M${n(x0)} ${n(y0)}`;
  for (const [x1, y1] of points.slice(1)) {
    if (down ? Math.abs(x0 - x1) < 0.05 : Math.abs(y0 - y1) < 0.05) {
      d += down ? `V${n(y1)}` : `H${n(x1)}`;
    } else if (down) {
      const middle = n((y0 + y1) / 2);
      d += `C${n(x0)} ${middle} ${n(x1)} ${middle} ${n(x1)} ${n(y1)}`;
    } else {
      const middle = n((x0 + x1) / 2);
      d += `C${middle} ${n(y0)} ${middle} ${n(y1)} ${n(x1)} ${n(y1)}`;
    }
    [x0, y0] = [x1, y1];
  }
  return d;
}
