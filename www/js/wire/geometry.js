// SPDX-License-Identifier: Apache-2.0
// Where things stand on a wire sheet: sizes of boxes, curves of lines, and the layers of boxes that have no place yet. Boxes
// stand on a grid; their sizes follow from their rows, so nothing is measured.
/** @typedef {{x: number, y: number}} Point */

/** Pixels of a step of the grid, and of a box's parts, at zoom 1. */
export const GRID = 16;
export const WIDTH = 13 * GRID;
export const HEAD = 2 * GRID;
export const ROW = 1.5 * GRID;

/** @param {number} rows @returns {number} pixels */
export const heightOf = (rows) => HEAD + rows * ROW + 8;

/** @param {Point} at of the box, in steps @param {number} index of the row @param {boolean} right @returns {Point} pixels */
export function portOf(at, index, right) {
  const y = index < 0 ? HEAD / 2 : HEAD + (index + 0.5) * ROW;
  return { x: at.x * GRID + (right ? WIDTH : 0), y: at.y * GRID + y };
}

/** A line from an output to an input; one that goes back swings out and passes below. @param {Point} a @param {Point} b @returns {string} */
export function curve(a, b) {
  const ahead = b.x - a.x;
  if (ahead > 24) {
    const reach = Math.max(28, Math.min(ahead / 2, 140));
    return `M${a.x} ${a.y}C${a.x + reach} ${a.y} ${b.x - reach} ${b.y} ${b.x} ${b.y}`;
  }
  const middle = (a.x + b.x) / 2, low = Math.max(a.y, b.y) + 7.5 * GRID;
  return `M${a.x} ${a.y}C${a.x + 70} ${a.y} ${a.x + 70} ${low} ${middle} ${low}S${b.x - 70} ${b.y} ${b.x} ${b.y}`;
}

/** The longest way to each box; a link that closes a circle does not count. @param {string[]} boxes @param {[string, string][]} links @returns {Map<string, number>} */
function ranks(boxes, links) {
  /** @type {Map<string, string[]>} */
  const before = new Map(boxes.map((handle) => [handle, []]));
  for (const [from, to] of links) if (from !== to && before.has(from)) before.get(to)?.push(from);
  /** @type {Map<string, number>} */
  const rank = new Map();
  const busy = new Set();
  const walk = (/** @type {string} */ top) => {
    const stack = [{ handle: top, next: 0 }];
    busy.add(top);
    while (stack.length) {
      const at = stack[stack.length - 1];
      const sources = before.get(at.handle) || [];
      const source = sources[at.next];
      at.next += 1;
      if (at.next > sources.length) {
        rank.set(at.handle, Math.max(0, ...sources.filter((s) => rank.has(s)).map((s) => (rank.get(s) ?? 0) + 1)));
        busy.delete(at.handle);
        stack.pop();
      } else if (!rank.has(source) && !busy.has(source)) {
        busy.add(source);
        stack.push({ handle: source, next: 0 });
      }
    }
  };
  for (const handle of boxes) if (!rank.has(handle)) walk(handle);
  return rank;
}

/**
 * Places for boxes: layers from left to right along the links, each box near those that it is linked to; what has no links
 * stands in rows below.
 * @param {{handle: string, rows: number}[]} boxes @param {[string, string][]} links handles @param {Point} [origin] in steps
 * @returns {Map<string, Point>}
 */
export function arrange(boxes, links, origin = { x: 2, y: 2 }) {
  /** @type {Map<string, Point>} */
  const places = new Map();
  const linked = new Set(links.flat());
  const inside = boxes.filter((b) => linked.has(b.handle));
  const rank = ranks(inside.map((b) => b.handle), links);
  /** @type {{handle: string, rows: number}[][]} */
  const layers = [];
  for (const box of inside) (layers[rank.get(box.handle) ?? 0] ??= []).push(box);
  /** @type {Map<string, number>} */
  const order = new Map();
  let lowest = origin.y;
  layers.forEach((layer, column) => {
    const weight = (/** @type {string} */ handle) => {
      const near = links.filter(([from, to]) => to === handle && order.has(from)).map(([from]) => order.get(from) ?? 0);
      return near.length ? near.reduce((sum, n) => sum + n, 0) / near.length : Infinity;
    };
    const sorted = layer.map((box, i) => ({ box, i, w: weight(box.handle) })).sort((a, b) => a.w - b.w || a.i - b.i);
    let { y } = origin;
    for (const { box } of sorted) {
      places.set(box.handle, { x: origin.x + column * (WIDTH / GRID + 5), y });
      order.set(box.handle, y);
      y += Math.ceil(heightOf(box.rows) / GRID) + 2;
    }
    lowest = Math.max(lowest, y);
  });
  const alone = boxes.filter((b) => !linked.has(b.handle));
  const columns = Math.max(4, layers.length);
  let y = layers.length ? lowest + 1 : origin.y;
  for (let i = 0; i < alone.length; i += columns) {
    const line = alone.slice(i, i + columns);
    line.forEach((box, k) => places.set(box.handle, { x: origin.x + k * (WIDTH / GRID + 3), y }));
    y += Math.max(...line.map((b) => Math.ceil(heightOf(b.rows) / GRID))) + 2;
  }
  return places;
}
