// SPDX-License-Identifier: Apache-2.0
// What is chosen in a list of components, and what can be done with all of it at once: each is one batch, which is undone as one.
import { h, fill, icon } from '../dom.js';
import { plural, t } from '../i18n.js';
import { ask } from './dialog.js';
import { editMany } from './bulk-edit.js';
import { duplicate, keep, namesOf, run } from './clipboard.js';
import { toastError } from './toast.js';
/** @typedef {{path: string, name: string, displayName: string, type: string, frozen?: boolean, slots?: any[], values?: Record<string, any>}} Item */

/** So many names are read out before something is removed. */
const NAMED = 8;

/** Asks, and removes. @param {Item[]} items @param {() => void} changed @returns {Promise<boolean>} */
export async function removeMany(items, changed) {
  const names = items.slice(0, NAMED).map((item) => h('li', { class: 'mono' }, item.path));
  const sure = await ask({ title: t('Remove {name}?', { name: namesOf(items) }), ok: t('Remove'), danger: true, submit: () => true,
    body: [h('p', {}, t('With everything below, and the links that enter or leave it. It can be undone.')), h('ul', { class: 'plain-list' }, names, items.length > NAMED && h('li', { class: 'muted' }, t('and {n} more', { n: items.length - NAMED })))] });
  return Boolean(sure) && run([{ op: 'remove', paths: items.map((item) => item.path) }], changed);
}

export class Chosen {
  /** @type {Map<string, Item>} by path */ items = new Map();

  /**
   * @param {{changed: () => void, all: () => Promise<Item[]>}} options changed: the list is to be read again; all: everything
   *   that is listed, also what has not come in sight yet
   */
  constructor(options) {
    this.options = options;
    this.count = h('strong', { role: 'status' });
    const button = (/** @type {string} */ symbol, /** @type {string} */ label, /** @type {(items: Item[], changed: () => void) => any} */ act, danger = false) => h('button', { type: 'button', class: danger ? 'small danger' : 'small', onclick: () => this.act(act) }, icon(symbol), label);
    this.bar = h('div', { class: 'chosen', role: 'group', 'aria-label': t('What is chosen'), hidden: true }, this.count,
      h('div', { class: 'buttons' }, button('pencil', t('Edit a property …'), editMany), button('copy', t('Duplicate'), duplicate), button('copy', t('Copy'), (items) => keep(items, false)), button('minus', t('Cut'), (items) => keep(items, true)), button('trash', t('Remove …'), removeMany, true)),
      h('button', { type: 'button', class: 'plain small', onclick: () => this.clear() }, t('Choose none')));
    this.head = h('input', { type: 'checkbox', 'aria-label': t('Choose all'), onchange: () => (this.head.checked ? this.chooseAll().catch(toastError) : this.clear()) });
  }

  /** @param {(items: Item[], changed: () => void) => any} act @returns {Promise<void>} */
  async act(act) {
    await act([...this.items.values()], () => { this.clear(); this.options.changed(); });
  }

  /** @returns {Promise<void>} */
  async chooseAll() {
    for (const item of await this.options.all()) if (!item.frozen) this.items.set(item.path, item);
    this.show();
  }

  /** @returns {void} */
  clear() {
    this.items.clear();
    this.show();
  }

  /** The cell of the head. @returns {HTMLElement} */
  headCell() {
    return h('th', { scope: 'col', class: 'tight' }, h('label', { class: 'check-target' }, this.head));
  }

  /** The cell of a row. @param {Item} item @returns {HTMLElement} */
  cell(item) {
    const box = h('input', { type: 'checkbox', checked: this.items.has(item.path), disabled: item.frozen, 'data-path': item.path, 'aria-label': t('Choose {name}', { name: item.displayName }), onchange: () => {
      if (box.checked) this.items.set(item.path, item); else this.items.delete(item.path);
      this.show();
    } });
    return h('td', { class: 'tight' }, h('label', { class: 'check-target' }, box));
  }

  /** @returns {void} */
  show() {
    const { size } = this.items;
    this.bar.hidden = size === 0;
    fill(this.count, plural(size, '1 chosen', '{n} chosen'));
    const boxes = [...this.head.closest('table')?.querySelectorAll('tbody input[data-path]') || []];
    for (const box of boxes) box.checked = this.items.has(box.dataset.path);
    this.head.checked = size > 0 && boxes.every((box) => box.checked || box.disabled);
    this.head.indeterminate = size > 0 && !this.head.checked;
  }
}
