// SPDX-License-Identifier: Apache-2.0
// Searching the station: results as they come, of which only those in sight are in the document; more are read on the way down.
// What was found can be chosen, and edited at once.
import { h, fill, icon, empty, settled } from '../dom.js';
import { t } from '../i18n.js';
import { allTypes, get, pageUrl } from '../api.js';
import { typeText } from '../format.js';
import { statusBadge, symbolOf } from '../el/badges.js';
import { Chosen } from '../el/chosen.js';
import { toastError } from '../el/toast.js';
import { VirtualRows } from '../el/virtual.js';
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const PAGE = 200, ROW_HEIGHT = 41, COLUMNS = 5, AHEAD = 50;
/** As many as one batch takes. */
const CHOSEN_MOST = 10000;
const WORDS = /** @type {Record<string, string>} */ ({ displayName: 'display name' });

/** @param {Context} context @returns {Promise<View>} */
export async function searchView(context) {
  const types = await allTypes();
  /** @type {any[]} */ let items = [];
  /** @type {string|undefined} */ let next;
  let turn = 0;
  /** @type {Promise<void>|null} */ let reading = null;
  const input = h('input', { type: 'search', value: context.query.get('q') || '', 'aria-label': t('Search the station'), placeholder: t('Words, type:NumericPoint, status:alarm'), autocomplete: 'off', spellcheck: 'false' });
  const may = context.session.permissions.configure;
  const chosen = new Chosen({ changed: () => begin().catch(toastError), all: async () => {
    while (next && items.length < CHOSEN_MOST) await read();
    return items;
  } });
  const tbody = h('tbody', {}), count = h('span', { class: 'muted', role: 'status' });
  const table = h('table', {}, h('thead', {}, h('tr', {}, may && chosen.headCell(), [t('Name'), t('Path'), t('Type'), t('Status')].map((x) => h('th', { scope: 'col' }, x)))), tbody);
  const body = h('div', { class: 'scroll rows', tabindex: '0', role: 'region', 'aria-label': t('Results') });
  const found = (/** @type {string[]} */ places) => [...new Set(places.filter((p) => !['name', 'path', 'type', 'status'].includes(p)))].map((p) => t('found in {slot}', { slot: WORDS[p] || p })).join(', ');
  const row = (/** @type {number} */ i) => {
    const x = items[i];
    return h('tr', {}, may && chosen.cell(x), h('td', {}, h('a', { class: 'with-icon', href: pageUrl(x.path) }, icon(symbolOf(types, x.type)), x.displayName)), h('td', { class: 'muted small' }, x.path, ' ', h('span', { class: 'under' }, found(x.matched))),
      h('td', { class: 'muted small' }, typeText(x.type)), h('td', { class: 'tight' }, statusBadge(x.status)));
  };
  const virtual = new VirtualRows(body, tbody, COLUMNS, ROW_HEIGHT, row, (_, to) => { if (next && to > items.length - AHEAD) read().catch(toastError); });
  /** @returns {Promise<void>} */
  const readPage = async () => {
    const mine = turn;
    const answer = await get(`/search?${new URLSearchParams({ q: input.value, limit: String(PAGE), ...(next ? { cursor: next } : {}) })}`);
    if (mine !== turn) return readPage(); // something else is looked for now
    items = items.concat(answer.items);
    next = answer.next;
    count.textContent = items.length ? `${items.length}${next ? '+' : ''}` : '';
    if (items.length === 0) fill(body, empty('search', t('Nothing matches'), t('All words must be found in a component: in its name, path, type or one of its texts.')));
    else if (!body.contains(table)) fill(body, table);
    virtual.count = items.length;
    return undefined;
  };
  const read = () => { reading ??= readPage().finally(() => { reading = null; }); return reading; };
  const begin = async () => {
    turn += 1;
    chosen.clear();
    items = [];
    next = undefined;
    body.scrollTop = 0;
    history.replaceState(null, '', `/search?${new URLSearchParams({ q: input.value })}`);
    if (!input.value.trim()) { fill(body, empty('search', t('What are you looking for?'), t('Type a few letters of its name.'))); count.textContent = ''; return; }
    await read();
  };
  const later = settled(() => begin().catch(toastError), 150);
  input.addEventListener('input', () => later());
  fill(context.root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Search')))),
    h('section', { class: 'card' }, h('header', {}, h('div', { class: 'grow' }, input), count), chosen.bar, body));
  await begin();
  requestAnimationFrame(() => input.focus());
  return { title: t('Search'), leave: () => { later.cancel(); virtual.leave(); turn += 1; } };
}
