// SPDX-License-Identifier: Apache-2.0
// What is below a component: name, value or summary, status, live. Built from the type tables: a point shows its out, any
// other component the slots that its type flags as summary. Long lists are drawn a page at a time.
import { h, fill, icon, empty } from '../dom.js';
import { t } from '../i18n.js';
import { pageUrl } from '../api.js';
import { typeText } from '../format.js';
import { statusBadge, symbolOf } from './badges.js';
import { outText, valueText } from './values.js';
import { menuButton } from './menu.js';
import { componentMenu } from './actions.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */

const PAGE = 100;

export class ChildrenTable {
  #from = 0;
  /** @type {Map<string, {child: Child, value: HTMLElement, status: HTMLElement}>} by handle */ #rows = new Map();

  /**
   * @param {Component} parent with the values of its children (depth 1)
   * @param {Map<string, Type>} types @param {import('../types.js').Session} session
   * @param {{go: (url: string) => void, changed: () => void, page: () => void}} options page: other rows are shown now
   */
  constructor(parent, types, session, options) {
    this.parent = parent;
    this.types = types;
    this.session = session;
    this.options = options;
    this.search = h('input', { type: 'search', 'aria-label': t('Search by name'), placeholder: t('Search by name'), oninput: () => { this.#from = 0; this.draw(); } });
    this.body = h('div', { class: 'scroll' });
    this.pager = h('footer', {});
    const count = parent.children.length;
    this.element = h('section', { class: 'card' }, count > 20 && h('header', {}, h('h2', {}, t('Components'), ' ', h('span', { class: 'number' }, count)), h('div', {}, this.search)), this.body, this.pager);
    this.draw();
  }

  /** @returns {Child[]} */
  get found() {
    const wanted = this.search.value.toLowerCase();
    return this.parent.children.filter((c) => c.displayName.toLowerCase().includes(wanted) || c.name.toLowerCase().includes(wanted));
  }

  /** Handles of what is on the present page. @returns {string[]} */
  get shown() { return [...this.#rows.keys()]; }

  /** @returns {void} */
  draw() {
    const { found } = this;
    this.#rows.clear();
    const slice = found.slice(this.#from, this.#from + PAGE);
    const heads = [t('Name'), t('Value'), t('Type'), t('Status')].map((text) => h('th', { scope: 'col' }, text));
    fill(this.body, found.length === 0 ? empty('folder', this.search.value ? t('Nothing matches') : t('Nothing is in here yet'), !this.search.value && this.session.permissions.configure && t('Add a component with the button above.'))
      : h('table', {}, h('thead', {}, h('tr', {}, heads, h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('Actions'))))), h('tbody', {}, slice.map((c) => this.#row(c)))));
    const turn = (/** @type {number} */ by) => { this.#from += by; this.draw(); this.options.page(); };
    this.pager.hidden = found.length <= PAGE;
    fill(this.pager, h('div', { class: 'buttons' }, h('button', { type: 'button', disabled: this.#from === 0, onclick: () => turn(-PAGE) }, t('Previous')),
      h('span', { class: 'muted' }, t('{from} to {to} of {n}', { from: this.#from + 1, to: this.#from + slice.length, n: found.length })),
      h('button', { type: 'button', disabled: this.#from + PAGE >= found.length, onclick: () => turn(PAGE) }, t('Next'))));
  }

  /** What a component says of itself in one line. @param {Child} child @returns {string} */
  #summary(child) {
    const values = child.values || {};
    if (values.out) return outText(values);
    const slots = (this.types.get(child.type)?.slots || []).filter((s) => s.flags.includes('summary') && s.kind !== 'status' && !['', null, undefined].includes(values[s.name]));
    return slots.slice(0, 3).map((s) => `${s.displayName}: ${valueText(s, values[s.name])}`).join(' · ');
  }

  /** @param {Child} child @returns {HTMLElement} */
  #row(child) {
    const path = `${this.parent.path === '/' ? '' : this.parent.path}/${child.name}`;
    const value = h('td', { class: child.values?.out ? 'point-value' : 'muted small' }, this.#summary(child));
    const status = h('td', { class: 'tight' }, statusBadge(child.status));
    this.#rows.set(child.handle, { child, value, status });
    const menu = menuButton(icon('dots'), () => componentMenu({ ...child, path }, this.session, { ...this.options, siblings: this.parent.children.map((c) => c.name) }), { label: t('Actions of {name}', { name: child.displayName }), class: 'plain icon-only small' });
    return h('tr', { 'data-handle': child.handle }, h('td', {}, h('a', { class: 'with-icon', href: pageUrl(path) }, icon(symbolOf(this.types, child.type)), child.displayName)), value,
      h('td', { class: 'muted small' }, typeText(child.type)), status, h('td', { class: 'actions' }, menu));
  }

  /** @param {{handle: string, slot: string, value: any}} event @returns {void} */
  live({ handle, slot, value }) {
    const row = this.#rows.get(handle);
    if (!row) return;
    row.child.values = { ...row.child.values, [slot]: value };
    const text = this.#summary(row.child);
    if (row.value.textContent !== text) row.value.textContent = text;
    const status = slot === 'status' ? value : slot === 'out' ? value?.status : null;
    if (typeof status !== 'string' || status === row.child.status) return;
    row.child.status = status;
    fill(row.status, statusBadge(status));
  }
}
