// SPDX-License-Identifier: Apache-2.0
// A wire sheet by keyboard alone. One thing on it has the focus at a time, and Tab leaves the sheet: on boxes the arrows go
// to the next box that way; Enter goes to the slots; from a slot, left and right follow the lines.
import { portOf } from './geometry.js';
import { keyOf } from './drawing.js';
/** @typedef {import('./commands.js').Commands} Commands */
/** @typedef {import('./drawing.js').Drawing} Drawing */

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The nearest box in a direction: what lies aside counts double. @param {Drawing} drawing @param {string} handle @param {[number, number]} way @returns {string|null} */
function nearest(drawing, handle, [dx, dy]) {
  const { boxes } = drawing.now.model;
  const from = boxes.get(handle);
  if (!from) return null;
  const a = portOf(from.at, -1, false);
  let best = null, least = Infinity;
  for (const [other, box] of boxes) {
    const b = portOf(box.at, -1, false);
    const along = (b.x - a.x) * dx + (b.y - a.y) * dy, aside = Math.abs((b.x - a.x) * dy) + Math.abs((b.y - a.y) * dx);
    if (other === handle || along <= 0) continue;
    if (along + 2 * aside < least) { least = along + 2 * aside; best = other; }
  }
  return best;
}

/** @param {Drawing} drawing @param {Commands} commands @returns {void} */
export function keys(drawing, commands) {
  const { viewport } = drawing;

  /** Keys that mean the same everywhere. @param {KeyboardEvent} event @returns {boolean} */
  const everywhere = (event) => {
    const control = event.ctrlKey || event.metaKey;
    /** @type {Record<string, () => void>} */
    const plain = { '+': () => drawing.zoom(1.25), '=': () => drawing.zoom(1.25), '-': () => drawing.zoom(0.8), 0: () => drawing.fit(), a: () => commands.add(), '?': () => commands.help(), Escape: () => commands.escape() };
    /** @type {Record<string, () => void>} */
    const held = { z: () => (event.shiftKey ? commands.redo() : commands.undo()), y: () => commands.redo(), c: () => commands.copy(), x: () => commands.cut(), v: () => commands.paste(), d: () => commands.duplicate(), a: () => commands.select([...drawing.now.model.boxes.keys()]) };
    const run = control ? held[event.key.toLowerCase()] : event.altKey ? undefined : plain[event.key];
    run?.();
    return Boolean(run);
  };

  /** @param {KeyboardEvent} event @param {string} handle @returns {boolean} */
  const onBox = (event, handle) => {
    const way = ARROWS[event.key];
    if (way && event.shiftKey) commands.nudge(way[0], way[1]);
    else if (way) {
      const next = nearest(drawing, handle, way);
      if (next) { commands.select([next]); commands.focusBox(next); }
    } else if (event.key === 'Enter') commands.firstRow(handle);
    else if (event.key === ' ') commands.toggle(handle);
    else if (event.key === 'Delete' || event.key === 'Backspace') commands.removeSelected();
    else if (event.key === 'l') commands.firstRow(handle);
    else if (event.key === 'o') commands.open(handle);
    else if (event.key === 'm' || event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) /** @type {HTMLElement} */ (event.target).querySelector('button')?.click();
    else return false;
    return true;
  };

  /** @param {KeyboardEvent} event @param {string} handle @param {string} slot @returns {boolean} */
  const onRow = (event, handle, slot) => {
    const { links } = drawing.now.model;
    const rows = /** @type {HTMLElement[]} */ ([...(drawing.now.elements.get(handle)?.querySelectorAll('.wire-row') || [])]);
    const at = rows.findIndex((r) => r.dataset.slot === slot);
    const go = (/** @type {number} */ i) => { if (rows[i]) commands.focusRow(handle, rows[i].dataset.slot || ''); };
    const out = links.find((l) => l.sourceHandle === handle && l.sourceSlot === slot), into = links.find((l) => l.targetHandle === handle && l.targetSlot === slot);
    if (event.key === 'ArrowDown') go(at + 1);
    else if (event.key === 'ArrowUp' && at === 0) commands.focusBox(handle);
    else if (event.key === 'ArrowUp') go(at - 1);
    else if (event.key === 'Home') go(0);
    else if (event.key === 'End') go(rows.length - 1);
    else if (event.key === 'ArrowRight' && out) commands.focusLine(keyOf(out));
    else if (event.key === 'ArrowLeft' && into) commands.focusLine(keyOf(into));
    else if (ARROWS[event.key]) return true;
    else if (event.key === 'l') commands.chooseEnd(handle, slot, true);
    else if (event.key === 'L') commands.chooseEnd(handle, slot, false);
    else if (event.key === 'Enter' || event.key === ' ') commands.details(handle, slot);
    else if (event.key === 'Escape' && !commands.armed()) commands.focusBox(handle);
    else return false;
    return true;
  };

  /** @param {KeyboardEvent} event @param {string} key @returns {boolean} */
  const onLine = (event, key) => {
    const link = drawing.now.model.links.find((l) => keyOf(l) === key);
    if (!link) return false;
    const beside = drawing.now.model.links.filter((l) => (l.sourceHandle === link.sourceHandle && l.sourceSlot === link.sourceSlot));
    const at = beside.indexOf(link);
    if (event.key === 'ArrowRight') commands.focusRow(link.targetHandle, link.targetSlot);
    else if (event.key === 'ArrowLeft' || event.key === 'Escape') commands.focusRow(link.sourceHandle, link.sourceSlot);
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') commands.focusLine(keyOf(beside[(at + (event.key === 'ArrowDown' ? 1 : beside.length - 1)) % beside.length]));
    else if (event.key === 'Delete' || event.key === 'Backspace') commands.removeLink(link);
    else if (event.key === 'Enter' || event.key === ' ') commands.lineDetails(key);
    else return false;
    return true;
  };

  viewport.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest('button, .menu')) return;
    const handle = /** @type {HTMLElement|null} */ (target.closest('.wire-box'))?.dataset.handle || '';
    const line = target.closest('.wire-line');
    const control = event.ctrlKey || event.metaKey;
    const done = !control && ((target.matches('.wire-box') && onBox(event, handle)) || (target.matches('.wire-row') && onRow(event, handle, target.dataset.slot || '')) || (line && onLine(event, /** @type {any} */ (line).dataset.link)));
    if (done || everywhere(event)) event.preventDefault();
  });
}
