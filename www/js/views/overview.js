// SPDX-License-Identifier: Apache-2.0
// The station at a glance: open alarms, mail, the machine, trust. Where an integrator lands.
import { h, fill, icon, empty, inTurn, settled } from '../dom.js';
import { t, plural } from '../i18n.js';
import { get, pageUrl } from '../api.js';
import { listen, watch } from '../store/events.js';
import { agoText, durationText, timeText } from '../format.js';
import { bell, mailBadge, statusBadge } from '../el/badges.js';
import { outText } from '../el/values.js';
import { causeText } from './account-manager.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

const ROWS = 6;

/** @param {string} title @param {string} href @param {string} symbol @param {any} content @param {any} [mark] @returns {any} */
function card(title, href, symbol, content, mark) {
  return h('section', { class: 'card' }, h('header', {}, icon(symbol), h('h2', {}, h('a', { href }, title)), mark), content);
}

/** @param {any[]} items @param {boolean} more @returns {any} */
function alarmsCard(items, more) {
  const unacked = items.filter((a) => a.ackState === 'unacked').length;
  const list = h('ul', { class: 'brief' }, items.slice(0, ROWS).map((a) => h('li', {}, bell(a), h('a', { href: `/alarms/${a.uuid}` }, a.alarmData.sourceName || a.source[0]), h('span', { class: 'text' }, a.msgText), h('time', { datetime: a.timestamp, title: timeText(a.timestamp) }, agoText(a.timestamp)))));
  return card(t('Open alarms'), '/alarms', 'bell', items.length ? list : empty('check', t('No open alarms')), unacked > 0 && h('span', { class: 'chip bad' }, t('{n} unacknowledged', { n: `${unacked}${more ? '+' : ''}` })));
}

/** @param {any[]} items @param {Child[]} accounts @returns {any} */
function mailCard(items, accounts) {
  const rows = accounts.map((a) => h('li', {}, h('a', { href: pageUrl(`/Services/EmailService/${a.name}`) }, a.displayName), statusBadge(a.status), h('span', { class: 'text' }, causeText({ ...a.values, status: a.status })), h('span', { class: 'muted' }, plural(a.values?.queueSize || 0, '1 queued', '{n} queued'))));
  const list = items.slice(0, ROWS).map((m) => h('li', {}, mailBadge(m.state), h('a', { href: `/mail/${m.id}` }, m.subject || t('(no subject)')), h('span', { class: 'text' }, m.deliveries.map((/** @type {any} */ d) => d.address).join(', ')), h('time', { datetime: m.created, title: timeText(m.created) }, agoText(m.created))));
  return card(t('Mail'), '/mail', 'mail', [h('ul', { class: 'brief accounts' }, rows), items.length ? h('ul', { class: 'brief' }, list) : empty('inbox', t('No mail has been sent yet'))]);
}

/** @param {string} name @param {string} text @param {number|null} share 0 to 1 @returns {any} */
function meter(name, text, share) {
  const bar = share === null || !Number.isFinite(share) ? null : h('meter', { min: 0, max: 1, high: 0.85, optimum: 0, 'aria-label': name });
  if (bar) bar.value = Math.min(1, Math.max(0, share || 0));
  return h('div', { class: 'meter' }, h('span', {}, name), h('strong', {}, text), bar);
}

/** @param {number|undefined} free MB @param {number|undefined} total MB @returns {string} */
function freeText(free, total) {
  const gigabytes = (/** @type {number} */ mb) => (mb / 1024).toFixed(1);
  return free === undefined || total === undefined ? '–' : t('{free} of {total} GB free', { free: gigabytes(free), total: gigabytes(total) });
}

/** @param {any} platform the component with its points @param {any} session @returns {any} */
function machineCard(platform, session) {
  const v = platform.values;
  const number = (/** @type {string} */ name) => v[name]?.out?.value;
  const text = (/** @type {string} */ name) => (v[name] ? outText(v[name]) : '–');
  const hours = number('uptime');
  return card(t('This machine'), pageUrl('/Services/PlatformService'), 'gauge', h('div', { class: 'meters' },
    meter(t('Processor'), text('cpuUsage'), number('cpuUsage') / 100), meter(t('Memory'), freeText(number('memoryAvailable'), number('memoryTotal')), 1 - number('memoryAvailable') / number('memoryTotal')), meter(t('Disk'), freeText(number('diskFree'), number('diskTotal')), 1 - number('diskFree') / number('diskTotal')),
    meter(t('Load'), [text('load1'), text('load5'), text('load15')].join('  '), null), meter(t('Uptime'), typeof hours === 'number' ? durationText(Math.floor(hours * 60) * 60e6) : '–', null), meter(t('Host'), [v.hostname, v.architecture].filter(Boolean).join(' · '), null), meter(t('Belfry'), session.station.version, null)));
}

