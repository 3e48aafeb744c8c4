// SPDX-License-Identifier: Apache-2.0
// What can be done with a component: its type's actions with a dialog for the argument, adding, renaming, removing.
import { h, fill, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { allTypes, call, componentUrl, get, pageUrl, post, remove } from '../api.js';
import { typeText } from '../format.js';
import { ask, confirmDialog } from './dialog.js';
import { editCategories } from './categories.js';
import { editSlot } from './slot-dialog.js';
import { actionsOf } from './slots-of.js';
import { editTags } from './tags.js';
import { toast, toastError } from './toast.js';
import { editorFor } from './composites.js';
import { pointFacets } from './values.js';
import { clipboardEntries, pasteEntry } from './clipboard.js';
/** @typedef {import('../types.js').Action} Action */
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Slot} Slot */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Session} Session */

/** What a person may invoke. @param {Type} type @param {Session} session @param {Component} [component] with flags and names of its own @returns {Action[]} */
export function actionsFor(type, session, component) {
  const { operate, configure } = session.permissions;
  return actionsOf(type, component).filter((a) => !a.flags.includes('hidden') && (configure || (operate && a.flags.includes('operator'))));
}

/** The argument of a point's action wears the point's own units and words. @param {Slot} slot @param {Record<string, any>} values @returns {Slot} */
function dressed(slot, values) {
  const dress = (/** @type {Slot} */ s) => (['real', 'boolean', 'enum'].includes(s.kind) ? { ...s, facets: { ...s.facets, ...pointFacets(values) } } : s);
  return slot.members ? { ...slot, members: slot.members.map(dress) } : dress(slot);
}

/** What to offer first: the default, or what the point has now. @param {Slot} slot @param {Record<string, any>} values @returns {any} */
function suggestion(slot, values) {
  const now = values.out?.value;
  if (slot.members) return Object.fromEntries(slot.members.map((m) => [m.name, m.default ?? (m.name === 'value' ? now : undefined)]));
  return slot.default ?? (['real', 'boolean'].includes(slot.kind) ? now : undefined);
}

/** @param {Action} action @param {any} answer @returns {void} */
function told(action, answer) {
  const result = answer?.result;
  const text = result === null || result === undefined ? t('{action}: done.', { action: action.displayName })
    : t('{action}: {result}', { action: action.displayName, result: typeof result === 'object' ? JSON.stringify(result) : result });
  toast(text);
}

/**
 * Invokes an action; asks for its argument, or whether it is meant.
 * @param {Action} action @param {Component} component
 * @returns {Promise<void>}
 */
export async function invoke(action, component) {
  const url = `${componentUrl(component.path)}/actions/${action.name}`;
  const confirm = action.flags.includes('confirmRequired');
  if (!action.arg) {
    if (confirm && !await confirmDialog(t('{action}?', { action: action.displayName }), action.doc, action.displayName)) return;
    told(action, await post(url));
    return;
  }
  const slot = dressed(action.arg, component.values);
  const editor = editorFor(slot, await allTypes(), component);
  editor.set(suggestion(slot, component.values));
  const name = slot.name === action.name ? t('Value') : slot.displayName;
  const field = slot.kind === 'struct' ? editor.element
    : editor.control === editor.element ? labelled(name, editor.control, slot.doc) : h('div', { class: 'field' }, labelled(name, editor.control, slot.doc), editor.element);
  const answer = await ask({ title: action.displayName, body: [h('p', { class: 'muted' }, action.doc), field], ok: action.displayName, danger: confirm,
    submit: async () => (await post(url, editor.get())) ?? {} });
  if (answer !== null) told(action, answer);
}

/** @param {string} path of the parent @param {Record<string, any>} [values] of the new component @param {string} [chosen] its type, to begin with @returns {Promise<string|null>} its path */
export async function addChild(path, values, chosen = 'baja:Folder') {
  const types = [...(await allTypes()).values()].filter((type) => !type.abstract && !type.singleton)
    .sort((a, b) => a.name.localeCompare(b.name));
  const select = h('select', { size: 9, required: true });
  const find = h('input', { type: 'search', placeholder: t('boolean, sum, alarm …'), autocomplete: 'off', spellcheck: 'false', oninput: () => { list(); show(); } });
  const list = () => {
    const before = select.value || chosen, words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = types.filter((type) => words.every((/** @type {string} */ word) => `${type.name} ${typeText(type.name)} ${type.doc}`.toLowerCase().includes(word)));
    const modules = [...new Set(found.map((type) => type.name.split(':')[0]))];
    fill(select, modules.map((module) => h('optgroup', { label: module }, found.filter((type) => type.name.startsWith(`${module}:`)).map((type) => h('option', { value: type.name }, typeText(type.name))))));
    select.value = found.some((type) => type.name === before) ? before : found[0]?.name ?? '';
  };
  list();
  const doc = h('p', { class: 'help', role: 'status' });
  const name = h('input', { autocomplete: 'off', spellcheck: 'false' });
  const show = () => { doc.textContent = types.find((type) => type.name === select.value)?.doc || ''; };
  select.addEventListener('input', show);
  show();
  const made = await ask({ title: t('Add a component'), ok: t('Add'),
    body: [labelled(t('Find a type'), find), labelled(t('Type'), select), doc, labelled(t('Name'), name, t('A letter, then letters, digits or _'))],
    submit: () => post(`${componentUrl(path)}/children`, { name: name.value.trim(), type: select.value, values }) });
  return made ? made.path : null;
}

