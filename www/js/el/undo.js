// SPDX-License-Identifier: Apache-2.0
// What the person did last and can take back: two buttons in the bar, Ctrl+Z and Ctrl+Y. The station keeps the lists.
import { h, icon, settled } from '../dom.js';
import { t } from '../i18n.js';
import { get, post } from '../api.js';
import { toast, toastError } from './toast.js';

/** @typedef {{version: number, summary: string}} Step */

/** @param {'undo'|'redo'} way @param {Step|undefined} step @returns {string} */
function label(way, step) {
  if (!step) return way === 'undo' ? t('Nothing to undo') : t('Nothing to redo');
  return way === 'undo' ? t('Undo: {what}', { what: step.summary }) : t('Redo: {what}', { what: step.summary });
}

/** Keys belong to what is being written in, and to dialogs. @param {KeyboardEvent} event @returns {boolean} */
function elsewhere(event) {
  const target = /** @type {Element} */ (event.target);
  return event.defaultPrevented || event.altKey || Boolean(target.closest?.('input, textarea, select, [contenteditable]')) || Boolean(document.querySelector('dialog[open]'));
}

export class UndoButtons {
  /** @param {() => void} done called when something was taken back */
  constructor(done) {
    this.done = done;
    this.buttons = { undo: this.#button('undo'), redo: this.#button('redo') };
    this.element = h('div', { class: 'buttons', role: 'group', 'aria-label': t('Undo and redo') }, this.buttons.undo, this.buttons.redo);
    this.#show({ undo: [], redo: [] });
    const later = settled(() => this.refresh(), 150);
    addEventListener('station-changed', later);
    addEventListener('focus', later);
    addEventListener('keydown', (event) => this.#key(event));
    later();
  }

  /** @param {'undo'|'redo'} way @returns {any} */
  #button(way) {
    return h('button', { type: 'button', class: 'icon-only', 'aria-keyshortcuts': way === 'undo' ? 'Control+Z' : 'Control+Y', onclick: () => this.step(way) }, icon(way));
  }

  /** @param {{undo: Step[], redo: Step[]}} lists @returns {void} */
  #show(lists) {
    for (const way of /** @type {('undo'|'redo')[]} */ (['undo', 'redo'])) {
      const button = this.buttons[way];
      button.title = label(way, lists[way][0]);
      button.setAttribute('aria-label', button.title);
      button.setAttribute('aria-disabled', String(lists[way].length === 0));
    }
  }

  /** @returns {Promise<void>} */
  async refresh() { this.#show(await get('/undo')); }

  /** @param {'undo'|'redo'} way @returns {Promise<void>} */
  async step(way) {
    try {
      toast((await post(`/${way}`, {})).summary);
      this.done();
    } catch (error) {
      toastError(error);
    }
  }

  /** @param {KeyboardEvent} event @returns {void} */
  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || elsewhere(event)) return;
    const key = event.key.toLowerCase();
    if (key !== 'z' && key !== 'y') return;
    event.preventDefault();
    this.step(key === 'y' || event.shiftKey ? 'redo' : 'undo');
  }
}
