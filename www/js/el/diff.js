// SPDX-License-Identifier: Apache-2.0
// What a change of the configuration is, as a table that a person can read: component, property, old value, new value.
import { h } from '../dom.js';
import { t } from '../i18n.js';
import { pageUrl } from '../api.js';

/** @typedef {{name: string, old?: any, new?: any}} Property */
/** @typedef {{path: string, oldPath?: string, type: string, what: string, properties?: Property[], links?: Property[], displayName?: Property, position?: any}} Change */

const WHAT = /** @type {Record<string, string>} */ ({ added: 'good', removed: 'bad', moved: 'note', changed: '' });

/** @param {any} value @returns {string} */
function text(value) {
  if (value === undefined) return t('default');
  if (value === null) return 'null';
  if (typeof value !== 'object') return String(value);
  if ('set' in value) return value.set ? t('a secret') : t('no secret');
  if ('value' in value && 'status' in value) return value.status === '{ok}' ? String(value.value) : `${value.value} ${value.status}`;
  if ('source' in value) return `${value.source} ${value.sourceSlot} → ${value.targetSlot}`;
  return JSON.stringify(value);
}

/** @param {string} name @param {Property} p @returns {any} */
const row = (name, p) => h('tr', {}, h('td', {}), h('th', { scope: 'row' }, name), h('td', {}, h('del', {}, text(p.old))), h('td', {}, h('ins', {}, text(p.new))));

/** @param {Change} change @returns {any[]} the rows of one component */
function rows(change) {
  const known = change.what !== 'removed' && change.path.startsWith('/');
  const name = known ? h('a', { href: pageUrl(change.path) }, change.path) : change.path;
  const from = change.oldPath && change.oldPath !== change.path ? h('span', { class: 'under' }, t('was {path}', { path: change.oldPath })) : '';
  return [
    h('tr', { class: 'diff-head' }, h('td', { class: 'tight' }, h('span', { class: `chip ${WHAT[change.what] || ''}` }, t(change.what))), h('th', { colspan: 3, scope: 'rowgroup' }, name, ' ', from, h('span', { class: 'under' }, ` ${change.type}`))),
    change.displayName && row(t('display name'), change.displayName),
    (change.properties || []).map((p) => row(p.name, p)),
    (change.links || []).map((p) => row(t('link {name}', { name: p.name }), p)),
  ];
}

/**
 * @param {Change[]} changes
 * @param {boolean} [cut] there are more
 * @returns {any}
 */
export function diffTable(changes, cut = false) {
  if (changes.length === 0) return h('p', { class: 'muted pad' }, t('Nothing changes.'));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Changes') },
    h('table', { class: 'diff' }, h('thead', {}, h('tr', {}, [t('What'), t('Component or property'), t('Before'), t('After')].map((x) => h('th', { scope: 'col' }, x)))), h('tbody', {}, changes.map(rows))),
    cut && h('p', { class: 'muted pad' }, t('Only the first {n} are shown.', { n: changes.length })));
}
