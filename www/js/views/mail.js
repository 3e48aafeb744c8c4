// SPDX-License-Identifier: Apache-2.0
// The ledger: every mail, every address, every attempt.
import { h, fill, toast } from '../dom.js';
import { get, post } from '../api.js';
import { listen } from '../events.js';
import { timeText } from '../text.js';

const colours = { accepted: 'good', queued: 'note', deferred: 'warn', partial: 'warn', refused: 'bad', bounced: 'bad', cancelled: '' };

/** @param {string} state */
export function stateBadge(state) {
  return h('span', { class: `badge ${colours[state] || ''}` }, state);
}

/** @param {any} d a delivery */
function reply(d) {
  return [d.replyCode || '', d.enhancedStatus, d.replyText].filter(Boolean).join(' ');
}

/** @param {any[]} items @param {string} nothing */
export function mailTable(items, nothing) {
  if (!items.length) return h('p', { class: 'empty' }, nothing);
  return h('table', {}, h('thead', {}, h('tr', {}, ['Time', 'Subject', 'State', 'Recipients and what the server said'].map((t) => h('th', { scope: 'col' }, t)))),
    h('tbody', {}, items.map((m) => h('tr', {}, h('td', {}, timeText(m.created)), h('td', {}, h('a', { href: `/mail/${m.id}` }, m.subject || '(no subject)')), h('td', {}, stateBadge(m.state)),
      h('td', {}, m.deliveries.map((d) => h('div', {}, stateBadge(d.state), ' ', d.address, reply(d) && h('span', { class: 'was' }, ` — ${reply(d)}`))))))));
}

/** @param {any} context */
async function oneMail({ main, rest, session, go }) {
  const id = rest.slice(1);
  const show = async () => {
    const m = await get(`/mail/${encodeURIComponent(id)}`);
    const refused = m.deliveries.some((d) => ['refused', 'bounced', 'cancelled'].includes(d.state));
    fill(main, h('nav', { 'aria-label': 'Path' }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/mail' }, 'Mail')), h('li', {}, m.subject))),
      h('div', { class: 'head' }, h('h1', { class: 'grow' }, m.subject), stateBadge(m.state),
        refused && session.permissions.operate && h('button', {
          type: 'button',
          onclick: () => post(`/mail/${m.id}/resend`).then((r) => { toast('Queued again.'); go(`/mail/${r.id}`); }, (e) => toast(e.message, true)),
        }, 'Send again')),
      h('div', { class: 'columns' },
        h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Recipients')), h('div', { class: 'scroll' }, h('table', {},
          h('thead', {}, h('tr', {}, ['Address', 'State', 'Attempts', 'Server'].map((t) => h('th', { scope: 'col' }, t)))),
          h('tbody', {}, m.deliveries.map((d) => h('tr', {}, h('td', {}, d.name && `${d.name} `, d.address), h('td', {}, stateBadge(d.state), d.nextAttempt && h('div', { class: 'was' }, `next ${timeText(d.nextAttempt)}`)),
            h('td', {}, d.attempts), h('td', {}, reply(d) || '–', d.queueId && h('div', { class: 'was' }, `queue id ${d.queueId}`), d.tlsVersion && h('div', { class: 'was' }, `${d.tlsVersion} ${d.cipher}`)))))))),
        h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Message')), h('div', { class: 'inside' }, h('dl', { class: 'facts' },
          h('dt', {}, 'Account'), h('dd', {}, h('a', { href: `/station/Services/EmailService/${m.account}` }, m.account)), h('dt', {}, 'From'), h('dd', {}, m.from), h('dt', {}, 'Created'), h('dd', {}, timeText(m.created)),
          h('dt', {}, 'Message-ID'), h('dd', { class: 'mono' }, m.messageId), m.alarm && [h('dt', {}, 'Alarm'), h('dd', {}, h('a', { href: `/alarms/${m.alarm}` }, m.alarm))]),
          h('pre', { class: 'plain-value' }, m.body)))),
      h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Attempts')), m.attempts.length ? h('div', { class: 'scroll' }, h('table', {},
        h('thead', {}, h('tr', {}, ['Time', 'Address', 'Stage', 'Outcome', 'Server'].map((t) => h('th', { scope: 'col' }, t)))),
        h('tbody', {}, m.attempts.map((a) => h('tr', {}, h('td', {}, timeText(a.time)), h('td', {}, a.address), h('td', { class: 'mono' }, a.stage), h('td', {}, stateBadge(a.outcome)), h('td', {}, reply(a))))))) : h('p', { class: 'empty' }, 'No attempt has been made yet.')));
  };
  await show();
  return listen((kind, data) => { if (kind === 'mail' && data.id === id) show().catch(() => {}); });
}

/** @param {any} context @returns {Promise<() => void>} */
export async function mailView(context) {
  if (context.rest.length > 1) return oneMail(context);
  const { main } = context;
  const table = h('div', { class: 'scroll' });
  const state = h('select', { 'aria-label': 'State' }, h('option', { value: '' }, 'All states'), Object.keys(colours).filter((s) => s !== 'bounced').map((s) => h('option', { value: s }, s)));
  const more = h('button', { type: 'button', hidden: true }, 'Older mails');
  let items = [];
  let cursor = '';
  const load = async (older) => {
    const answer = await get(`/mail?limit=50&state=${state.value}${older ? `&cursor=${cursor}` : ''}`);
    items = older ? items.concat(answer.items) : answer.items;
    cursor = answer.next || '';
    more.hidden = !cursor;
    fill(table, mailTable(items, 'No mail has been sent yet. Alarms that reach an EmailRecipient appear here.'));
  };
  state.addEventListener('input', () => load(false));
  more.addEventListener('click', () => load(true));
  fill(main, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, 'Mail'), h('div', { class: 'sub' }, 'Every message, every recipient, every attempt.')), h('div', {}, state)),
    h('section', { class: 'card' }, table), more);
  await load(false);
  let timer = 0;
  return listen((kind) => { if (kind === 'mail' || kind === 'reset') { clearTimeout(timer); timer = setTimeout(() => load(false).catch(() => {}), 200); } });
}
