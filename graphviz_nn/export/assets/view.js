// What part of the scene is seen: panning, zooming, and the places where both start and end.

const ZOOM_STEP = 1.25;
const LARGEST = 3;
const SMALLEST = 0.01;
const MARGIN = 28;
const DRAG = 4;
const READABLE = 0.6;

/** Shows the scene inside `frame` by moving `plane`; calls `changed` whenever it does. */
class View {
  constructor(frame, plane, down, changed) {
    Object.assign(this, { frame, plane, down, changed, x: 0, y: 0, scale: 1, size: { width: 1, height: 1 } });
    this.pointers = new Map();
    this.dragged = false;
    this.moved = false;
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.press(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      frame.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    new ResizeObserver(() => (this.moved ? this.apply() : this.start())).observe(frame);
  }

  /** The rectangle of the scene that is seen. */
  window() {
    const { width, height } = this.frame.getBoundingClientRect();
    const { x, y, scale } = this;
    return { x: -x / scale, y: -y / scale, width: width / scale, height: height / scale };
  }

  apply() {
    this.plane.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.changed();
  }

  pan(dx, dy) {
    this.moved = true;
    this.x += dx;
    this.y += dy;
    this.apply();
  }

  /** Zooms by `factor` and keeps the point (px, py) of the frame, or its middle, where it is. */
  zoom(factor, px, py) {
    this.moved = true;
    const { width, height } = this.frame.getBoundingClientRect();
    px ??= width / 2;
    py ??= height / 2;
    const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
    this.x = px - ((px - this.x) * scale) / this.scale;
    this.y = py - ((py - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  /** Shows the whole scene. */
  fit() {
    this.moved = true;
    this.place(Math.min(...this.room(), 1));
  }

  /** Shows the scene whole where that can be read, else its start. */
  start() {
    this.moved = false;
    const whole = Math.min(...this.room(), 1);
    this.place(whole >= READABLE ? whole : Math.max(Math.min(Math.max(...this.room()), 1), READABLE));
  }

  /** By how much the scene would have to be scaled to fill the frame across and down. */
  room() {
    const { width, height } = this.frame.getBoundingClientRect();
    return [(width - 2 * MARGIN) / this.size.width, (height - 2 * MARGIN) / this.size.height];
  }

  /** Scales the scene and centres it; where it is longer than the frame, along its flow its start is shown. */
  place(scale) {
    const { width, height } = this.frame.getBoundingClientRect();
    this.scale = Math.max(scale, SMALLEST);
    const [across, along] = [width - this.size.width * this.scale, height - this.size.height * this.scale];
    this.x = this.down ? across / 2 : Math.max(across / 2, MARGIN);
    this.y = this.down ? Math.max(along / 2, MARGIN) : along / 2;
    this.apply();
  }

  /** By how much to pan until a rectangle of the scene is in view, each way; 0 where it is. */
  missing(rect) {
    const { width, height } = this.frame.getBoundingClientRect();
    const along = (at, length, room) => {
      const end = at + Math.min(length, room - 2 * MARGIN);
      if (at < MARGIN) return MARGIN - at;
      return end > room - MARGIN ? room - MARGIN - end : 0;
    };
    return [
      along(rect.x * this.scale + this.x, rect.width * this.scale, width),
      along(rect.y * this.scale + this.y, rect.height * this.scale, height),
    ];
  }

  /** Brings a rectangle of the scene into view with as little movement as that takes. */
  nudge(rect) {
    const [dx, dy] = this.missing(rect);
    if (dx || dy) this.pan(dx, dy);
  }

  /** Brings a rectangle of the scene into the middle, unless it is in view, at a scale at which it can be read. */
  reveal(rect) {
    if (this.scale < READABLE) this.zoom(1 / this.scale);
    if (!this.missing(rect).some(Boolean)) return;
    const { width, height } = this.frame.getBoundingClientRect();
    const middle = [(rect.x + rect.width / 2) * this.scale, (rect.y + rect.height / 2) * this.scale];
    this.pan(width / 2 - this.x - middle[0], height / 2 - this.y - middle[1]);
  }

  wheel(event) {
    event.preventDefault();
    const box = this.frame.getBoundingClientRect();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const pace = event.ctrlKey ? 0.01 : 0.0016;
    this.zoom(Math.exp(-event.deltaY * lines * pace), event.clientX - box.left, event.clientY - box.top);
  }

  press(event) {
    if (event.button > 0) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.dragged = this.pointers.size > 1;
    this.start = [event.clientX, event.clientY];
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = [event.clientX, event.clientY];
    if (!this.dragged && Math.hypot(now[0] - this.start[0], now[1] - this.start[1]) < DRAG) return;
    if (!this.dragged) this.frame.setPointerCapture(event.pointerId);
    this.dragged = true;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (others.length) this.pinch(others[0], last, now);
    else this.pan(now[0] - last[0], now[1] - last[1]);
    this.pointers.set(event.pointerId, now);
  }

  /** Two fingers: the distance zooms, the middle pans. */
  pinch(still, last, now) {
    const box = this.frame.getBoundingClientRect();
    const apart = (place) => Math.max(1, Math.hypot(place[0] - still[0], place[1] - still[1]));
    const middle = [(now[0] + still[0]) / 2 - box.left, (now[1] + still[1]) / 2 - box.top];
    this.zoom(apart(now) / apart(last), ...middle);
    this.pan((now[0] - last[0]) / 2, (now[1] - last[1]) / 2);
  }
}
