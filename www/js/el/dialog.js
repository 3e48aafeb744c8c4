// SPDX-License-Identifier: Apache-2.0
// Modal dialogs. The browser's own <dialog> keeps the focus inside and gives it back afterwards.
import { h, fill, icon, uid } from '../dom.js';
import { t } from '../i18n.js';
import { Problem } from '../api.js';

/**
 * @template R
 * @typedef {object} Asking
 * @property {string} title
 * @property {any[]|((close: (result: R|null) => void) => any[])} body
 * @property {string} [ok] the button that submits; without it there is only Close
 * @property {() => (R|null|Promise<R|null>)} [submit] its result closes the dialog; null keeps it open; an error is shown in it
 * @property {boolean} [danger] ok removes or ends something
 * @property {boolean} [wide]
 * @property {(close: (result: R|null) => void) => any[]} [buttons] instead of ok
 */

/** What an error says, every finding on its line. @param {unknown} error @returns {any[]} */
function sentences(error) {
  if (error instanceof Problem && error.errors.length) return error.errors.map((e) => h('div', {}, e.detail));
  return [error instanceof Error ? error.message : String(error)];
}

/**
 * Asks, and resolves to what submit answered, or null for Cancel.
 * @template R
 * @param {Asking<R>} asking
 * @returns {Promise<R|null>}
 */
export function ask(asking) {
  return new Promise((resolve) => {
    const id = uid('dialog');
    const problem = h('div', { class: 'error', role: 'alert' });
    const close = (/** @type {R|null} */ result) => {
      dialog.close();
      dialog.remove();
      resolve(result);
    };
    const ok = h('button', { class: asking.danger ? 'danger' : 'primary' }, asking.ok || t('OK'));
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      fill(problem);
      ok.disabled = true;
      try {
        const result = await asking.submit?.();
        if (result !== null && result !== undefined) close(result);
      } catch (error) {
        fill(problem, sentences(error));
      }
      ok.disabled = false;
    };
    const buttons = asking.buttons ? asking.buttons(close)
      : [h('button', { type: 'button', onclick: () => close(null) }, asking.submit ? t('Cancel') : t('Close')), asking.submit && ok];
    const dialog = h('dialog', { class: asking.wide && 'wide', 'aria-labelledby': id, oncancel: (/** @type {Event} */ e) => { e.preventDefault(); close(null); } },
      h('form', { novalidate: true, onsubmit: submit },
        h('header', {}, h('h2', { id }, asking.title),
          h('button', { type: 'button', class: 'plain icon-only', 'aria-label': t('Dismiss'), onclick: () => close(null) }, icon('cross'))),
        h('div', { class: 'body' }, typeof asking.body === 'function' ? asking.body(close) : asking.body, problem),
        h('footer', {}, buttons)));
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector('.body input, .body select, .body textarea') || dialog.querySelector('footer button:last-child'))?.focus();
  });
}

/** @param {string} title @param {string} text @param {string} ok @returns {Promise<boolean>} */
export async function confirmDialog(title, text, ok) {
  return Boolean(await ask({ title, body: [h('p', {}, text)], ok, danger: true, submit: () => true }));
}