/** @param {{path: string, name: string, displayName: string}} component @returns {Promise<string|null>} its new path */
export async function rename(component) {
  const display = h('input', { value: component.displayName, autocomplete: 'off' });
  const name = h('input', { value: component.name, autocomplete: 'off', spellcheck: 'false' });
  const done = await ask({ title: t('Rename {name}', { name: component.displayName }), ok: t('Rename'),
    body: [labelled(t('Display name'), display), labelled(t('Name'), name, t('Ords and links use this one: a letter, then letters, digits or _'))],
    submit: async () => {
      let { path } = component;
      if (name.value.trim() !== component.name) path = (await post(`${componentUrl(path)}/move`, { name: name.value.trim() })).path;
      if (display.value.trim() !== component.displayName) await call('PATCH', componentUrl(path), { displayName: display.value.trim() });
      return { path };
    } });
  return done ? done.path : null;
}

/** @param {{path: string, displayName: string}} component @returns {Promise<string|null>} the path of its parent */
export async function removeComponent(component) {
  const done = await ask({ title: t('Remove {name}?', { name: component.displayName }), ok: t('Remove'), danger: true,
    body: [h('p', {}, t('{path} and everything below it will be removed.', { path: component.path }))],
    submit: async () => {
      await remove(componentUrl(component.path));
      return true;
    } });
  return done ? component.path.replace(/\/[^/]*$/, '') || '/' : null;
}

/**
 * The entries of a component's menu.
 * @param {{path: string, name: string, displayName: string, type: string, ord?: string, frozen?: boolean}} component
 * @param {Session} session @param {{go: (url: string) => void, changed: () => void, actions?: Action[], whole?: Component, siblings?: string[]}} options
 * @returns {Promise<import('./menu.js').Entry[]>}
 */
export async function componentMenu(component, session, { go, changed, actions, whole, siblings }) {
  const type = (await allTypes()).get(component.type);
  const able = actions || (type ? actionsFor(type, session, whole) : []);
  const edit = (/** @type {(c: any) => Promise<boolean>} */ ask_) => get(componentUrl(component.path)).then(ask_).then((done) => { if (done) changed(); }, toastError);
  const may = session.permissions.configure && !component.frozen && !type?.singleton && component.path !== '/';
  const start = async (/** @type {Action} */ action) => invoke(action, whole || await get(componentUrl(component.path))).catch(toastError);
  const copy = () => navigator.clipboard.writeText(component.ord || `station:|slot:${component.path}`).then(() => toast(t('Copied.')), toastError);
  return [
    ...(whole ? [] : [{ label: t('Open'), icon: 'eye', href: pageUrl(component.path) }, /** @type {'-'} */ ('-')]),
    ...able.map((a) => ({ label: a.displayName, icon: 'play', title: a.doc, run: () => start(a) })),
    ...(able.length ? [/** @type {'-'} */ ('-')] : []),
    { label: t('Copy ord'), icon: 'copy', run: copy },
    ...(session.permissions.configure && type?.container ? pasteEntry(component.path, changed) : []),
    ...(may ? [...clipboardEntries(component, changed, siblings), /** @type {'-'} */ ('-')] : []),
    ...(session.permissions.configure ? [{ label: t('Add a property …'), icon: 'plus', run: () => edit((c) => editSlot(c, null)) },
      { label: t('Categories …'), icon: 'folder', run: () => edit(editCategories) }, { label: t('Tags …'), icon: 'tag', run: () => edit(editTags) }] : []),
    ...(may ? [
      { label: t('Rename …'), icon: 'pencil', key: 'F2', run: () => rename(component).then((path) => { if (path) { changed(); if (whole) go(pageUrl(path)); } }, toastError) },
      { label: t('Remove …'), icon: 'trash', danger: true, key: 'Delete', run: () => removeComponent(component).then((path) => { if (path) { changed(); if (whole) go(pageUrl(path)); } }, toastError) }] : []),
  ];
}
