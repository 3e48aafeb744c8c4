// SPDX-License-Identifier: Apache-2.0
// Links into and out of a component, as a table: the twin of the wire sheet. Alarm classes reach recipients this way.
import { h, fill, icon, empty, inTurn, labelled } from '../dom.js';
import { t } from '../i18n.js';
import { call, componentUrl, get, pageUrl, post, remove } from '../api.js';
import { pathOfOrd } from '../format.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { actionsOf, slotsOf } from '../el/slots-of.js';
import { toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */

/** What of a component can be linked from, or to. @param {Component} component @param {Map<string, Type>} types @param {'source'|'target'} end @returns {any[]} options */
function ends(component, types, end) {
  const type = types.get(component.type);
  const slots = slotsOf(type, component).filter((s) => s.kind !== 'component' && s.kind !== 'secret' && (end === 'source' || !s.flags.includes('readonly')));
  const events = end === 'source' ? type?.topics || [] : actionsOf(type, component);
  const group = (/** @type {string} */ label, /** @type {{name: string, displayName: string}[]} */ list) => list.length > 0 && h('optgroup', { label }, list.map((x) => h('option', { value: x.name }, x.displayName)));
  return [group(end === 'source' ? t('Topics') : t('Actions'), events), group(t('Properties'), slots)];
}

/** @param {Component} component @param {Map<string, Type>} types @returns {Promise<any>} */
function addLink(component, types) {
  const url = componentUrl(component.path);
  const source = h('input', { placeholder: '/Services/AlarmService/defaultAlarmClass', autocomplete: 'off', spellcheck: 'false' });
  const sourceSlot = h('select', { disabled: true });
  const targetSlot = h('select', {}, ends(component, types, 'target'));
  const problem = h('p', { class: 'error', role: 'alert' });
  const ord = () => (source.value.includes(':') ? source.value.trim() : `station:|slot:${source.value.trim()}`);
  source.addEventListener('change', async () => {
    problem.textContent = '';
    const found = await get(componentUrl(pathOfOrd(ord()))).catch((error) => { problem.textContent = error.message; return null; });
    sourceSlot.disabled = !found;
    fill(sourceSlot, found && ends(found, types, 'source'));
  });
  return ask({ title: t('Add a link into {name}', { name: component.displayName }), ok: t('Add link'),
    body: [labelled(t('Source'), source, t('Path or ord of the component that the link comes from')), problem, labelled(t('Source slot'), sourceSlot), labelled(t('Target slot'), targetSlot)],
    submit: async () => (await post(`${url}/links`, { source: ord(), sourceSlot: sourceSlot.value, targetSlot: targetSlot.value })) ?? true });
}

/** What happens to a value on the way. @param {any} link @returns {any} */
function conversionView(link) {
  if (!link.conversion) return h('span', { class: 'muted' }, t('none'));
  return [h('span', { class: 'mono' }, `${link.conversion.from} → ${link.conversion.to}`), link.conversion.loss && h('div', { class: 'under' }, link.conversion.loss)];
}

/** @param {any} link @returns {any} */
function stateView(link) {
  const chip = link.valid ? h('span', { class: link.enabled ? 'chip good' : 'chip' }, link.enabled ? t('enabled') : t('disabled')) : h('span', { class: 'chip bad' }, t('fault'));
  return [chip, !link.valid && h('div', { class: 'under' }, link.reason)];
}

/** @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function linksPanel({ component, types, context }) {
  const url = `${componentUrl(component.path)}/links`;
  const may = context.session.permissions.configure;
  const into = h('div', { class: 'scroll' }), out = h('div', { class: 'scroll' });
  const urlOf = (/** @type {any} */ link) => `${componentUrl(pathOfOrd(link.target))}/links/${encodeURIComponent(link.name)}`;
  const drop = async (/** @type {any} */ link) => {
    if (!await confirmDialog(t('Remove this link?'), `${pathOfOrd(link.source)} · ${link.sourceSlot} → ${pathOfOrd(link.target)} · ${link.targetSlot}`, t('Remove'))) return;
    await remove(urlOf(link)).then(load, toastError);
  };
  const turn = (/** @type {any} */ link) => call('PATCH', urlOf(link), { enabled: !link.enabled }).then(load, toastError);
  const row = (/** @type {any} */ link, /** @type {string} */ other) => h('tr', {}, h('td', {}, h('a', { href: pageUrl(pathOfOrd(other)) }, pathOfOrd(other) || other)), h('td', { class: 'mono' }, link.sourceSlot), h('td', { class: 'mono' }, link.targetSlot),
    h('td', {}, conversionView(link)), h('td', {}, stateView(link)),
    h('td', { class: 'actions' }, may && h('div', { class: 'buttons' },
      h('button', { type: 'button', class: 'plain small', 'aria-label': t(link.enabled ? 'Disable link {name}' : 'Enable link {name}', { name: link.name }), onclick: () => turn(link) }, link.enabled ? t('Disable') : t('Enable')),
      h('button', { type: 'button', class: 'plain icon-only small', 'aria-label': t('Remove link {name}', { name: link.name }), onclick: () => drop(link) }, icon('trash')))));
  const table = (/** @type {any[]} */ items, /** @type {'source'|'target'} */ end) => {
    const heads = [end === 'source' ? t('Source') : t('Target'), t('Source slot'), t('Target slot'), t('Conversion'), t('State')].map((text) => h('th', { scope: 'col' }, text));
    return h('table', {}, h('thead', {}, h('tr', {}, heads, h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), h('tbody', {}, items.map((link) => row(link, link[end]))));
  };
  const load = inTurn(async () => {
    const { items } = await get(`${url}?direction=both`);
    const here = items.filter((/** @type {any} */ l) => l.targetHandle === component.handle), away = items.filter((/** @type {any} */ l) => l.targetHandle !== component.handle);
    fill(into, here.length ? table(here, 'source') : empty('link', t('No links lead here'), t('A link carries values from another component, or invokes an action when something happens there.')));
    fill(out, away.length ? table(away, 'target') : empty('link', t('No links leave from here')));
  });
  await load();
  const add = () => addLink(component, types).then((done) => done && load()).catch(toastError);
  return { element: h('div', {},
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Links into this component')), may && h('button', { type: 'button', onclick: add }, icon('plus'), t('Add link'))), into),
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Links out of this component'))), out)) };
}
