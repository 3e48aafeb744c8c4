// SPDX-License-Identifier: Apache-2.0
// The categories of a component: shown as chips that lead to the search, chosen in a dialog; none of its own: inherited.
import { h } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl, get } from '../api.js';
import { ask } from './dialog.js';

/** @param {{path: string, categories?: string[], categoriesFrom?: string}} component @returns {any} */
export function categoryChips({ path, categories, categoriesFrom }) {
  return (categories || []).length > 0 && h('ul', { class: 'tag-chips', 'aria-label': t('Categories') }, categories?.map((name) => h('li', {},
    h('a', { class: 'chip', href: `/search?q=${encodeURIComponent(`category:${name}`)}`, title: categoriesFrom === path ? null : t('Inherited from {path}', { path: categoriesFrom || '' }) }, name))));
}

/** Asks for the categories, and saves them. @param {{path: string, displayName: string, categories?: string[], categoriesFrom?: string}} component @returns {Promise<boolean>} */
export async function editCategories(component) {
  const service = await get(`${componentUrl('/Services/CategoryService')}/children?limit=1000`).catch(() => ({ items: [] }));
  const own = component.categoriesFrom === component.path;
  const now = component.categories || [];
  const names = [...new Set([...service.items.map((/** @type {any} */ c) => c.name), ...now])].sort();
  const boxes = names.map((name) => h('input', { type: 'checkbox', value: name, checked: now.includes(name) }));
  const inherit = h('input', { type: 'checkbox', checked: !own });
  const show = () => boxes.forEach((box) => { box.disabled = inherit.checked; });
  inherit.addEventListener('input', show);
  show();
  return Boolean(await ask({
    title: t('Categories of {name}', { name: component.displayName }), ok: t('Save'),
    body: [h('p', { class: 'muted' }, t('Categories group components across the tree. Add them below the CategoryService.')), h('label', { class: 'null-bit' }, inherit, t('Inherited from what it stands in')),
      h('fieldset', {}, h('legend', {}, t('Categories')), names.length ? h('div', { class: 'flags' }, boxes.map((box) => h('label', {}, box, box.value))) : h('p', { class: 'muted' }, t('There are none yet.')))],
    submit: async () => {
      await call('PATCH', componentUrl(component.path), { categories: inherit.checked ? null : boxes.filter((box) => box.checked).map((box) => box.value) });
      return true;
    },
  }));
}
