// SPDX-License-Identifier: Apache-2.0
// Copy, cut, paste, duplicate and moving among siblings: each is one batch, which the station can undo.
import { t } from '../i18n.js';
import { post } from '../api.js';
import { toast, toastError } from './toast.js';
/** @typedef {import('./menu.js').Entry} Entry */

const KEY = 'belfry-clipboard';

/** @returns {{path: string, name: string, cut: boolean}|null} */
function kept() {
  return JSON.parse(sessionStorage.getItem(KEY) || 'null');
}

/** @param {Record<string, any>[]} operations @param {() => void} changed @returns {Promise<void>} */
async function run(operations, changed) {
  try {
    const { summary } = await post('/batch', operations);
    if (summary) toast(summary);
    changed();
  } catch (error) {
    toastError(error);
  }
}

/** @param {{path: string, displayName: string}} component @param {boolean} cut @returns {void} */
function keep({ path, displayName }, cut) {
  sessionStorage.setItem(KEY, JSON.stringify({ path, name: displayName, cut }));
  toast(cut ? t('{name} will be moved when it is pasted.', { name: displayName }) : t('{name} is copied; paste it where it shall stand.', { name: displayName }));
}

/** Pasting into a component. @param {string} path @param {() => void} changed @returns {Entry[]} */
export function pasteEntry(path, changed) {
  const thing = kept();
  if (!thing || thing.path === path) return [];
  const paste = () => {
    if (thing.cut) sessionStorage.removeItem(KEY);
    return run([{ op: thing.cut ? 'move' : 'copy', path: thing.path, parent: path }], changed);
  };
  return [{ label: t('Paste {name}', { name: thing.name }), icon: 'plus', run: paste }];
}

/**
 * What can be done with one that may be removed.
 * @param {{path: string, name: string, displayName: string}} component @param {() => void} changed
 * @param {string[]} [siblings] names, in their order, when they are known
 * @returns {Entry[]}
 */
export function clipboardEntries(component, changed, siblings = []) {
  const { path, name } = component;
  const at = siblings.indexOf(name);
  const before = (/** @type {string} */ other) => run([{ op: 'reorder', path, before: other }], changed);
  return [
    { label: t('Duplicate'), icon: 'copy', run: () => run([{ op: 'copy', path }], changed) },
    { label: t('Copy'), icon: 'copy', run: () => keep(component, false) },
    { label: t('Cut'), icon: 'minus', run: () => keep(component, true) },
    ...(at > 0 ? [{ label: t('Move up'), icon: 'up', run: () => before(siblings[at - 1]) }] : []),
    ...(at >= 0 && at < siblings.length - 1 ? [{ label: t('Move down'), icon: 'down', run: () => before(siblings[at + 2] ?? '') }] : []),
  ];
}
