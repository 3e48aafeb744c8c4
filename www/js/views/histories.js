// SPDX-License-Identifier: Apache-2.0
// Histories: the page with all of them, of which several can be drawn together; and the view of one point's.
import { h, fill, empty } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl } from '../api.js';
import { agoText, pathOfOrd, timeText } from '../format.js';
import { HistoryChart } from '../el/chart.js';
import { toastError } from '../el/toast.js';
/** @typedef {import('../el/chart.js').History} History */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const SERIES_MAX = 6;

/** The histories of a point or of an extension. @param {import('./table.js').Subject} subject @returns {Promise<import('./table.js').Panel>} */
export async function historyPanel({ component }) {
  const { items } = await get('/histories');
  const own = items.filter((/** @type {any} */ x) => [x.source, x.extension].some((ord) => ord === component.ord)).slice(0, SERIES_MAX);
  if (own.length === 0) return { element: h('section', { class: 'card' }, empty('list', t('Nothing is recorded yet'), t('A history begins when its extension is enabled.'))) };
  const chart = new HistoryChart(own);
  await chart.load();
  return { element: h('section', { class: 'card' }, chart.element), leave: () => chart.leave() };
}

/** @param {Context} context @returns {Promise<View>} */
export async function historiesView(context) {
  const { items } = await get('/histories');
  const wanted = context.query.getAll('id');
  /** @type {Set<string>} */
  const chosen = new Set(items.filter((/** @type {History} */ x) => (wanted.length ? wanted.includes(x.id) : x.id === items[0].id)).map((/** @type {History} */ x) => x.id));
  const chart = new HistoryChart(items);
  const draw = () => chart.choose(items.filter((/** @type {History} */ x) => chosen.has(x.id)).slice(0, SERIES_MAX)).catch(toastError);
  const toggle = (/** @type {History} */ x, /** @type {boolean} */ on) => {
    if (on) chosen.add(x.id); else chosen.delete(x.id);
    history.replaceState(null, '', `/histories?${new URLSearchParams([...chosen].map((id) => ['id', id]))}`);
    draw();
  };
  const search = h('input', { type: 'search', 'aria-label': t('Search by name'), placeholder: t('Search by name'), oninput: () => list() });
  const body = h('div', { class: 'scroll' });
  const row = (/** @type {any} */ x) => h('tr', {}, h('td', { class: 'tight' }, h('label', { class: 'check-target' }, h('input', { type: 'checkbox', checked: chosen.has(x.id), disabled: x.valueKind === 'string', 'aria-label': t('Draw {name}', { name: x.id }), onchange: (/** @type {any} */ e) => toggle(x, e.target.checked) }))),
    h('td', {}, x.id), h('td', {}, pathOfOrd(x.source) ? h('a', { href: `${pageUrl(pathOfOrd(x.source))}?view=history` }, pathOfOrd(x.source)) : x.source), h('td', {}, x.units), h('td', {}, String(x.count)), h('td', { class: 'tight' }, h('time', { datetime: x.last, title: timeText(x.last) }, agoText(x.last))));
  const list = () => fill(body, h('table', {}, h('thead', {}, h('tr', {}, ['', t('Name'), t('Point'), t('Unit'), t('Records'), t('Newest')].map((text) => h('th', { scope: 'col' }, text || h('span', { class: 'visually-hidden' }, t('Draw')))))),
    h('tbody', {}, items.filter((/** @type {History} */ x) => x.id.toLowerCase().includes(search.value.toLowerCase())).slice(0, 500).map(row))));
  const none = empty('list', t('Nothing is recorded yet'), t('Add a history extension below a point: its values are then kept and drawn here.'));
  fill(context.root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Histories')))),
    items.length ? [h('section', { class: 'card' }, chart.element), h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('All histories')), search), body)] : h('section', { class: 'card' }, none));
  if (items.length) {
    list();
    await chart.choose(items.filter((/** @type {History} */ x) => chosen.has(x.id)));
  }
  return { title: t('Histories'), leave: () => chart.leave() };
}
