// SPDX-License-Identifier: Apache-2.0
// Tags of a component, in the words of Project Haystack: shown as chips, edited in a dialog that knows the common ones.
import { h, icon } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl, get } from '../api.js';
import { ask } from './dialog.js';

/** @typedef {Record<string, any>} Tags */
/** @typedef {{name: string, kind: string, doc: string}} Definition */

/** @param {string} name @returns {string} without the dictionary of Haystack */
const short = (name) => name.replace(/^hs:/, '');

/** @param {Tags} tags @returns {any} */
export function tagChips(tags) {
  const names = Object.keys(tags || {});
  return names.length > 0 && h('ul', { class: 'tag-chips', 'aria-label': t('Tags') }, names.map((name) => h('li', { class: 'chip plain' }, tags[name] === true ? short(name) : `${short(name)}: ${tags[name]}`)));
}

/** What a person wrote, as the value of that tag: nothing is a marker. @param {string} text @param {string|undefined} kind @returns {any} */
function valueOf(text, kind) {
  if (text === '') return true;
  return kind === 'Number' || (kind === undefined && text.trim() !== '' && Number.isFinite(Number(text))) ? Number(text) : text;
}

/** Asks for the tags, and saves them. @param {{path: string, displayName: string, tags?: Tags}} component @returns {Promise<boolean>} */
export async function editTags(component) {
  const known = new Map((await get('/tags')).items.map((/** @type {Definition} */ d) => [d.name, d]));
  const list = h('datalist', { id: 'known-tags' }, [...known.values()].map((d) => h('option', { value: d.name }, `${d.kind}: ${d.doc}`)));
  const body = h('div', { class: 'list-editor' });
  const row = (/** @type {string} */ name, /** @type {any} */ value) => {
    const key = h('input', { list: 'known-tags', value: name, 'aria-label': t('Tag'), placeholder: t('Tag'), autocomplete: 'off', spellcheck: 'false' });
    const text = h('input', { value: value === true ? '' : String(value ?? ''), 'aria-label': t('Value; empty for a marker'), placeholder: t('marker') });
    const item = h('div', { class: 'item' }, h('div', { class: 'parts' }, key, text), h('button', { type: 'button', class: 'plain icon-only', 'aria-label': t('Remove this tag'), onclick: () => item.remove() }, icon('cross')));
    item.read = () => [key.value.trim(), text.value];
    return item;
  };
  const add = () => { const item = row('', true); body.append(item); item.querySelector('input').focus(); };
  body.append(...Object.entries(component.tags || {}).map(([name, value]) => row(short(name), value)));
  const submit = async () => {
    /** @type {Tags} */ const patch = Object.fromEntries(Object.keys(component.tags || {}).map((name) => [name, null]));
    for (const item of body.children) {
      const [name, text] = /** @type {any} */ (item).read();
      if (name) patch[name.includes(':') ? name : `hs:${name}`] = valueOf(text, known.get(name)?.kind);
    }
    await call('PATCH', componentUrl(component.path), { tags: patch });
    return true;
  };
  return Boolean(await ask({ title: t('Tags of {name}', { name: component.displayName }), ok: t('Save'), submit,
    body: [h('p', { class: 'muted' }, t('Project Haystack’s words say what a component is. A tag without a value is a marker.')), list, body, h('button', { type: 'button', class: 'small', onclick: add }, icon('plus'), t('Add a tag'))] }));
}
