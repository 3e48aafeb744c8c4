// SPDX-License-Identifier: Apache-2.0
// What a wire sheet shows: boxes with the slots that matter, links among them and to elsewhere, and how all that reads.
import { actionsOf, slotsOf } from '../el/slots-of.js';
import { t } from '../i18n.js';
import { PLAIN_KIND, valueText } from '../el/values.js';
import { pathOfOrd, statusText } from '../format.js';
import { arrange } from './geometry.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('./geometry.js').Point} Point */
/**
 * @typedef {{name: string, source: string, sourceHandle: string, sourceSlot: string, target: string, targetHandle: string, targetSlot: string,
 *   enabled: boolean, valid: boolean, reason?: string, conversion: {from: string, to: string, loss?: string}|null}} Link
 * @typedef {{name: string, displayName: string, what: 'property'|'action'|'topic', slot: Slot|null, input: boolean, output: boolean, doc: string}} Row
 * @typedef {{component: Component, at: Point, placed: boolean, rows: Row[], hidden: number, all: boolean}} Box
 * @typedef {{boxes: Map<string, Box>, links: Link[], more: boolean}} Model
 */

/** As many inputs as are shown without being asked for. */
const INPUTS = 6;

/** @param {Type|undefined} type @param {Component} component @returns {Row[]} */
function allRows(type, component) {
  const slots = slotsOf(type, component).filter((s) => !['component', 'secret'].includes(s.kind) && !s.flags.includes('hidden'));
  return [
    ...slots.map((slot) => ({ name: slot.name, displayName: slot.displayName, what: /** @type {'property'} */ ('property'), slot, input: !slot.flags.includes('readonly'), output: true, doc: slot.doc })),
    ...actionsOf(type, component).filter((a) => !a.flags.includes('hidden')).map((a) => ({ name: a.name, displayName: a.displayName, what: /** @type {'action'} */ ('action'), slot: null, input: true, output: true, doc: a.doc })),
    ...(type?.topics || []).map((x) => ({ name: x.name, displayName: x.displayName, what: /** @type {'topic'} */ ('topic'), slot: null, input: true, output: true, doc: x.doc || '' })),
  ];
}

/** Rows that are shown: out first, inputs, what is linked. @param {Row[]} rows @param {Set<string>} linked @param {boolean} all @returns {Row[]} */
function shownRows(rows, linked, all) {
  const inputs = rows.filter((r) => r.slot && PLAIN_KIND[r.slot.kind] && r.input);
  const shown = rows.filter((r) => all || linked.has(r.name) || (r.slot && r.slot.flags.includes('summary') && r.name !== 'status') || (inputs.length <= INPUTS && inputs.includes(r)));
  return [...shown.filter((r) => r.name === 'out'), ...shown.filter((r) => r.name !== 'out')];
}

/**
 * The model of an answer.
 * @param {{items: (Component & {position?: Point})[], links: Link[], more: boolean}} answer @param {Map<string, Type>} types @param {Set<string>} open handles of boxes that show all
 * @returns {Model}
 */
export function modelOf(answer, types, open) {
  /** @type {Map<string, Set<string>>} */
  const linked = new Map();
  const note = (/** @type {string} */ handle, /** @type {string} */ slot) => linked.set(handle, (linked.get(handle) || new Set()).add(slot));
  for (const link of answer.links) {
    note(link.sourceHandle, link.sourceSlot);
    note(link.targetHandle, link.targetSlot);
  }
  const boxes = new Map(answer.items.map((component) => {
    const rows = allRows(types.get(component.type), component);
    const all = open.has(component.handle);
    const shown = shownRows(rows, linked.get(component.handle) || new Set(), all);
    return [component.handle, { component, at: component.position || { x: 0, y: 0 }, placed: Boolean(component.position), rows: shown, hidden: rows.length - shown.length, all }];
  }));
  placeRest(boxes, answer.links);
  return { boxes, links: answer.links, more: answer.more };
}

