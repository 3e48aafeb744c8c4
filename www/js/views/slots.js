// SPDX-License-Identifier: Apache-2.0
// The slot sheet: every property, action and topic of a component with its kind, flags, facets, default and present value.
import { h, fill } from '../dom.js';
import { t } from '../i18n.js';
import { valueText } from '../el/values.js';
/** @typedef {import('../types.js').Slot} Slot */

/** @param {import('../types.js').Facets} facets @returns {string} */
function facetsText(facets) {
  return Object.entries(facets || {}).map(([name, value]) => (name === 'range' ? `${t('range')}: ${value.map((/** @type {any} */ tag) => tag.name).join(', ')}` : value === true ? name : `${name}: ${value}`)).join(' · ');
}

/** @param {Slot} slot @returns {string} */
function kindText(slot) {
  if (slot.kind === 'list') return t('list of {kind}', { kind: slot.element || '' });
  return slot.kind === 'component' ? slot.type || '' : slot.kind;
}

/** @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function slotsPanel({ component, type }) {
  const own = new Map((component.slots || []).map((row) => [row.name, row.facets]));
  const values = { ...component.values };
  const properties = (type?.slots || []).map((slot) => ({ sort: t('property'), slot: { ...slot, facets: { ...slot.facets, ...own.get(slot.name) } } }));
  const others = [...(type?.actions || []).map((a) => ({ sort: t('action'), slot: { ...a, kind: a.arg ? kindText(a.arg) : '', facets: a.arg?.facets || {} } })), ...(type?.topics || []).map((x) => ({ sort: t('topic'), slot: { ...x, kind: '', flags: [], facets: {} } }))];
  const search = h('input', { type: 'search', 'aria-label': t('Search by name'), placeholder: t('Search by name'), oninput: () => draw() });
  const body = h('tbody', {});
  const text = (/** @type {any} */ slot, /** @type {any} */ value) => (value === undefined ? '' : valueText(slot, value));
  const row = (/** @type {any} */ { sort, slot }) => h('tr', {}, h('th', { scope: 'row' }, slot.name, h('div', { class: 'under' }, slot.displayName)), h('td', {}, sort), h('td', { class: 'mono small' }, kindText(slot)), h('td', {}, (slot.flags || []).join(', ')),
    h('td', { class: 'small' }, facetsText(slot.facets)), h('td', { class: 'small' }, sort === t('property') && slot.kind !== 'component' ? text(slot, slot.default) : ''), h('td', { class: 'small' }, sort === t('property') ? text(slot, values[slot.name]) : ''), h('td', { class: 'small muted' }, slot.doc));
  const draw = () => fill(body, [...properties, ...others].filter(({ slot }) => `${slot.name} ${slot.displayName}`.toLowerCase().includes(search.value.toLowerCase())).map(row));
  draw();
  const heads = [t('Name'), t('Slot'), t('Kind'), t('Flags'), t('Facets'), t('Default'), t('Value'), t('Help')];
  return { element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Slots'), ' ', h('span', { class: 'number' }, properties.length + others.length)), h('div', {}, search)),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Slots') }, h('table', { class: 'slots' }, h('thead', {}, h('tr', {}, heads.map((x) => h('th', { scope: 'col' }, x)))), body))) };
}
