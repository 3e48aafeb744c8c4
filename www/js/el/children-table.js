// SPDX-License-Identifier: Apache-2.0
// What is below a component: name, value or summary, status, live. Built from the type tables: a point shows its out, beside it
// the slots that are flagged as summary. Pages come from the station as they come in sight, so ten thousand children are as
// quick as ten. Rows can be chosen, and have the menu and the keys of their component.
import { h, fill, icon, empty, inTurn, settled } from '../dom.js';
import { t } from '../i18n.js';
import { componentUrl, get, pageUrl } from '../api.js';
import { typeText } from '../format.js';
import { statusBadge, symbolOf } from './badges.js';
import { Chosen } from './chosen.js';
import { contextMenus, menuButton } from './menu.js';
import { summaryView } from './summary.js';
import { componentMenu } from './actions.js';
import { toastError } from './toast.js';
import { VirtualRows } from './virtual.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */

const PAGE = 50, ROW_HEIGHT = 41, SEARCH_FROM = 20, COLUMNS = 6, ALL = 1000;

export class ChildrenTable {
  /** @type {Map<string, {child: Child, value: HTMLElement, status: HTMLElement}>} by handle, of the rows in sight */ #rows = new Map();
  /** @type {Map<number, Child[]|null>} by page; null: on its way */ #pages = new Map();
  /** @type {VirtualRows|null} */ #virtual = null;
  #match = '';
  /** The first page, and how many there are. */ load = inTurn(() => this.#read());

  /**
   * @param {Component} parent its children need not be complete
   * @param {Map<string, Type>} types @param {import('../types.js').Session} session
   * @param {{go: (url: string) => void, changed: () => void, page: () => void}} options page: other rows are shown now
   */
  constructor(parent, types, session, options) {
    this.parent = parent;
    this.types = types;
    this.session = session;
    this.options = options;
    const find = settled(() => this.load(), 150);
    this.search = h('input', { type: 'search', 'aria-label': t('Search by name'), placeholder: t('Search by name'), oninput: () => find() });
    this.tbody = h('tbody', {});
    this.may = session.permissions.configure;
    this.chosen = new Chosen({ changed: options.changed, all: () => this.all() });
    contextMenus(this.tbody, (target) => this.#meant(target));
    this.body = h('div', { class: 'scroll rows', tabindex: '0', role: 'region', 'aria-label': t('Components') });
    this.element = h('section', { class: 'card' }, parent.childCount > SEARCH_FROM && h('header', {}, h('h2', {}, t('Components'), ' ', h('span', { class: 'number' }, parent.childCount)), h('div', {}, this.search)), this.chosen.bar, this.body);
  }

  /** Handles of what is in sight. @returns {string[]} */
  get shown() { return [...this.#rows.keys()]; }

  /** @param {number} page @returns {Promise<any>} */
  read(page) {
    const match = this.#match ? `&match=${encodeURIComponent(this.#match)}` : '';
    return get(`${componentUrl(this.parent.path)}/children?values=true&limit=${PAGE}&offset=${page * PAGE}${match}`);
  }

  /** @param {Child} child @returns {string} */
  pathOf(child) { return `${this.parent.path === '/' ? '' : this.parent.path}/${child.name}`; }

  /** Everything that is listed. @returns {Promise<any[]>} */
  async all() {
    /** @type {any[]} */ const items = [];
    for (let next = true; next;) {
      const page = await get(`${componentUrl(this.parent.path)}/children?limit=${ALL}&offset=${items.length}${this.#match ? `&match=${encodeURIComponent(this.#match)}` : ''}`);
      items.push(...page.items);
      next = Boolean(page.next);
    }
    return items.map((child) => ({ ...child, path: this.pathOf(child) }));
  }

  /** The row that a click or key is about. @param {Element} target @returns {{entries: () => Promise<import('./menu.js').Entry[]>, label: string, focus: () => HTMLElement|null}|null} */
  #meant(target) {
    const row = /** @type {HTMLElement|null} */ (target.closest('tr[data-handle]'));
    const known = this.#rows.get(row?.dataset.handle || '');
    const focus = () => /** @type {HTMLElement|null} */ (this.tbody.querySelector(`tr[data-handle="${row?.dataset.handle}"] a`));
    return known ? { entries: () => this.#menu(known.child), label: t('Actions of {name}', { name: known.child.displayName }), focus } : null;
  }

  /** @param {Child} child @returns {Promise<import('./menu.js').Entry[]>} */
  #menu(child) {
    const siblings = this.parent.children.length === this.parent.childCount ? this.parent.children.map((c) => c.name) : undefined;
    return componentMenu({ ...child, path: this.pathOf(child) }, this.session, { ...this.options, siblings });
  }

  /** @returns {Promise<void>} */
  async #read() {
    this.#match = this.search.value.trim();
    this.#pages.clear();
    const { items, total } = await this.read(0);
    this.#pages.set(0, items);
    this.#virtual?.leave();
    this.#virtual = null;
    this.#rows.clear();
    if (total === 0) {
      fill(this.body, empty('folder', this.#match ? t('Nothing matches') : t('Nothing is in here yet'), !this.#match && this.session.permissions.configure && t('Add a component with the button above.')));
      return;
    }
    const heads = [t('Name'), t('Value'), t('Type'), t('Status')].map((text) => h('th', { scope: 'col' }, text));
    fill(this.body, h('table', {}, h('thead', {}, h('tr', {}, this.may && this.chosen.headCell(), heads, h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), this.tbody));
    this.body.scrollTop = 0;
    this.#virtual = new VirtualRows(this.body, this.tbody, COLUMNS, ROW_HEIGHT, (i) => this.#row(i), (from, to) => this.#inSight(from, to));
    this.#virtual.count = total;
  }

  /** Reads the pages that are missing. @param {number} from @param {number} to @returns {void} */
  #inSight(from, to) {
    for (let page = Math.floor(from / PAGE); page <= Math.floor((to - 1) / PAGE); page += 1) {
      if (this.#pages.has(page)) continue;
      this.#pages.set(page, null);
      const match = this.#match;
      this.read(page).then(({ items }) => {
        if (match !== this.#match) return;
        this.#pages.set(page, items);
        this.#rows.clear();
        this.#virtual?.again();
      }, (error) => { this.#pages.delete(page); toastError(error); });
    }
    const handles = new Set([...this.tbody.querySelectorAll('[data-handle]')].map((row) => /** @type {HTMLElement} */ (row).dataset.handle));
    for (const handle of this.#rows.keys()) if (!handles.has(handle)) this.#rows.delete(handle);
    this.options.page();
  }

  /** @param {number} index @returns {HTMLElement} */
  #row(index) {
    const child = this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
    if (!child) return h('tr', {}, h('td', { class: 'muted', colspan: COLUMNS }, '…'));
    const path = this.pathOf(child);
    const value = h('td', {}, summaryView(child, this.types.get(child.type)));
    const status = h('td', { class: 'tight' }, statusBadge(child.status));
    this.#rows.set(child.handle, { child, value, status });
    const menu = menuButton(icon('dots'), () => this.#menu(child), { label: t('Actions of {name}', { name: child.displayName }), class: 'plain icon-only small' });
    return h('tr', { 'data-handle': child.handle }, this.may && this.chosen.cell({ ...child, path }), h('td', {}, h('a', { class: 'with-icon', href: pageUrl(path) }, icon(symbolOf(this.types, child.type)), child.displayName)), value,
      h('td', { class: 'muted small' }, typeText(child.type)), status, h('td', { class: 'actions' }, menu));
  }

  /** @param {{handle: string, slot: string, value: any}} event @returns {void} */
  live({ handle, slot, value }) {
    const row = this.#rows.get(handle);
    if (!row) return;
    row.child.values = { ...row.child.values, [slot]: value };
    fill(row.value, summaryView(row.child, this.types.get(row.child.type)));
    const status = slot === 'status' ? value : slot === 'out' ? value?.status : null;
    if (typeof status !== 'string' || status === row.child.status) return;
    row.child.status = status;
    fill(row.status, statusBadge(status));
  }

  /** @returns {void} */
  leave() { this.#virtual?.leave(); }
}
