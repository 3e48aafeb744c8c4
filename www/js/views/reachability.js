// SPDX-License-Identifier: Apache-2.0
// Who cannot be reached by mail, and why: the audit of the EmailService, each finding with the component that mends it.
import { h, fill, empty, inTurn, scroller, settled, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl } from '../api.js';
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {{severity: 'error'|'warning', path: string, text: string}} Finding */

/** @param {Finding} finding @returns {any} */
function row({ severity, path, text }) {
  return h('tr', {}, h('td', { class: 'tight' }, h('span', { class: `chip ${severity === 'error' ? 'bad' : 'warn'}` }, severity === 'error' ? t('error') : t('warning'))),
    h('td', {}, h('a', { href: pageUrl(path) }, path.split('/').pop() || path), h('div', { class: 'under' }, path)), h('td', {}, text));
}

/** @returns {Promise<Panel>} */
export async function reachabilityPanel() {
  const body = h('div', {});
  const load = inTurn(async () => {
    /** @type {{items: Finding[]}} */
    const { items } = await get('/mail/reachability');
    fill(body, items.length === 0 ? empty('check', t('Everybody can be reached'), t('Every alarm class has recipients at every hour, and their accounts can send.'))
      : scroller(t('Reachability'), h('table', {}, tableHead(t('Severity'), t('Component'), t('What is wrong')), h('tbody', {}, items.map(row)))));
  });
  await load();
  const again = settled(load, 500);
  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Reachability'))), body),
    live: (kind) => { if (['component', 'mail', 'reset'].includes(kind)) again(); },
    leave: () => again.cancel(),
  };
}
