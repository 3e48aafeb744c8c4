// SPDX-License-Identifier: Apache-2.0
// Copy, cut, paste, duplicate and moving among siblings, of one component or of several: each is one batch, which the station
// can undo. What was copied is kept for the whole tab: tree, tables and wire sheets share it.
import { plural, t } from '../i18n.js';
import { post } from '../api.js';
import { toast, toastError } from './toast.js';
/** @typedef {import('./menu.js').Entry} Entry */
/** @typedef {{path: string, name: string, displayName: string}} Named */
/** @typedef {{paths: string[], name: string, cut: boolean}} Kept name: of one, or how many there are */

const KEY = 'belfry-clipboard';

/** What was copied or cut last. @returns {Kept|null} */
export function kept() {
  return JSON.parse(sessionStorage.getItem(KEY) || 'null');
}

/** @param {Named[]} components @returns {string} */
export const namesOf = (components) => (components.length === 1 ? components[0].displayName : plural(components.length, '1 component', '{n} components'));

/** @param {Named[]} components @param {boolean} cut @returns {void} */
export function keep(components, cut) {
  const name = namesOf(components);
  sessionStorage.setItem(KEY, JSON.stringify({ paths: components.map((c) => c.path), name, cut }));
  toast(cut ? t('Cut: {name}. It moves where you paste it.', { name }) : t('Copied: {name}. Paste it where it shall stand.', { name }));
}

/** One batch; says what the station made of it. @param {Record<string, any>[]} operations @param {() => void} changed @returns {Promise<boolean>} did it work? */
export async function run(operations, changed) {
  try {
    const { summary } = await post('/batch', operations);
    if (summary) toast(summary);
    changed();
    return true;
  } catch (error) {
    toastError(error);
    return false;
  }
}

/** Pasting below a component. @param {string} parent path @param {() => void} changed @returns {Promise<boolean>} */
export async function paste(parent, changed) {
  const thing = kept();
  if (!thing) return false;
  const done = await run([{ op: thing.cut ? 'move' : 'copy', paths: thing.paths, parent }], changed);
  if (done && thing.cut) sessionStorage.removeItem(KEY);
  return done;
}

/** @param {string} path @param {() => void} changed @returns {Entry[]} */
export function pasteEntry(path, changed) {
  const thing = kept();
  if (!thing || thing.paths.includes(path)) return [];
  return [{ label: t('Paste {name}', { name: thing.name }), icon: 'plus', key: 'Control+V', run: () => paste(path, changed) }];
}

/** @param {Named[]} components @param {() => void} changed @returns {Promise<boolean>} */
export const duplicate = (components, changed) => run([{ op: 'copy', paths: components.map((c) => c.path) }], changed);

/**
 * What can be done with one that may be removed.
 * @param {Named} component @param {() => void} changed
 * @param {string[]} [siblings] names, in their order, when they are known
 * @returns {Entry[]}
 */
export function clipboardEntries(component, changed, siblings = []) {
  const { path, name } = component;
  const at = siblings.indexOf(name);
  const before = (/** @type {string} */ other) => run([{ op: 'reorder', path, before: other }], changed);
  return [
    { label: t('Duplicate'), icon: 'copy', key: 'Control+D', run: () => duplicate([component], changed) },
    { label: t('Copy'), icon: 'copy', key: 'Control+C', run: () => keep([component], false) },
    { label: t('Cut'), icon: 'minus', key: 'Control+X', run: () => keep([component], true) },
    ...(at > 0 ? [{ label: t('Move up'), icon: 'up', key: 'Alt+ArrowUp', run: () => before(siblings[at - 1]) }] : []),
    ...(at >= 0 && at < siblings.length - 1 ? [{ label: t('Move down'), icon: 'down', key: 'Alt+ArrowDown', run: () => before(siblings[at + 2] ?? '') }] : []),
  ];
}
