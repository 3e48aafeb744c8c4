// SPDX-License-Identifier: Apache-2.0
// What a state looks like: chips with a dot and a word, and the symbol of a component. Colour never stands alone.
import { h, icon } from '../dom.js';
import { t } from '../i18n.js';
import { spaced, statusClass, statusText, timeText } from '../format.js';
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Alarm} Alarm */

/** @param {string} status "{down,alarm}" @returns {any} */
export function statusBadge(status) {
  return h('span', { class: 'status', 'data-status': statusClass(status) }, statusText(status));
}

/** @type {Record<string, string>} the state of a mail or of a delivery -> class of its chip */
const MAIL_STATES = { accepted: 'good', queued: 'note', deferred: 'warn', partial: 'warn', refused: 'bad', bounced: 'bad', failed: 'bad', cancelled: '', digested: 'note', rerouted: 'note' };

/** @param {string} state of a mail or of a delivery @returns {any} */
export function mailBadge(state) {
  return h('span', { class: `chip ${MAIL_STATES[state] ?? ''}` }, state);
}

/** What came of a mail that came in -> class of its chip, and the word. @type {Record<string, [string, string]>} */
export const INCOMING_OUTCOMES = {
  acted: ['good', 'acted'], refused: ['bad', 'refused'], bounce: ['warn', 'bounce'], automatic: ['note', 'automatic'], repeated: ['', 'repeated'], probe: ['note', 'probe'],
  unreadable: ['warn', 'unreadable'], notOurs: ['', 'not ours'],
};

/** @param {string} outcome of a mail that came in @returns {any} */
export function incomingBadge(outcome) {
  const [kind, words] = INCOMING_OUTCOMES[outcome] || ['', outcome];
  return h('span', { class: `chip ${kind}` }, t(words));
}

/**
 * Niagara's bell colours: red and gold while it lasts, orange for an alert, green when it is over and nobody has
 * acknowledged it, white when all is done.
 * @param {Alarm} alarm
 * @returns {any}
 */
export function bell(alarm) {
  const unacked = alarm.ackState === 'unacked';
  const colour = alarm.sourceState === 'normal' ? (unacked ? 'green' : 'white') : unacked ? (alarm.sourceState === 'alert' ? 'orange' : 'red') : 'gold';
  return h('span', { class: 'bell', 'data-bell': colour }, icon(unacked ? 'bell-full' : 'bell'), spaced(alarm.sourceState));
}

/** @param {Alarm} alarm @returns {any} */
export function ackBadge(alarm) {
  if (alarm.shelvedUntil) return h('span', { class: 'chip note' }, t('shelved until {time}', { time: timeText(alarm.shelvedUntil) }));
  if (alarm.ackState === 'unacked') return h('span', { class: 'chip bad' }, alarm.ackRequired ? 'unacked' : t('unacked, not required'));
  return h('span', { class: 'chip plain' }, alarm.user ? t('acked by {user}', { user: alarm.user }) : 'acked');
}

/** @type {[string, string][]} base type -> symbol; the first that fits */
const SYMBOLS = [
  ['control:NumericPoint', 'point'], ['control:BooleanPoint', 'switch'], ['control:ControlPoint', 'point'], ['alarm:AlarmSourceExt', 'bell'],
  ['control:ProxyExt', 'plug'], ['control:PointExtension', 'plug'], ['driver:Network', 'network'], ['driver:Device', 'device'],
  ['email:OutgoingAccount', 'send'], ['email:IncomingAccount', 'inbox'], ['email:EmailRecipient', 'mail'], ['email:EmailService', 'mail'], ['email:EmailClientAuthenticator', 'key'],
  ['alarm:AlarmService', 'bell'], ['alarm:AlarmClass', 'bell'], ['trust:TrustService', 'shield'], ['baja:UserService', 'users'], ['baja:User', 'user'],
  ['audit:AuditService', 'list'], ['web:WebService', 'globe'], ['platform:PlatformService', 'gauge'], ['baja:Folder', 'folder'],
];

/**
 * The symbol of a component, by what its type is made from.
 * @param {Map<string, Type>} types @param {string} name
 * @returns {string} name of a symbol
 */
export function symbolOf(types, name) {
  for (let type = types.get(name); type; type = type.base ? types.get(type.base) : undefined) {
    const found = SYMBOLS.find(([base]) => base === type?.name);
    if (found) return found[1];
  }
  return 'cube';
}
