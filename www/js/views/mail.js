// SPDX-License-Identifier: Apache-2.0
// The ledger: every mail, every address, every attempt.
import { h, fill, icon, empty, facts, inTurn, keepFocus, scroller, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl, post } from '../api.js';
import { followed } from '../store/events.js';
import { agoText, timeText } from '../format.js';
import { mailBadge } from '../el/badges.js';
import { followList, liveList } from '../el/live-list.js';
import { toast, toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Mail} Mail */
/** @typedef {import('../types.js').Delivery} Delivery */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const STATES = ['queued', 'deferred', 'accepted', 'partial', 'refused', 'bounced', 'cancelled', 'digested'];
const KINDS = /** @type {Record<string, string>} */ ({ test: 'test mail', message: 'written by a person', digest: 'digest', confirmation: 'confirmation' });
const STAGES = /** @type {Record<string, string>} */ ({ file: 'writing the file', connect: 'connecting', greeting: 'the greeting', handshake: 'the TLS handshake', queue: 'the queue' }); // others are SMTP's own words

/** What the server said; a sentence of the station may quote it with its code. @param {{replyCode: number, enhancedStatus: string, replyText: string}} d @returns {string} */
export function replyText(d) {
  const quoted = d.replyCode !== 0 && d.replyText.includes(`: ${d.replyCode} `);
  return quoted ? d.replyText : [d.replyCode || '', d.enhancedStatus, d.replyText].filter(Boolean).join(' ');
}

/** @param {Delivery} d @returns {any} */
function deliveryLine(d) {
  const reply = replyText(d);
  return h('div', { class: 'delivery' }, mailBadge(d.state), h('div', {}, h('span', { class: 'address' }, d.address), d.field !== 'to' && h('span', { class: 'muted' }, ` ${d.field}`),
    d.attempts > 1 && h('span', { class: 'muted' }, ` · ${t('{n} attempts', { n: d.attempts })}`), d.nextAttempt && h('span', { class: 'muted' }, ` · ${t('next {time}', { time: timeText(d.nextAttempt) })}`),
    reply && h('div', { class: 'under' }, reply), d.waitsFor && h('div', { class: 'under' }, d.waitsFor)));
}

/** Mails as a table. @param {Mail[]} items @param {boolean} [account] with the account's name @returns {any} */
export function mailTable(items, account = true) {
  return h('table', { class: 'ledger cards' }, tableHead(t('Time'), t('Subject'), t('State'), t('Recipients, and what the server said')), h('tbody', {}, items.map((m) => h('tr', {},
    h('td', { class: 'nowrap', title: agoText(m.created) }, timeText(m.created)),
    h('td', {}, h('a', { href: `/mail/${m.id}`, 'data-key': m.id }, m.subject || t('(no subject)')), h('div', { class: 'under' }, [KINDS[m.kind] ? t(KINDS[m.kind]) : '', account ? m.account : ''].filter(Boolean).join(' · '))),
    h('td', { class: 'tight' }, mailBadge(m.state)),
    h('td', {}, m.deliveries.map(deliveryLine))))));
}

/** @param {Mail} m @returns {any} */
function recipientsCard(m) {
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Recipients'))), scroller(t('Recipients'), h('table', {}, tableHead(t('Address'), t('State'), t('Attempts'), t('What the server said')),
    h('tbody', {}, m.deliveries.map((d) => h('tr', {}, h('td', {}, d.address, h('div', { class: 'under' }, [d.name, d.field].filter(Boolean).join(' · '), d.recipient && [' · ', h('a', { href: pageUrl(d.recipient) }, d.recipient.split('/').pop())])),
      h('td', { class: 'tight' }, mailBadge(d.state), d.nextAttempt && h('div', { class: 'under' }, t('next {time}', { time: timeText(d.nextAttempt) }))), h('td', { class: 'number' }, d.attempts),
      h('td', {}, replyText(d) || '–', d.waitsFor && h('div', { class: 'under' }, d.waitsFor), [d.queueId && t('queue id {id}', { id: d.queueId }), d.tlsVersion && `${d.tlsVersion} ${d.cipher}`].filter(Boolean).map((text) => h('div', { class: 'under' }, text)),
        d.fingerprint && h('div', { class: 'under mono' }, d.fingerprint))))))));
}

/** @param {string} name @returns {any} */
const accountLink = (name) => h('a', { href: pageUrl(`/Services/EmailService/${name}`) }, name);

/** @param {Mail} m @returns {any} */
function messageCard(m) {
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Message'))), h('div', { class: 'inside' },
    facts([[t('From'), m.from], [t('To'), m.deliveries.map((d) => (d.name ? `${d.name} <${d.address}>` : d.address)).join(', ')], [t('Subject'), m.subject], [t('S/MIME'), m.security], [t('Created'), timeText(m.created)],
      [t('Account'), accountLink(m.account)], [t('Meant for'), m.firstAccount !== m.account && accountLink(m.firstAccount)],
      [t('Summed up in'), m.digest && h('a', { href: `/mail/${m.digest}` }, t('the digest'))], [t('Alarm'), m.alarm && h('a', { href: `/alarms/${m.alarm}` }, t('the alarm it tells of'))], ['Message-ID', h('span', { class: 'mono' }, m.messageId)]])),
  h('pre', { class: 'letter', tabindex: '0', role: 'region', 'aria-label': t('Body') }, m.body || ''));
}

