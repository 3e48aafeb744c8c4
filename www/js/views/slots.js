// SPDX-License-Identifier: Apache-2.0
// The slot sheet: every property, action and topic of a component with its kind, flags, facets, default and present value.
import { h, fill, icon, keepFocus, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { dropSlot, editSlot } from '../el/slot-dialog.js';
import { actionsOf, slotsOf } from '../el/slots-of.js';
import { toastError } from '../el/toast.js';
import { valueText } from '../el/values.js';
/** @typedef {import('../types.js').Slot} Slot */

/** @param {import('../types.js').Facets} facets @returns {string} */
function facetsText(facets) {
  return Object.entries(facets || {}).map(([name, value]) => (name === 'range' ? `${t('range')}: ${/** @type {any[]} */ (value).map((tag) => tag.name).join(', ')}` : value === true ? name : `${name}: ${value}`)).join(' · ');
}

/** @param {Slot} slot @returns {string} */
function kindText(slot) {
  if (slot.kind === 'list') return t('list of {kind}', { kind: slot.element || '' });
  return slot.kind === 'component' ? slot.type || '' : slot.kind;
}

/** @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function slotsPanel({ component, type, options }) {
  let now = component;
  const all = () => [...slotsOf(type, now).map((slot) => ({ sort: t('property'), slot })), ...actionsOf(type, now).map((a) => ({ sort: t('action'), slot: { ...a, kind: a.arg ? kindText(a.arg) : '', facets: a.arg?.facets || {} } })), ...(type?.topics || []).map((x) => ({ sort: t('topic'), slot: { ...x, kind: '', flags: [], facets: {} } }))];
  const search = h('input', { type: 'search', 'aria-label': t('Search by name'), placeholder: t('Search by name'), oninput: () => draw() });
  const body = h('tbody', {});
  const text = (/** @type {any} */ slot, /** @type {any} */ value) => (value === undefined ? '' : valueText(slot, value));
  const then = (/** @type {Promise<boolean>} */ done) => done.then((yes) => { if (yes) options.changed(); }, toastError);
  const tools = (/** @type {string} */ sort, /** @type {any} */ slot) => sort !== t('topic') && [
    h('button', { type: 'button', class: 'plain icon-only', 'data-key': `edit ${slot.name}`, 'aria-label': t('Edit the slot {name}', { name: slot.name }), onclick: () => then(editSlot(component, slot, sort === t('action') ? 'action' : 'property')) }, icon('pencil')),
    (slot.dynamic || slot.own) && h('button', { type: 'button', class: 'plain icon-only', 'data-key': `drop ${slot.name}`, 'aria-label': slot.dynamic ? t('Remove the slot {name}', { name: slot.name }) : t('Reset the slot {name}', { name: slot.name }), onclick: () => then(dropSlot(component, slot)) }, icon(slot.dynamic ? 'trash' : 'undo'))];
  const row = (/** @type {any} */ { sort, slot }) => h('tr', {}, h('th', { scope: 'row' }, slot.name, h('div', { class: 'under' }, slot.displayName)), h('td', { class: 'tight' }, h('div', { class: 'value-line' }, tools(sort, slot))), h('td', {}, h('span', { class: 'mono small' }, kindText(slot)), h('div', { class: 'under' }, sort)), h('td', {}, (slot.flags || []).join(', ')),
    h('td', { class: 'small' }, facetsText(slot.facets)), h('td', { class: 'small lines' }, sort === t('property') && [text(slot, now.values[slot.name]), slot.kind !== 'component' && h('div', { class: 'under' }, t('default: {value}', { value: text(slot, slot.default) || t('empty') }))]), h('td', { class: 'small muted' }, slot.doc));
  const number = h('span', { class: 'number' });
  const draw = () => keepFocus(body, () => {
    number.textContent = String(all().length);
    fill(body, all().filter(({ slot }) => `${slot.name} ${slot.displayName}`.toLowerCase().includes(search.value.toLowerCase())).map(row));
  });
  draw();
  const heads = [t('Name'), null, t('Kind'), t('Flags'), t('Facets'), t('Value'), t('Help')];
  return { element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Slots'), ' ', number), h('div', { class: 'buttons' }, search, h('button', { type: 'button', onclick: () => then(editSlot(component, null)) }, icon('plus'), t('Add a property')))),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Slots') }, h('table', { class: 'slots' }, tableHead(heads), body))),
    follow: (fresh) => { now = fresh; draw(); } };
}
