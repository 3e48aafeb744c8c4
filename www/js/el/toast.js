// SPDX-License-Identifier: Apache-2.0
// Short messages that do not take the focus; read out by screen readers (role=status stands in index.html).
import { h, icon } from '../dom.js';

/**
 * @param {string} text @param {boolean} [bad] stays longer, and looks like it
 * @returns {void}
 */
export function toast(text, bad = false) {
  const element = h('p', { class: bad ? 'toast bad' : 'toast' }, icon(bad ? 'alert' : 'check'), h('span', {}, text));
  document.getElementById('toasts')?.append(element);
  setTimeout(() => element.remove(), bad ? 9000 : 4500);
}

/** What failed, as a toast. @param {unknown} error @returns {void} */
export function toastError(error) {
  toast(error instanceof Error ? error.message : String(error), true);
}