/** Boxes without a place get one below the others. @param {Map<string, Box>} boxes @param {Link[]} links @returns {void} */
function placeRest(boxes, links) {
  const list = [...boxes.values()];
  const placed = list.filter((b) => b.placed);
  const taken = new Set();
  for (const box of placed) { // a copy stands where its original does
    while (taken.has(`${box.at.x},${box.at.y}`)) box.at = { x: box.at.x + 2, y: box.at.y + 2 };
    taken.add(`${box.at.x},${box.at.y}`);
  }
  const lowest = Math.max(0, ...placed.map((b) => b.at.y + 4 + 1.5 * b.rows.length));
  const rest = list.filter((b) => !b.placed).map((b) => ({ handle: b.component.handle, rows: b.rows.length }));
  for (const [handle, at] of arrange(rest, pairsOf(boxes, links), { x: 2, y: Math.ceil(placed.length ? lowest + 2 : 2) })) {
    const box = boxes.get(handle);
    if (box) box.at = at;
  }
}

/** @param {Map<string, Box>} boxes @param {Link[]} links @returns {[string, string][]} links among the boxes */
export function pairsOf(boxes, links) {
  return links.filter((l) => boxes.has(l.sourceHandle) && boxes.has(l.targetHandle)).map((l) => [l.sourceHandle, l.targetHandle]);
}

/** A row's value as text. @param {Box} box @param {Row} row @returns {string} */
export function textOf(box, row) {
  if (!row.slot) return row.what === 'action' ? t('action') : t('topic');
  return valueText(row.slot, box.component.values[row.name]).split('\n')[0];
}

/** @param {Row} row @returns {string} the family of its colour */
export function familyOf(row) {
  const kind = row.slot ? PLAIN_KIND[row.slot.kind] || row.slot.kind : 'event';
  if (['real', 'integer', 'reltime'].includes(kind)) return 'number';
  return ['boolean', 'enum', 'string', 'event'].includes(kind) ? kind : 'other';
}

/** @param {Model} model @param {string} handle @param {string} ord @returns {string} */
export function nameOf(model, handle, ord) {
  return model.boxes.get(handle)?.component.displayName || pathOfOrd(ord) || ord;
}

/** @param {Model} model @param {Link} link @returns {string} what a screen reader says of a line */
export function linkLabel(model, link) {
  const text = t('Link from {source} {from} to {target} {to}', { source: nameOf(model, link.sourceHandle, link.source), from: link.sourceSlot, target: nameOf(model, link.targetHandle, link.target), to: link.targetSlot });
  const source = model.boxes.get(link.sourceHandle);
  const row = source?.rows.find((r) => r.name === link.sourceSlot);
  const parts = [text];
  if (source && row?.slot) parts.push(t('carries {value}', { value: textOf(source, row) }));
  if (link.conversion) parts.push(t('converted from {from} to {to}', link.conversion));
  if (!link.enabled) parts.push(t('disabled'));
  if (!link.valid) parts.push(link.reason || t('not valid'));
  return parts.join(', ');
}

/** @param {Model} model @param {Box} box @returns {string} */
export function boxLabel(model, box) {
  const { component } = box;
  const into = model.links.filter((l) => l.targetHandle === component.handle).length;
  const out = model.links.filter((l) => l.sourceHandle === component.handle).length;
  return t('{name}, {type}, {status}, links in: {into}, out: {out}', { name: component.displayName, type: component.type, status: statusText(component.status), into, out });
}

/** @param {Model} model @param {Box} box @param {Row} row @returns {string} */
export function rowLabel(model, box, row) {
  const { handle } = box.component;
  const from = model.links.filter((l) => l.targetHandle === handle && l.targetSlot === row.name).map((l) => t('from {name}', { name: `${nameOf(model, l.sourceHandle, l.source)} ${l.sourceSlot}` }));
  const to = model.links.filter((l) => l.sourceHandle === handle && l.sourceSlot === row.name).map((l) => t('to {name}', { name: `${nameOf(model, l.targetHandle, l.target)} ${l.targetSlot}` }));
  return [`${row.displayName}: ${textOf(box, row)}`, ...from, ...to].join(', ');
}