/** @param {Mail} m @returns {any} */
function attemptsCard(m) {
  const attempts = m.attempts || [];
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Attempts'), ' ', h('span', { class: 'number' }, attempts.length || ''))), attempts.length === 0 ? empty('clock', t('No attempt has been made yet')) : scroller(t('Attempts'), h('table', {},
    tableHead(t('Time'), t('Outcome'), t('Got as far as'), t('What the server said')),
    h('tbody', {}, attempts.map((a) => h('tr', {}, h('td', {}, h('span', { class: 'nowrap' }, timeText(a.time)), h('div', { class: 'under' }, [a.address, a.account].filter(Boolean).join(' · '))), h('td', { class: 'tight' }, mailBadge(a.outcome)), h('td', {}, t(STAGES[a.stage] || a.stage)),
      h('td', {}, replyText(a) || '–', a.tlsVersion && h('div', { class: 'under' }, `${a.tlsVersion} ${a.cipher}`))))))));
}

/** What a digest sums up. @param {Mail[]} items @returns {any} */
function digestCard(items) {
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Summed up here'), ' ', h('span', { class: 'number' }, items.length))),
    scroller(t('Summed up here'), h('table', {}, tableHead(t('Time'), t('Subject')), h('tbody', {}, items.map((m) => h('tr', {}, h('td', { class: 'nowrap' }, timeText(m.created)), h('td', {}, h('a', { href: `/mail/${m.id}` }, m.subject))))))));
}

/** @param {Context} context @param {{go: (url: string) => void}} shell @returns {Promise<View>} */
async function oneMail({ rest, session, root }, { go }) {
  const id = rest.slice(1);
  let mail = /** @type {Mail} */ ({});
  const resend = () => post(`/mail/${encodeURIComponent(id)}/resend`).then((made) => { toast(t('Queued again.')); go(`/mail/${made.id}`); }, toastError);
  const load = inTurn(async () => {
    mail = await get(`/mail/${encodeURIComponent(id)}`);
    const parts = mail.kind === 'digest' ? (await get(`/mail?limit=500&digest=${encodeURIComponent(id)}`)).items : [];
    const failed = mail.deliveries.some((d) => ['refused', 'bounced', 'cancelled'].includes(d.state));
    keepFocus(root, () => fill(root, h('nav', { 'aria-label': t('Path') }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/mail' }, t('Mail'))), h('li', {}, h('a', { href: `/mail/${mail.id}`, 'aria-current': 'page' }, mail.subject || t('(no subject)'))))),
      h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, icon('mail'), mail.subject || t('(no subject)'), mailBadge(mail.state))),
        failed && session.permissions.operate && h('button', { type: 'button', 'data-key': 'resend', onclick: resend }, icon('send'), t('Send again'))),
      h('div', { class: 'columns wide-left' }, h('div', {}, recipientsCard(mail), attemptsCard(mail), parts.length > 0 && digestCard(parts)), messageCard(mail))));
  });
  const leave = await followed(load, 100, (kind, data) => kind === 'reset' || (kind === 'mail' && data.id === id));
  return { title: mail.subject || t('Mail'), leave };
}

/**
 * The mails of the ledger, live.
 * @param {() => string} query what the list is of, as "account=…&state=…"
 * @param {{account?: boolean, nothing: () => any}} options account: with the account's name
 * @returns {import('../el/live-list.js').LiveList}
 */
export function ledger(query, { account = true, nothing }) {
  return liveList({ path: '/mail', query, kind: 'mail', table: (items) => mailTable(items, account), nothing, older: t('Older mails') });
}

const PAGES = [['/mail', 'Outgoing'], ['/mail/incoming', 'Incoming']];

/** Heading and tabs of the pages of mail. @param {string} page @returns {any[]} */
export function mailHead(page) {
  return [h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Mail')), h('div', { class: 'sub' }, page === '/mail' ? t('Every message, every recipient, every attempt.') : t('Every mail that was read, and what came of it. Texts of mails are not kept.')))),
    h('nav', { class: 'tabs', 'aria-label': t('Mail') }, PAGES.map(([url, name]) => h('a', { href: url, 'aria-current': url === page ? 'page' : null }, t(name))))];
}

/** @param {Context} context @param {{go: (url: string) => void}} shell @returns {Promise<View>} */
export async function mailView(context, shell) {
  if (context.rest === '/incoming') return (await import('./incoming.js')).incomingView(context);
  if (context.rest.length > 1) return oneMail(context, shell);
  const state = h('select', { 'aria-label': t('State') }, h('option', { value: '' }, t('All states')), STATES.map((s) => h('option', { value: s }, s)));
  const account = h('select', { 'aria-label': t('Account') }, h('option', { value: '' }, t('All accounts')));
  state.value = context.query.get('state') || '';
  const service = await get('/components/Services/EmailService').catch(() => ({ children: [] }));
  account.append(...service.children.filter((/** @type {any} */ c) => c.type === 'email:OutgoingAccount').map((/** @type {any} */ c) => h('option', { value: c.name }, c.displayName)));
  const list = ledger(() => `state=${state.value}${account.value ? `&account=${encodeURIComponent(account.value)}` : ''}`, {
    nothing: () => (state.value || account.value ? empty('inbox', t('No mail is like this')) : empty('inbox', t('No mail has been sent yet'), t('Alarms that reach an email recipient appear here, with what each server said.'))) });
  for (const filter of [state, account]) filter.addEventListener('input', () => list.load().catch(toastError));
  fill(context.root, mailHead('/mail'), h('div', { class: 'toolbar' }, account, state), h('section', { class: 'card' }, list.element));
  return { title: t('Mail'), leave: await followList(list) };
}
