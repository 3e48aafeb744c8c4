// SPDX-License-Identifier: Apache-2.0
// The mails that came in: from whom, what came of each and why, with the way to the alarm. A stranger may have written every
// word of it.
import { h, fill, empty, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl } from '../api.js';
import { agoText, timeText } from '../format.js';
import { incomingBadge, INCOMING_OUTCOMES } from '../el/badges.js';
import { followList, liveList } from '../el/live-list.js';
import { toastError } from '../el/toast.js';
import { mailHead } from './mail.js';
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').Incoming} Incoming */
/** @typedef {import('../types.js').View} View */
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */

/** @param {Incoming} m @param {boolean} account with the account's name @returns {HTMLElement} */
function row(m, account) {
  return h('tr', {}, h('td', { class: 'nowrap', title: agoText(m.time) }, timeText(m.time)),
    h('td', {}, h('bdi', {}, m.subject || t('(no subject)')), h('div', { class: 'under' }, h('bdi', {}, m.from || '–'), account && m.account && [' · ', h('a', { href: pageUrl(`/Services/EmailService/${m.account}`) }, m.account)])),
    h('td', { class: 'tight' }, incomingBadge(m.outcome)),
    h('td', {}, h('bdi', {}, m.reason), (m.alarm || m.mail) && h('div', { class: 'under' }, m.alarm && h('a', { href: `/alarms/${m.alarm}`, 'data-key': `alarm-${m.sequence}` }, t('the alarm')), m.alarm && m.mail && ' · ',
      m.mail && h('a', { href: `/mail/${m.mail}`, 'data-key': `mail-${m.sequence}` }, t('the mail that it reports on')))));
}

/**
 * @param {() => string} query what the list is of, as "account=…&outcome=…"
 * @param {{account?: boolean, nothing: () => any}} options account: with the account's name
 * @returns {import('../el/live-list.js').LiveList}
 */
function incomingList(query, { account = true, nothing }) {
  const table = (/** @type {Incoming[]} */ items) => h('table', { class: 'ledger cards' }, tableHead(t('Time'), t('Subject and sender'), t('Outcome'), t('Why')), h('tbody', {}, items.map((m) => row(m, account))));
  return liveList({ path: '/mail/incoming', query, kind: 'incoming', table, nothing, older: t('Older mails') });
}

/** @param {any} [value] of the filter at first @returns {any} */
const outcomeFilter = (value = '') => {
  const select = h('select', { 'aria-label': t('Outcome') }, h('option', { value: '' }, t('All outcomes')), Object.entries(INCOMING_OUTCOMES).map(([name, [, words]]) => h('option', { value: name }, t(words))));
  select.value = value;
  return select;
};

/** The page. @param {Context} context @returns {Promise<View>} */
export async function incomingView(context) {
  const outcome = outcomeFilter(context.query.get('outcome') || '');
  const account = h('select', { 'aria-label': t('Account') }, h('option', { value: '' }, t('All accounts')));
  const service = await get('/components/Services/EmailService').catch(() => ({ children: [] }));
  account.append(...service.children.filter((/** @type {any} */ c) => c.type === 'email:IncomingAccount').map((/** @type {any} */ c) => h('option', { value: c.name }, c.displayName)));
  const list = incomingList(() => `outcome=${outcome.value}${account.value ? `&account=${encodeURIComponent(account.value)}` : ''}`, {
    nothing: () => (outcome.value || account.value ? empty('inbox', t('No mail is like this')) : empty('inbox', t('No mail has come in yet'), t('Answers to alarm mails appear here, with what came of each.'))) });
  for (const filter of [outcome, account]) filter.addEventListener('input', () => list.load().catch(toastError));
  fill(context.root, mailHead('/mail/incoming'), h('div', { class: 'toolbar' }, account, outcome), h('section', { class: 'card' }, list.element));
  return { title: t('Incoming mail'), leave: await followList(list) };
}

/** The view of an incoming account. @param {Subject} subject @returns {Promise<Panel>} */
export async function receivedPanel({ component: account }) {
  const outcome = outcomeFilter();
  const list = incomingList(() => `account=${encodeURIComponent(account.name)}&outcome=${outcome.value}`, { account: false,
    nothing: () => (outcome.value ? empty('inbox', t('No mail is like this')) : empty('inbox', t('No mail has come in yet'), t('The account looks into its mailbox by itself; Check Now does so at once.'))) });
  outcome.addEventListener('input', () => list.load().catch(toastError));
  await list.load();
  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Received')), h('div', {}, outcome)), list.element),
    live: (kind, data) => { if (kind !== 'incoming' || data.account === account.name) list.live(kind, data); },
    leave: list.leave,
  };
}
