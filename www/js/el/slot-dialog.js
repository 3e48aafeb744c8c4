// SPDX-License-Identifier: Apache-2.0
// Adding a property to one component, and what it has otherwise than its type: name, kind, display name, flags, facets.
import { h, fill, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl } from '../api.js';
import { spaced } from '../format.js';
import { ask } from './dialog.js';
import { SlotMembers } from './slot-members.js';
/** @typedef {import('../types.js').Slot} Slot */

const KINDS = ['real', 'boolean', 'integer', 'string', 'enum', 'abstime', 'reltime', 'ord', 'statusNumeric', 'statusBoolean', 'statusEnum', 'statusString', 'struct', 'list', 'secret'];
const ITEMS = ['string', 'integer', 'real', 'boolean', 'ord', 'struct'];
const NUMBERS = ['integer', 'real', 'statusNumeric'];

/** The facets that a person may give, with the kinds that have them. @type {{name: string, kinds: string[], label: string, help?: string, own?: boolean}[]} */
const FACETS = [
  { name: 'units', kinds: NUMBERS, label: t('Unit') },
  { name: 'precision', kinds: ['real', 'statusNumeric'], label: t('Decimals') },
  { name: 'min', kinds: [...NUMBERS, 'reltime'], label: t('Least value') },
  { name: 'max', kinds: [...NUMBERS, 'reltime'], label: t('Greatest value') },
  { name: 'trueText', kinds: ['boolean', 'statusBoolean'], label: t('Word for true') },
  { name: 'falseText', kinds: ['boolean', 'statusBoolean'], label: t('Word for false') },
  { name: 'range', kinds: ['enum', 'statusEnum'], label: t('Range'), help: t('The names, separated by commas'), own: true },
];

/** @param {Slot|null} slot @param {string} name @returns {string} */
function facetText(slot, name) {
  const value = /** @type {any} */ (slot?.facets || {})[name];
  return name === 'range' ? (value || []).map((/** @type {any} */ tag) => tag.name).join(', ') : String(value ?? '');
}

/** What was typed, as the facet; names that stay keep their numbers. @param {string} name @param {string} text @param {Slot|null} slot @returns {any} */
function facetValue(name, text, slot) {
  if (name === 'range') {
    const old = slot?.facets.range || [];
    let free = Math.max(-1, ...old.map((tag) => tag.ordinal ?? 0));
    return text.split(',').map((part) => part.trim()).filter(Boolean).map((tag) => ({ name: tag, ordinal: old.find((o) => o.name === tag)?.ordinal ?? (free += 1) }));
  }
  const number = ['precision', 'min', 'max'].includes(name) && text.trim() !== '' ? Number(text.replace(',', '.')) : NaN;
  return Number.isNaN(number) ? text : number;
}

/**
 * Asks for a slot and saves it: a new one, or one that there is (dynamic: whole; of the type: what may differ).
 * @param {{path: string, displayName: string}} component @param {Slot|null} slot @param {'property'|'action'} sort
 * @returns {Promise<boolean>}
 */
