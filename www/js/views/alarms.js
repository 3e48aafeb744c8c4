// SPDX-License-Identifier: Apache-2.0
// The alarm console: open alarms live, newest first; acknowledge, notes, details.
import { h, fill, ask, toast, labelled } from '../dom.js';
import { get, post } from '../api.js';
import { listen } from '../events.js';
import { timeText, displayName } from '../text.js';
import { stateBadge } from './mail.js';

/** Niagara's bell colours, always with words. @param {any} a */
function bell(a) {
  const normal = a.sourceState === 'normal';
  const colour = a.ackState === 'unacked' ? (normal ? 'green' : 'red') : (normal ? 'white' : 'gold');
  return h('span', { class: 'bell', 'data-bell': colour }, displayName(a.sourceState));
}

/** @param {string[]} uuids @param {string} note */
async function acknowledge(uuids, note = '') {
  const { results } = await post('/alarms/ack', { uuids, note });
  const failed = results.filter((r) => !r.ok);
  if (failed.length) toast(failed[0].error || failed[0].detail || 'Not acknowledged.', true);
  else toast(uuids.length === 1 ? 'Acknowledged.' : `${uuids.length} alarms acknowledged.`);
}

/** @param {any} context */
async function oneAlarm({ main, rest, session }) {
  const uuid = rest.slice(1);
  const show = async () => {
    const a = await get(`/alarms/${encodeURIComponent(uuid)}`);
    const source = (a.source[0] || '').replace(/^.*slot:/, '');
    const note = async () => {
      const input = h('textarea', { required: true });
      if (await ask('Add a note', () => [labelled('Note', input)], { ok: 'Add', submit: () => post('/alarms/note', { uuids: [uuid], note: input.value }) })) show();
    };
    fill(main, h('nav', { 'aria-label': 'Path' }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/alarms' }, 'Alarms')), h('li', {}, a.alarmData.sourceName))),
      h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, a.alarmData.sourceName), h('div', { class: 'sub' }, a.msgText)), bell(a), h('span', { class: 'badge' }, a.ackState),
        session.permissions.operate && h('button', { type: 'button', onclick: note }, 'Add note'),
        session.permissions.operate && a.ackState === 'unacked' && h('button', { type: 'button', class: 'primary', onclick: () => acknowledge([uuid]).then(show, (e) => toast(e.message, true)) }, 'Acknowledge')),
      h('div', { class: 'columns' },
        h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Record')), h('div', { class: 'inside' }, h('dl', { class: 'facts' },
          [['Timestamp', timeText(a.timestamp)], ['Source', h('a', { href: `/station${source}` }, source)], ['Source state', a.sourceState], ['Ack state', a.ackState], ['Alarm class', a.alarmClass], ['Priority', a.priority],
            ['Normal time', timeText(a.normalTime)], ['Ack time', timeText(a.ackTime)], ['User', a.user || '–'], ['Transition', a.alarmTransition], ['Last update', timeText(a.lastUpdate)], ['Uuid', h('span', { class: 'mono' }, a.uuid)]]
            .map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])))),
        h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Alarm data')), h('div', { class: 'inside' }, h('dl', { class: 'facts' }, Object.entries(a.alarmData).map(([k, v]) => [h('dt', {}, displayName(k)), h('dd', {}, String(v))]))))),
      h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Mails')), a.deliveries.length ? h('div', { class: 'scroll' }, h('table', {},
        h('thead', {}, h('tr', {}, ['Address', 'State', 'Server', ''].map((t) => h('th', { scope: 'col' }, t)))),
        h('tbody', {}, a.deliveries.map((d) => h('tr', {}, h('td', {}, d.address), h('td', {}, stateBadge(d.state)), h('td', {}, [d.replyCode || '', d.replyText].filter(Boolean).join(' ')), h('td', {}, d.mail && h('a', { href: `/mail/${d.mail}` }, 'Mail'))))))) : h('p', { class: 'empty' }, 'Nobody was mailed about this alarm.')),
      h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Notes')), a.notes.length ? h('div', { class: 'inside' }, a.notes.map((n) => h('p', {}, h('strong', {}, n.user), ` ${timeText(n.time)}: ${n.text}`))) : h('p', { class: 'empty' }, 'No notes.')));
  };
  await show();
  return listen((kind, data) => { if ((kind === 'alarm' && data.uuid === uuid) || kind === 'mail') show().catch(() => {}); });
}