/** @param {any[]} hosts @param {any[]} keys @returns {any} */
function trustCard(hosts, keys) {
  const waiting = hosts.filter((x) => !x.approved);
  const rows = waiting.slice(0, ROWS).map((x) => h('li', {}, h('span', { class: `shield ${x.previous ? 'warn' : 'bad'}` }, icon(x.previous ? 'shield-alert' : 'shield-cross'), x.previous ? t('key changed') : t('refused')), h('a', { href: '/certificates/hosts' }, x.host), h('span', { class: 'text' }, x.cause)));
  const own = keys.map((c) => h('li', {}, h('span', { class: `shield ${c.valid ? 'good' : 'bad'}` }, icon(c.valid ? 'shield-check' : 'shield-cross'), c.valid ? t('valid') : t('not valid')), h('a', { href: '/certificates/keys' }, t('Own certificate “{name}”', { name: c.alias })), h('span', { class: 'text' }, t('until {time}', { time: timeText(c.notAfter) }))));
  return card(t('Trust'), '/certificates/hosts', 'shield', h('ul', { class: 'brief' }, rows, own), waiting.length > 0 && h('span', { class: 'chip warn' }, plural(waiting.length, '1 server waits for approval', '{n} servers wait for approval')));
}

/** @param {Context} context @returns {Promise<View>} */
export async function overviewView({ root, session }) {
  const places = { alarms: h('div', {}), mail: h('div', {}), machine: h('div', {}), trust: h('div', {}) };
  /** @type {any} */
  let platform = null;
  const load = {
    alarms: inTurn(async () => { const answer = await get('/alarms?state=open&limit=100'); fill(places.alarms, alarmsCard(answer.items, Boolean(answer.next))); }),
    mail: inTurn(async () => {
      const [mails, service] = await Promise.all([get(`/mail?limit=${ROWS}`), get('/components/Services/EmailService?depth=1')]);
      fill(places.mail, mailCard(mails.items, service.children.filter((/** @type {Child} */ c) => c.type === 'email:OutgoingAccount')));
    }),
    machine: inTurn(async () => { platform = await get('/components/Services/PlatformService'); fill(places.machine, machineCard(platform, session)); watch('page', platform.children.map((/** @type {Child} */ c) => c.handle)); }),
    trust: inTurn(async () => { const [hosts, keys] = await Promise.all([get('/allowed-hosts'), get('/certificates/keys')]); fill(places.trust, trustCard(hosts.items, keys.items)); }),
  };
  const attempt = (/** @type {() => Promise<void>} */ part) => part().catch(() => {}); // a service may not be there
  const again = { alarm: settled(load.alarms, 200), mail: settled(load.mail, 250), allowedHost: settled(load.trust, 250), value: settled(() => fill(places.machine, machineCard(platform, session)), 400) };
  const end = listen((kind, data) => {
    if (kind === 'value' && platform) {
      const child = platform.children.find((/** @type {Child} */ c) => c.handle === data.handle);
      if (!child || data.slot !== 'out') return;
      platform.values[child.name] = { ...platform.values[child.name], out: data.value };
      again.value();
    } else if (kind === 'alarm') again.alarm();
    else if (kind === 'mail') again.mail();
    else if (kind === 'allowedHost') again.allowedHost();
    else if (kind === 'reset') Object.values(load).forEach(attempt);
  });
  await Promise.all(Object.values(load).map(attempt)); // what happens meanwhile is heard, and read again
  fill(root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, session.station.name), h('div', { class: 'sub' }, t('The station at a glance')))),
    h('div', { class: 'glance' }, h('div', {}, places.alarms, places.mail), h('div', {}, places.machine, places.trust)));
  const leave = () => {
    end();
    watch('page', []);
    Object.values(again).forEach((a) => a.cancel());
  };
  return { title: t('Overview'), leave };
}