export async function editSlot(component, slot, sort = 'property') {
  const whole = !slot || /** @type {any} */ (slot).dynamic;
  const name = h('input', { value: slot?.name || '', autocomplete: 'off', spellcheck: 'false' });
  const display = h('input', { value: slot && slot.displayName !== spaced(slot.name) ? slot.displayName : '', autocomplete: 'off' });
  const kind = h('select', {}, KINDS.map((k) => h('option', { value: k, selected: k === slot?.kind }, k)));
  const element = h('select', {}, ITEMS.map((k) => h('option', { value: k, selected: k === slot?.element }, k)));
  const names = sort === 'action' ? ['hidden', 'operator', 'confirmRequired'] : ['readonly', ...(whole ? ['transient'] : []), 'hidden', 'summary', 'operator'];
  const flags = names.map((flag) => h('input', { type: 'checkbox', checked: slot?.flags.includes(flag), value: flag }));
  const flagsBefore = JSON.stringify(names.filter((flag) => slot?.flags.includes(flag)));
  const fields = new Map(FACETS.map((f) => [f.name, h('input', { value: facetText(slot, f.name), autocomplete: 'off' })]));
  const items = labelled(t('Kind of the items'), element);
  const facets = h('div', { class: 'members' });
  const members = new SlotMembers(slot?.members || []);
  const doc = h('input', { value: slot?.doc || '', autocomplete: 'off' });
  const hasMembers = () => kind.value === 'struct' || (kind.value === 'list' && element.value === 'struct');
  const shown = () => FACETS.filter((f) => sort === 'property' && f.kinds.includes(whole ? kind.value : slot?.kind || '') && (whole || !f.own));
  const show = () => {
    items.hidden = kind.value !== 'list';
    members.element.hidden = !hasMembers();
    fill(facets, shown().map((f) => labelled(f.label, fields.get(f.name), f.help)));
  };
  kind.addEventListener('input', show);
  element.addEventListener('input', show);
  show();
  const given = () => Object.fromEntries(shown().filter((f) => fields.get(f.name).value !== facetText(slot, f.name)).map((f) => [f.name, fields.get(f.name).value.trim() === '' ? null : facetValue(f.name, fields.get(f.name).value, slot)]));
  const submit = async () => {
    /** @type {Record<string, any>} */ const patch = {};
    const chosen = flags.filter((box) => box.checked).map((box) => box.value);
    if (whole && kind.value !== slot?.kind) patch.kind = kind.value;
    if (whole && kind.value === 'list') patch.element = element.value;
    else if (slot?.element) patch.element = null;
    if (whole && hasMembers() && (members.changed() || patch.kind)) patch.members = members.get();
    else if (slot?.members && !hasMembers()) patch.members = null;
    if (whole && doc.value.trim() !== (slot?.doc || '')) patch.doc = doc.value.trim();
    if (JSON.stringify(chosen) !== flagsBefore) patch.flags = chosen;
    if (display.value.trim() || slot) patch.displayName = display.value.trim() || null;
    if (Object.keys(given()).length) patch.facets = !slot ? Object.fromEntries(Object.entries(given()).filter(([, value]) => value !== null)) : given();
    if (slot && whole && name.value.trim() !== slot.name) patch.name = name.value.trim();
    await call('PATCH', componentUrl(component.path), { slots: { [slot ? slot.name : name.value.trim()]: patch } });
    return true;
  };
  return Boolean(await ask({
    title: slot ? t('{slot} of {name}', { slot: slot.displayName, name: component.displayName }) : t('Add a property to {name}', { name: component.displayName }), ok: slot ? t('Save') : t('Add'), submit,
    body: [whole ? labelled(t('Name'), name, t('A letter, then letters, digits or _. Links follow a new name.')) : h('p', { class: 'muted' }, t('What stands here holds for this component alone; the rest is as its type says.')),
      whole && labelled(t('Kind'), kind), whole && items, whole && members.element, labelled(t('Display name'), display), whole && labelled(t('Help'), doc, t('What it means; stands beside it on the sheet')),
      h('fieldset', {}, h('legend', {}, t('Flags')), h('div', { class: 'flags' }, flags.map((box) => h('label', {}, box, box.value)))), facets],
  }));
}

/** Takes away what the component has of its own: a dynamic slot, or what differs from the type. @param {{path: string}} component @param {Slot} slot @returns {Promise<boolean>} */
export async function dropSlot(component, slot) {
  const dynamic = /** @type {any} */ (slot).dynamic;
  return Boolean(await ask({
    title: dynamic ? t('Remove {name}?', { name: slot.displayName }) : t('{name} as its type has it?', { name: slot.name }), ok: dynamic ? t('Remove') : t('Reset'), danger: true,
    body: [h('p', {}, dynamic ? t('The property goes with its value and with the links that enter or leave it. It can be undone.') : t('Flags, facets and the display name of this component go.'))],
    submit: async () => {
      await call('PATCH', componentUrl(component.path), { slots: { [slot.name]: null } });
      return true;
    },
  }));
}
