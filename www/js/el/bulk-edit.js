// SPDX-License-Identifier: Apache-2.0
// One property of many components at once: chosen among those that all of them have, shown as what would change before it is
// saved, all or nothing.
import { h, fill, banner, labelled } from '../dom.js';
import { plural, t } from '../i18n.js';
import { allTypes, post, Problem } from '../api.js';
import { ask } from './dialog.js';
import { diffTable } from './diff.js';
import { editorFor } from './composites.js';
import { slotsOf } from './slots-of.js';
import { toast } from './toast.js';
/** @typedef {import('./chosen.js').Item} Item */
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('../types.js').Type} Type */

/** So many are sent as an operation each, so that what is wrong has a path; more as one. */
const ONE_BY_ONE = 1000;

/** What must be alike. @param {Slot} slot @returns {string} */
const shape = (slot) => JSON.stringify([slot.name, slot.kind, slot.element, slot.members?.map(shape)]);

/** The properties that all of them have alike and that can be written; facets are those of the first one. @param {Item[]} items @param {Map<string, Type>} types @returns {Slot[]} */
export function commonSlots(items, types) {
  const writable = (/** @type {Item} */ item) => slotsOf(types.get(item.type), item).filter((s) => s.kind !== 'component' && !s.flags.includes('readonly') && !s.flags.includes('hidden'));
  /** @type {Map<string, Item>} one of each kind is enough */
  const kinds = new Map(items.map((item) => [`${item.type} ${JSON.stringify(item.slots || [])}`, item]));
  const [first = [], ...rest] = [...kinds.values()].map(writable);
  return rest.reduce((common, slots) => common.filter((s) => slots.some((o) => shape(o) === shape(s))), first);
}

/** What is wrong, with the component it is wrong at. @param {Item[]} items @param {Problem} problem @returns {any} */
function errors(items, problem) {
  const pathOf = (/** @type {string} */ pointer) => (items.length > ONE_BY_ONE ? '' : items[Number(pointer.split('/')[1])]?.path || '');
  return banner('bad', h('strong', {}, t('Nothing would be saved. ')), problem.errors.length ? h('ul', {}, [...new Set(problem.errors.map((e) => `${pathOf(e.pointer)} ${e.detail}`.trim()))].slice(0, 20).map((text) => h('li', {}, text))) : problem.message);
}

/** @param {Item[]} items @param {() => void} changed @returns {Promise<boolean>} was something saved? */
export async function editMany(items, changed) {
  const types = await allTypes();
  const slots = commonSlots(items, types);
  const none = slots.length === 0;
  const select = h('select', {}, slots.map((s, i) => h('option', { value: String(i) }, s.displayName)));
  const place = h('div', {}), result = h('div', { role: 'status' });
  /** @type {import('./editors.js').Editor} */ let editor;
  const slot = () => slots[Number(select.value)];
  const show = () => {
    editor = editorFor(slot(), types);
    editor.set(items[0].values?.[slot().name] ?? slot().default);
    const whole = ['struct', 'list'].includes(slot().kind);
    fill(place, whole ? [h('div', { class: 'label' }, t('Value')), editor.element] : labelled(t('Value'), editor.control), !whole && editor.control !== editor.element && editor.element, h('p', { class: 'help' }, slot().doc));
    fill(result);
  };
  const send = (/** @type {string} */ query) => {
    const values = { [slot().name]: editor.get() }, paths = items.map((item) => item.path);
    return post(`/batch${query}`, items.length > ONE_BY_ONE ? [{ op: 'patch', paths, values }] : paths.map((path) => ({ op: 'patch', path, values })));
  };
  const preview = async () => {
    try {
      fill(result, diffTable((await send('?dryRun=true')).changes));
    } catch (error) {
      fill(result, error instanceof Problem ? errors(items, error) : String(error));
    }
  };
  if (!none) { select.addEventListener('input', show); show(); }
  const saved = await ask({
    title: plural(items.length, 'Edit a property of 1 component', 'Edit a property of {n} components'), wide: true, ok: plural(items.length, 'Save', 'Save to all {n}'),
    body: none ? [h('p', {}, t('These components have no property in common that can be written.'))]
      : [labelled(t('Property'), select, t('Only what all of them have alike is offered.')), place, h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: preview }, t('Show what would change'))), result],
    submit: none ? undefined : async () => {
      try {
        return await send('');
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        fill(result, errors(items, error));
        return null;
      }
    },
  });
  if (!saved) return false;
  toast(saved.summary || t('Nothing had to be changed.'));
  changed();
  return true;
}
