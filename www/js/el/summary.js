// SPDX-License-Identifier: Apache-2.0
// A component in one line, wherever its parent lists it: its out, and what is flagged as summary.
import { h } from '../dom.js';
import { slotsOf } from './slots-of.js';
import { outText, valueText } from './values.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('../types.js').Type} Type */

/** So many slots have room. */
const MOST = 3;

/** @param {Child} child with its values @param {Type|undefined} type @returns {any} */
export function summaryView(child, type) {
  const values = child.values || {};
  const slots = slotsOf(type, child).filter((s) => s.flags.includes('summary') && s.kind !== 'status' && s.name !== 'out' && !['', null, undefined].includes(values[s.name]));
  const worth = values.out ? slots.filter((s) => s.dynamic) : slots; // a point says enough with its out
  const rest = worth.slice(0, MOST).map((s) => `${s.displayName}: ${valueText(s, values[s.name])}`).join(' · ');
  return [values.out && h('span', { class: 'point-value' }, outText(values)), rest && h('span', { class: 'muted small' }, values.out && ' ', rest)];
}