/** @param {any} context @returns {Promise<() => void>} */
export async function alarmsView(context) {
  if (context.rest.length > 1) return oneAlarm(context);
  const { main, session } = context;
  /** @type {Set<string>} */
  const chosen = new Set();
  const filter = h('select', { 'aria-label': 'Which alarms' }, h('option', { value: 'open' }, 'Open'), h('option', { value: 'open,cleared' }, 'Open and cleared'));
  const ackButton = h('button', { type: 'button', class: 'primary', disabled: true }, 'Acknowledge');
  const more = h('button', { type: 'button', hidden: true }, 'Older alarms');
  const table = h('div', { class: 'scroll' });
  let items = [];
  let cursor = '';
  const choose = (uuid, on) => { if (on) chosen.add(uuid); else chosen.delete(uuid); ackButton.disabled = chosen.size === 0; ackButton.textContent = chosen.size > 1 ? `Acknowledge ${chosen.size}` : 'Acknowledge'; };
  const row = (a) => h('tr', { 'data-uuid': a.uuid },
    session.permissions.operate && h('td', {}, a.ackState === 'unacked' && h('input', { type: 'checkbox', 'aria-label': `Choose ${a.alarmData.sourceName}`, checked: chosen.has(a.uuid), oninput: (e) => choose(a.uuid, e.target.checked) })),
    h('td', {}, bell(a)), h('td', {}, timeText(a.timestamp)), h('td', {}, h('a', { href: `/alarms/${a.uuid}` }, a.alarmData.sourceName || a.source[0])), h('td', {}, a.msgText, a.notes.length > 0 && h('span', { class: 'badge note' }, ` ${a.notes.length} note${a.notes.length > 1 ? 's' : ''}`)),
    h('td', {}, a.ackState === 'unacked' ? h('span', { class: 'badge bad' }, 'unacked') : h('span', { class: 'badge' }, a.user ? `acked by ${a.user}` : 'acked')), h('td', {}, a.priority), h('td', {}, a.alarmClass));
  const draw = () => fill(table, items.length ? h('table', {}, h('thead', {}, h('tr', {}, [session.permissions.operate && h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, 'Choose')), ...['State', 'Time', 'Source', 'Message', 'Ack', 'Priority', 'Class'].map((t) => h('th', { scope: 'col' }, t))])),
    h('tbody', {}, items.map(row))) : h('p', { class: 'empty' }, filter.value === 'open' ? 'No open alarms. All is quiet.' : 'No alarms yet.'));
  const load = async (older) => {
    const answer = await get(`/alarms?state=${filter.value}&limit=100${older ? `&cursor=${cursor}` : ''}`);
    items = older ? items.concat(answer.items) : answer.items;
    cursor = answer.next || '';
    more.hidden = !cursor;
    for (const uuid of [...chosen]) if (!items.some((a) => a.uuid === uuid && a.ackState === 'unacked')) choose(uuid, false);
    draw();
  };
  ackButton.addEventListener('click', () => acknowledge([...chosen]).then(() => { chosen.clear(); choose('', false); return load(false); }).catch((e) => toast(e.message, true)));
  filter.addEventListener('input', () => load(false));
  more.addEventListener('click', () => load(true));
  fill(main, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, 'Alarms'), h('div', { class: 'sub' }, 'Newest first. A closed circle is unacknowledged.')), h('div', {}, filter), session.permissions.operate && ackButton), h('section', { class: 'card' }, table), more);
  await load(false);
  let timer = 0;
  return listen((kind) => { if (kind === 'alarm' || kind === 'reset') { clearTimeout(timer); timer = setTimeout(() => load(false).catch(() => {}), 150); } });
}
