// SPDX-License-Identifier: Apache-2.0
// One alarm: its record, what it was told with, who was mailed, notes, and what happened to it.
import { h, fill, icon, empty, facts, inTurn, keepFocus, scroller, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { get, pageUrl } from '../api.js';
import { followed } from '../store/events.js';
import { agoText, pathOfOrd, spaced, timeText } from '../format.js';
import { ackBadge, bell, mailBadge } from '../el/badges.js';
import { toastError } from '../el/toast.js';
import { acknowledge, addNote, forceClear, shelve, unshelve } from './alarms.js';
import { replyText } from './mail.js';
/** @typedef {import('../types.js').Alarm} Alarm */
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */

/** @param {string} title @param {any} content @param {any} [button] @returns {any} */
function card(title, content, button) {
  return h('section', { class: 'card' }, h('header', {}, h('h2', {}, title), button), content);
}

/** @param {Alarm} a @returns {any} */
function record(a) {
  const path = pathOfOrd(a.source[0] || '');
  return card(t('Record'), h('div', { class: 'inside' }, facts([[t('Timestamp'), timeText(a.timestamp)], [t('Source'), path ? h('a', { href: pageUrl(path) }, path) : a.source[0]], [t('Source state'), spaced(a.sourceState)],
    [t('Ack state'), a.ackRequired ? a.ackState : t('{state}, not required', { state: a.ackState })], [t('Alarm class'), a.alarmClass], [t('Priority'), a.priority], [t('Normal time'), timeText(a.normalTime)], [t('Ack time'), timeText(a.ackTime)],
    [t('User'), a.user || '–'], [t('Alarm transition'), spaced(a.alarmTransition)], [t('Last update'), timeText(a.lastUpdate)], ['UUID', h('span', { class: 'mono' }, a.uuid)]])));
}

/** @param {Alarm} a @returns {any} */
function mails(a) {
  if (!a.deliveries.length) return card(t('Mails'), empty('mail', t('Nobody was mailed about this alarm'), t('An alarm class mails through its links to recipients.')));
  return card(t('Mails'), scroller(t('Mails'), h('table', {}, tableHead(t('Address'), t('State'), t('What the server said'), t('Mail')),
    h('tbody', {}, a.deliveries.map((d) => h('tr', {}, h('td', {}, d.address, d.name && h('div', { class: 'under' }, d.name)), h('td', { class: 'tight' }, mailBadge(d.state)), h('td', {}, replyText(d) || '–', h('div', { class: 'under' }, timeText(d.time))),
      h('td', { class: 'tight' }, d.mail && h('a', { href: `/mail/${d.mail}` }, t('Open')))))))));
}

/** @param {Alarm} a @returns {any} */
function trace(a) {
  if (!a.trace.length) return null;
  return card(t('What happened'), h('ol', { class: 'trace' }, a.trace.map((/** @type {any} */ step) => h('li', {}, h('time', { datetime: step.time }, timeText(step.time)), h('span', {}, h('strong', {}, spaced(step.event)), step.text && ` ${step.text}`)))));
}

/** @param {Alarm} a @param {any} button @returns {any} */
function notes(a, button) {
  return card(t('Notes'), a.notes.length ? h('ul', { class: 'notes-list' }, a.notes.map((n) => h('li', {}, h('div', { class: 'under' }, h('strong', {}, n.user), ` · ${timeText(n.time)}`), h('p', {}, n.text)))) : empty('note', t('No notes')), button);
}

/** @param {Context} context @param {any} _shell @returns {Promise<View>} */
export async function alarmView({ rest, session, root }, _shell) {
  const uuid = rest.slice(1);
  let alarm = /** @type {Alarm} */ ({});
  const load = inTurn(async () => {
    alarm = await get(`/alarms/${encodeURIComponent(uuid)}`);
    const may = session.permissions.operate;
    const ack = () => acknowledge([uuid]).then(load).catch(toastError);
    const note = h('button', { type: 'button', class: 'small', 'data-key': 'note', onclick: () => addNote([uuid]).then((done) => { if (done) return load(); }).catch(toastError) }, icon('plus'), t('Add note'));
    const button = (/** @type {string} */ key, /** @type {string} */ text, /** @type {(uuids: string[]) => Promise<boolean>} */ run) => h('button', { type: 'button', 'data-key': key, onclick: () => run([uuid]).then((done) => { if (done) return load(); }).catch(toastError) }, text);
    const open = alarm.sourceState !== 'normal' || alarm.ackState === 'unacked' || alarm.shelvedUntil;
    const name = alarm.alarmData.sourceName || t('Alarm');
    keepFocus(root, () => fill(root, h('nav', { 'aria-label': t('Path') }, h('ol', { class: 'crumbs' }, h('li', {}, h('a', { href: '/alarms' }, t('Alarms'))), h('li', {}, h('a', { href: `/alarms/${uuid}`, 'aria-current': 'page' }, name)))),
      h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, name, bell(alarm), ackBadge(alarm)), h('div', { class: 'sub' }, alarm.msgText, ` · ${agoText(alarm.timestamp)}`)),
        open && session.permissions.configure && button('clear', t('Force clear'), forceClear),
        may && open && (alarm.shelvedUntil ? button('shelve', t('Unshelve'), unshelve) : button('shelve', t('Shelve'), shelve)),
        may && alarm.ackState === 'unacked' && h('button', { type: 'button', class: 'primary', 'data-key': 'ack', onclick: ack }, icon('check'), t('Acknowledge'))),
      h('div', { class: 'columns' },
        h('div', {}, record(alarm), mails(alarm), trace(alarm)),
        h('div', {}, card(t('Alarm data'), h('div', { class: 'inside' }, facts(Object.entries(alarm.alarmData).map(([key, value]) => [spaced(key), typeof value === 'object' ? JSON.stringify(value) : String(value)])))), notes(alarm, may && note)))));
  });
  const leave = await followed(load, 120, (kind, data) => kind === 'reset' || (kind === 'alarm' && data.uuid === uuid) || (kind === 'mail' && data.alarm === uuid));
  return { title: alarm.alarmData.sourceName || t('Alarm'), leave };
}
