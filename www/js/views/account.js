// SPDX-License-Identifier: Apache-2.0
// What an outgoing mail account has beside its sheet: its queue and ledger, and the transcript of its dialogue, live.
import { h, fill, empty } from '../dom.js';
import { t } from '../i18n.js';
import { get } from '../api.js';
import { durationText } from '../format.js';
import { securityText } from './account-manager.js';
import { ledger } from './mail.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */

const LINES_MAX = 1000;
const ARROWS = /** @type {Record<string, string>} */ ({ sent: '→', received: '←', note: '·' });
const SPOKEN = /** @type {Record<string, string>} */ ({ sent: 'sent', received: 'received', note: 'note' });

/** Status, security, queue: the account in one line, live. @param {Component} account @returns {{element: HTMLElement, set: (name: string, value: any) => void}} */
function strip(account) {
  const values = { ...account.values };
  const element = h('dl', { class: 'strip' });
  const show = () => {
    const pairs = [[t('Queued'), values.queueSize], [t('Sent today'), values.maxSendablePerDay ? `${values.sent.today} / ${values.maxSendablePerDay}` : values.sent.today], [t('Circuit breaker'), values.circuitBreaker], [t('Security'), securityText(values)],
      [t('Effective port'), values.transport === 'Smtp' ? values.effectivePort : '–'], [t('Tries again after'), durationText(values.retryInterval)]];
    fill(element, pairs.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  };
  show();
  return { element, set: (name, value) => { values[name] = value; show(); } };
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function queuePanel({ component: account }) {
  const list = ledger(() => `account=${encodeURIComponent(account.name)}`, { account: false, nothing: () => empty('inbox', t('No mail has gone through this account yet'), t('Send a test mail with the button above.')) });
  const line = strip(account);
  await list.load();
  return {
    element: h('div', {}, line.element, h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Queue and ledger'))), list.element)),
    live: (kind, data) => {
      if (kind === 'value' && data.handle === account.handle) line.set(data.slot, data.value);
      if (kind !== 'mail' || data.account === account.name) list.live(kind, data);
    },
    leave: list.leave,
  };
}

/** @param {{time: string, direction: string, text: string}} line @returns {HTMLElement} */
export function transcriptLine({ time, direction, text }) {
  return h('p', { 'data-direction': direction }, h('time', { datetime: time }, new Date(time).toLocaleTimeString()),
    h('span', { class: 'arrow', 'aria-hidden': 'true' }, ARROWS[direction] || ''), h('span', { class: 'visually-hidden' }, `${t(SPOKEN[direction] || direction)}: `), h('span', { class: 'text' }, text));
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function transcriptPanel({ component: account }) {
  const log = h('div', { class: 'transcript', tabindex: '0', role: 'log', 'aria-label': t('Transcript') });
  const { items } = await get(`/mail/transcript?account=${encodeURIComponent(account.name)}`);
  const nothing = empty('list', t('Nothing yet'), account.values.debug ? t('The dialogue with the server appears here, live. Passwords are never in it.') : t('Switch Debug on in the properties to see the whole dialogue. Passwords are never in it.'));
  fill(log, items.length ? items.map(transcriptLine) : nothing);
  requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
  const add = (/** @type {any} */ line) => {
    nothing.remove();
    const end = log.scrollTop + log.clientHeight >= log.scrollHeight - 12;
    log.append(transcriptLine(line));
    while (log.childElementCount > LINES_MAX) log.firstElementChild?.remove();
    if (end) log.scrollTop = log.scrollHeight;
  };
  const save = h('a', { class: 'button small', href: `/api/v1/mail/transcript?account=${encodeURIComponent(account.name)}&format=text`, download: `${account.name}.txt` }, t('Download'));
  const clear = h('button', { type: 'button', class: 'small', onclick: () => fill(log) }, t('Clear view'));
  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Transcript')), h('div', {}, save, ' ', clear)),
      items.length > 0 && !account.values.debug && h('p', { class: 'pad muted' }, t('Only connections are kept. Switch Debug on in the properties to see the whole dialogue.')), log),
    live: (kind, data) => { if (kind === 'transcript' && data.account === account.name) add(data); },
  };
}
