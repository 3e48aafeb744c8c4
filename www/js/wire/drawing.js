// SPDX-License-Identifier: Apache-2.0
// The drawing of a wire sheet: boxes as elements, lines as SVG behind them, one transform for pan and zoom. It knows nothing
// of the station: commands.js changes that, pointer.js and keys.js read the hands of the person.
import { h, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { statusBadge, symbolOf } from '../el/badges.js';
import { statusClass } from '../format.js';
import { curve, GRID, heightOf, portOf, WIDTH } from './geometry.js';
import { boxLabel, familyOf, linkLabel, rowLabel, textOf } from './model.js';
/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./model.js').Box} Box */
/** @typedef {import('./model.js').Row} Row */
/** @typedef {import('./model.js').Link} Link */
/** @typedef {import('./geometry.js').Point} Point */

const SVG = 'http://www.w3.org/2000/svg';
const ZOOMS = { least: 0.2, most: 2 };
/** How long the lines to what is not on the sheet are, in pixels. */
const STUB = 40;

/** @param {string} tag @param {Record<string, string>} attributes @param {...Node} children @returns {SVGElement} */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {Link} link @returns {string} */
export const keyOf = (link) => `${link.targetHandle}/${link.name}`;

/**
 * @param {Map<string, import('../types.js').Type>} types
 * @param {(box: Box) => any} menuOf the menu button of a box
 */
export function drawing(types, menuOf) {
  const lines = s('svg', { class: 'wire-lines', role: 'group', 'aria-label': t('Links') });
  const boxes = h('div', { class: 'wire-boxes' });
  const labels = s('svg', { class: 'wire-lines wire-labels', 'aria-hidden': 'true' });
  const world = h('div', { class: 'wire-world' }, lines, boxes, labels);
  const map = s('svg', { class: 'wire-map', 'aria-hidden': 'true', viewBox: '0 0 160 100' });
  const tip = h('div', { class: 'wire-tip', hidden: true });
  const viewport = h('div', { class: 'wire-view', role: 'group', 'aria-label': t('Wire sheet') }, world, map, tip);
  /** @type {{x: number, y: number, k: number}} */
  const view = { x: 0, y: 0, k: 1 };
  /** @type {{model: Model, elements: Map<string, HTMLElement>, paths: Map<string, SVGElement>, around: Map<string, Link[]>, draft: SVGElement|null, texts: Map<string, SVGElement>}} */
  const now = { texts: new Map(), model: { boxes: new Map(), links: [], more: false }, elements: new Map(), paths: new Map(), around: new Map(), draft: null };

  const rowElement = (/** @type {Box} */ box, /** @type {Row} */ row) => h('div', {
    class: 'wire-row', role: 'button', tabindex: '-1', 'data-slot': row.name, 'data-family': familyOf(row), 'data-in': row.input, 'data-out': row.output,
    'data-key': `${box.component.handle}.${row.name}`, 'aria-label': rowLabel(now.model, box, row), title: row.doc,
  }, h('span', { class: 'wire-port in' }), h('span', { class: 'wire-name' }, row.displayName), h('span', { class: 'wire-value' }, textOf(box, row)), h('span', { class: 'wire-port out' }));

  const boxElement = (/** @type {Box} */ box) => {
    const { component } = box;
    const head = h('div', { class: 'wire-head' }, icon(symbolOf(types, component.type)), h('span', { class: 'wire-title' }, component.displayName), h('span', { class: 'wire-status' }), menuOf(box));
    const element = h('div', { class: 'wire-box', role: 'group', tabindex: '-1', 'data-handle': component.handle, 'data-key': component.handle, 'aria-label': boxLabel(now.model, box) }, head, box.rows.map((row) => rowElement(box, row)));
    return element;
  };

  const showStatus = (/** @type {Box} */ box) => {
    const element = now.elements.get(box.component.handle);
    if (!element) return;
    const status = statusClass(box.component.status);
    element.dataset.status = status;
    fill(/** @type {Element} */ (element.querySelector('.wire-status')), status !== 'ok' && statusBadge(box.component.status));
    element.setAttribute('aria-label', boxLabel(now.model, box));
  };

  const placeBox = (/** @type {Box} */ box) => {
    const element = now.elements.get(box.component.handle);
    element?.style.setProperty('transform', `translate(${box.at.x * GRID}px, ${box.at.y * GRID}px)`);
  };

  /** @param {string} handle @param {string} slot @param {boolean} right @returns {Point|null} */
  const port = (handle, slot, right) => {
    const box = now.model.boxes.get(handle);
    return box ? portOf(box.at, box.rows.findIndex((r) => r.name === slot), right) : null;
  };

  const placeLine = (/** @type {Link} */ link) => {
    const a = port(link.sourceHandle, link.sourceSlot, true), b = port(link.targetHandle, link.targetSlot, false);
    const group = now.paths.get(keyOf(link));
    if (!group || !(a || b)) return;
    const d = a && b ? curve(a, b) : a ? `M${a.x} ${a.y}h${STUB}m0 -5v10` : `M${(b?.x ?? 0) - STUB} ${(b?.y ?? 0) - 5}v10m0 -5h${STUB}`;
    group.querySelectorAll('path').forEach((path) => path.setAttribute('d', d));
    const text = now.texts.get(keyOf(link));
    if (text) {
      text.setAttribute('x', String(a ? a.x + STUB + 4 : (b?.x ?? 0) - STUB - 4));
      text.setAttribute('y', String((a || b)?.y ?? 0));
    }
  };

  const lineElement = (/** @type {Link} */ link) => {
    const source = now.model.boxes.get(link.sourceHandle), target = now.model.boxes.get(link.targetHandle);
    const row = source?.rows.find((r) => r.name === link.sourceSlot) || target?.rows.find((r) => r.name === link.targetSlot);
    const group = s('g', { class: 'wire-line', role: 'button', tabindex: '-1', 'data-link': keyOf(link), 'data-key': `link:${keyOf(link)}`, 'data-family': row ? familyOf(row) : 'other', 'aria-label': linkLabel(now.model, link) },
      s('path', { class: 'wire-hit' }), s('path', { class: 'wire-stroke' }));
    if (!link.enabled) group.setAttribute('data-off', '');
    if (!link.valid) group.setAttribute('data-bad', '');
    if (!source || !target) {
      const name = source ? `${link.target.replace(/^.*slot:/, '').split('/').slice(-2).join('/')}.${link.targetSlot}` : `${link.source.replace(/^.*slot:/, '').split('/').slice(-2).join('/')}.${link.sourceSlot}`;
      const text = s('text', { 'text-anchor': source ? 'start' : 'end', 'dominant-baseline': 'middle' });
      text.textContent = name;
      now.texts.set(keyOf(link), text);
      for (const [event, shown] of /** @type {[string, boolean][]} */ ([['pointerenter', true], ['pointerleave', false], ['focus', true], ['blur', false]])) group.addEventListener(event, () => text.classList.toggle('pointed', shown));
    }
    const title = s('title', {});
    title.textContent = linkLabel(now.model, link);
    group.prepend(title);
    return group;
  };

  /** @returns {{x: number, y: number, right: number, bottom: number}} pixels of the world that have something on them */
  const bounds = () => {
    const all = [...now.model.boxes.values()];
    if (!all.length) return { x: 0, y: 0, right: 400, bottom: 300 };
    return {
      x: Math.min(...all.map((b) => b.at.x)) * GRID - 32, y: Math.min(...all.map((b) => b.at.y)) * GRID - 32,
      right: Math.max(...all.map((b) => b.at.x)) * GRID + WIDTH + 32, bottom: Math.max(...all.map((b) => b.at.y * GRID + heightOf(b.rows.length))) + 32,
    };
  };

  const drawMap = () => {
    const box = bounds();
    const left = Math.min(box.x, -view.x / view.k), top = Math.min(box.y, -view.y / view.k);
    const right = Math.max(box.right, (viewport.clientWidth - view.x) / view.k), bottom = Math.max(box.bottom, (viewport.clientHeight - view.y) / view.k);
    const k = Math.min(160 / (right - left), 100 / (bottom - top));
    const rect = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ w, /** @type {number} */ hh, /** @type {string} */ name, /** @type {string} */ status = 'ok') =>
      s('rect', { x: String((x - left) * k), y: String((y - top) * k), width: String(Math.max(2, w * k)), height: String(Math.max(2, hh * k)), class: name, 'data-status': status });
    map.replaceChildren(...[...now.model.boxes.values()].map((b) => rect(b.at.x * GRID, b.at.y * GRID, WIDTH, heightOf(b.rows.length), 'box', statusClass(b.component.status))),
      rect(-view.x / view.k, -view.y / view.k, viewport.clientWidth / view.k, viewport.clientHeight / view.k, 'seen'));
    map.dataset.k = String(k);
    map.dataset.left = String(left);
    map.dataset.top = String(top);
  };

  let asked = 0;
  /** The map is drawn once a frame at most. */
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(drawMap);
  };

  const show = () => {
    world.style.setProperty('transform', `translate(${view.x}px, ${view.y}px) scale(${view.k})`);
    viewport.style.setProperty('--step', `${GRID * view.k * (view.k < 0.5 ? 4 : 1)}px`);
    viewport.style.setProperty('--x', `${view.x}px`);
    viewport.style.setProperty('--y', `${view.y}px`);
    viewport.dispatchEvent(new CustomEvent('zoomed'));
    later();
  };

  return {
    viewport, view, now,
    /** @param {Model} model draws it all anew @returns {void} */
    draw(model) {
      now.model = model;
      now.elements = new Map([...model.boxes].map(([handle, box]) => [handle, boxElement(box)]));
      now.texts = new Map();
      now.paths = new Map(model.links.map((link) => [keyOf(link), lineElement(link)]));
      now.around = new Map();
      for (const link of model.links) {
        for (const handle of new Set([link.sourceHandle, link.targetHandle])) now.around.set(handle, [...(now.around.get(handle) || []), link]);
      }
      fill(boxes, [...now.elements.values()]);
      lines.replaceChildren(...now.paths.values());
      labels.replaceChildren(...now.texts.values());
      for (const box of model.boxes.values()) { placeBox(box); showStatus(box); }
      model.links.forEach(placeLine);
      show();
    },
    /** A box stands elsewhere. @param {Box} box @returns {void} */
    moved(box) {
      placeBox(box);
      (now.around.get(box.component.handle) || []).forEach(placeLine);
      later();
    },
    /** A value has come. @param {string} handle @param {string} slot @param {any} value @returns {void} */
    value(handle, slot, value) {
      const box = now.model.boxes.get(handle);
      if (!box) return;
      box.component.values[slot] = value;
      if (slot === 'status') box.component.status = value;
      if (slot === 'out' && value?.status) box.component.status = value.status;
      if (slot === 'status' || slot === 'out') showStatus(box);
      const row = box.rows.find((r) => r.name === slot);
      const element = now.elements.get(handle)?.querySelector(`[data-slot="${slot}"]`);
      if (!row || !element) return;
      const text = element.querySelector('.wire-value');
      if (text) text.textContent = textOf(box, row);
      element.setAttribute('aria-label', rowLabel(now.model, box, row));
    },
    /** The line of a link that is being drawn; null: none. @param {Point|null} a @param {Point} [b] pixels of the world @returns {void} */
    draft(a, b) {
      now.draft?.remove();
      now.draft = a && b ? s('path', { class: 'wire-draft', d: curve(a, b) }) : null;
      if (now.draft) lines.append(now.draft);
    },
    /** A sentence beside the pointer; empty: none. @param {string} text @param {boolean} bad @param {MouseEvent} [event] @returns {void} */
    tip(text, bad, event) {
      tip.hidden = !text;
      tip.textContent = text;
      tip.classList.toggle('bad', bad);
      if (!event) return;
      const box = viewport.getBoundingClientRect();
      tip.style.setProperty('left', `${event.clientX - box.left + 14}px`);
      tip.style.setProperty('top', `${event.clientY - box.top + 14}px`);
    },
    port, show,
    /** @param {MouseEvent} event @returns {Point} pixels of the world */
    pointOf(event) {
      const box = viewport.getBoundingClientRect();
      return { x: (event.clientX - box.left - view.x) / view.k, y: (event.clientY - box.top - view.y) / view.k };
    },
    /** @param {number} factor @param {Point} [at] pixels of the viewport that stay where they are @returns {void} */
    zoom(factor, at = { x: viewport.clientWidth / 2, y: viewport.clientHeight / 2 }) {
      const k = Math.min(ZOOMS.most, Math.max(ZOOMS.least, view.k * factor));
      view.x = at.x - (at.x - view.x) * (k / view.k);
      view.y = at.y - (at.y - view.y) * (k / view.k);
      view.k = k;
      show();
    },
    /** Everything in sight, not larger than life. @returns {void} */
    fit() {
      const box = bounds();
      view.k = Math.max(ZOOMS.least, Math.min(1, viewport.clientWidth / (box.right - box.x), viewport.clientHeight / (box.bottom - box.y)));
      view.x = Math.max(0, (viewport.clientWidth - (box.right - box.x) * view.k) / 2) - box.x * view.k;
      view.y = Math.max(0, Math.min(24, (viewport.clientHeight - (box.bottom - box.y) * view.k) / 2)) - box.y * view.k;
      show();
    },
    /** Brings a box into sight. @param {string} handle @returns {void} */
    reveal(handle) {
      const box = now.model.boxes.get(handle);
      if (!box) return;
      const x = box.at.x * GRID * view.k + view.x, y = box.at.y * GRID * view.k + view.y;
      const w = WIDTH * view.k, hh = heightOf(box.rows.length) * view.k;
      const into = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ room) => (at < 12 ? 12 - at : at + size > room - 12 ? Math.max(12 - at, room - 12 - at - size) : 0);
      const dx = into(x, w, viewport.clientWidth), dy = into(y, hh, viewport.clientHeight);
      if (!dx && !dy) return;
      view.x += dx;
      view.y += dy;
      show();
    },
  };
}
/** @typedef {ReturnType<typeof drawing>} Drawing */
