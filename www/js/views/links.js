// SPDX-License-Identifier: Apache-2.0
// Links into a component: from a property to a property, from a topic to an action. Alarm classes reach recipients this way.
import { h, fill, icon, empty, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { componentUrl, get, pageUrl, post, remove } from '../api.js';
import { pathOfOrd } from '../format.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */

/** What of a type can be linked from, or to. @param {Type|undefined} type @param {'source'|'target'} end @returns {any[]} options */
function ends(type, end) {
  const slots = (type?.slots || []).filter((s) => s.kind !== 'component' && s.kind !== 'secret' && (end === 'source' || !s.flags.includes('readonly')));
  const events = end === 'source' ? type?.topics || [] : type?.actions || [];
  const group = (/** @type {string} */ label, /** @type {{name: string, displayName: string}[]} */ list) => list.length > 0 && h('optgroup', { label }, list.map((x) => h('option', { value: x.name }, x.displayName)));
  return [group(end === 'source' ? t('Topics') : t('Actions'), events), group(t('Properties'), slots)];
}

/** @param {Component} component @param {Map<string, Type>} types @returns {Promise<any>} */
function addLink(component, types) {
  const url = componentUrl(component.path);
  const source = h('input', { placeholder: '/Services/AlarmService/defaultAlarmClass', autocomplete: 'off', spellcheck: 'false' });
  const sourceSlot = h('select', { disabled: true });
  const targetSlot = h('select', {}, ends(types.get(component.type), 'target'));
  const problem = h('p', { class: 'error', role: 'alert' });
  const ord = () => (source.value.includes(':') ? source.value.trim() : `station:|slot:${source.value.trim()}`);
  source.addEventListener('change', async () => {
    problem.textContent = '';
    const found = await get(componentUrl(pathOfOrd(ord()))).catch((error) => { problem.textContent = error.message; return null; });
    sourceSlot.disabled = !found;
    fill(sourceSlot, found && ends(types.get(found.type), 'source'));
  });
  return ask({ title: t('Add a link into {name}', { name: component.displayName }), ok: t('Add link'),
    body: [labelled(t('Source'), source, t('Path or ord of the component that the link comes from')), problem, labelled(t('Source slot'), sourceSlot), labelled(t('Target slot'), targetSlot)],
    submit: async () => (await post(`${url}/links`, { source: ord(), sourceSlot: sourceSlot.value, targetSlot: targetSlot.value })) ?? true });
}

/** @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function linksPanel({ component, types, context }) {
  const url = `${componentUrl(component.path)}/links`;
  const may = context.session.permissions.configure;
  const body = h('div', { class: 'scroll' });
  const drop = async (/** @type {any} */ link) => {
    if (!await confirmDialog(t('Remove this link?'), `${pathOfOrd(link.source)} · ${link.sourceSlot} → ${link.targetSlot}`, t('Remove'))) return;
    await remove(`${url}/${encodeURIComponent(link.name)}`).then(load, toastError);
  };
  const row = (/** @type {any} */ link) => h('tr', {}, h('td', {}, h('a', { href: pageUrl(pathOfOrd(link.source)) }, pathOfOrd(link.source) || link.source)), h('td', { class: 'mono' }, link.sourceSlot), h('td', { class: 'mono' }, link.targetSlot),
    h('td', { class: 'tight' }, h('span', { class: link.enabled ? 'chip good' : 'chip' }, link.enabled ? t('enabled') : t('disabled'))),
    h('td', { class: 'actions' }, may && h('button', { type: 'button', class: 'plain icon-only small', 'aria-label': t('Remove link {name}', { name: link.name }), onclick: () => drop(link) }, icon('trash'))));
  const load = async () => {
    const { items } = await get(url);
    const heads = [t('Source'), t('Source slot'), t('Target slot'), t('State')].map((text) => h('th', { scope: 'col' }, text));
    fill(body, items.length ? h('table', {}, h('thead', {}, h('tr', {}, heads, h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), h('tbody', {}, items.map(row)))
      : empty('link', t('No links lead here'), t('A link carries values from another component, or invokes an action when something happens there.')));
  };
  await load();
  const add = () => addLink(component, types).then((done) => { if (done) load(); }, toastError);
  return { element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Links into this component')), may && h('button', { type: 'button', onclick: add }, icon('plus'), t('Add link'))), body) };
}
