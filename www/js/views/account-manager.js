// SPDX-License-Identifier: Apache-2.0
// The Email Account Manager: every mail account of the EmailService in one table, live. A new one begins on its own sheet.
import { h, fill, icon, empty, inTurn, keepFocus, scroller, settled, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { componentUrl, get, pageUrl, typeIs } from '../api.js';
import { addChild, componentMenu } from '../el/actions.js';
import { statusBadge, symbolOf } from '../el/badges.js';
import { menuButton } from '../el/menu.js';
import { toastError } from '../el/toast.js';
import { slotsOf } from '../el/slots-of.js';
import { valueText } from '../el/values.js';
/** @typedef {import('../types.js').Child} Child */
/** @typedef {import('./table.js').Panel} Panel */
/** @typedef {import('./table.js').Subject} Subject */

const PAGE = 100;
const KINDS = [['email:OutgoingAccount', 'Outgoing account'], ['email:IncomingAccount', 'Incoming account']];

/** @param {any} values @returns {string} how the connection is secured */
export function securityText({ transport, useSsl, useStartTls }) {
  if (transport === 'Maildir') return '–';
  return useSsl ? t('implicit TLS') : useStartTls ? 'STARTTLS' : t('not encrypted');
}

/** @param {any} values @returns {string} "mail.example.com:587" */
function serverText({ transport, hostname, effectivePort }) {
  if (transport === 'Maildir') return t('folder of the station');
  return hostname ? `${hostname}:${effectivePort}` : t('none yet');
}

/** What is wrong with an account, in words; "" while it works. @param {any} values @returns {string} */
export function causeText({ status, faultCause, lastPollFailureCause }) {
  return faultCause || (status === '{ok}' ? '' : lastPollFailureCause);
}

/** @param {any} values @returns {string} who logs in */
function loginText({ emailAuthenticator }) {
  return emailAuthenticator?.account || (emailAuthenticator?.type === 'email:NoAuthEmailClientAuthenticator' ? t('no login') : '–');
}

/** @param {any} values @returns {string} */
function countText(values) {
  return 'queueSize' in values ? t('{n} waiting, {sent} sent', { n: values.queueSize, sent: values.numberSent }) : t('{n} received', { n: values.numberReceived });
}

/** @param {Subject} subject @returns {Promise<Panel>} */
export async function accountManagerPanel({ component: service, types, context, options }) {
  /** @type {Child[]} */
  let accounts = [];
  const body = h('div', {}), may = context.session.permissions.configure;
  const pathOf = (/** @type {Child} */ account) => `${service.path}/${account.name}`;
  const row = (/** @type {Child} */ account) => {
    const { values, displayName } = /** @type {any} */ (account), path = pathOf(account), slots = slotsOf(types.get(account.type), account);
    const sheet = `${pageUrl(path)}?view=sheet`, cause = causeText(values);
    const shown = (/** @type {string} */ name) => slots.filter((slot) => slot.name === name).map((slot) => valueText(slot, values[name]));
    return h('tr', { 'data-handle': account.handle, ondblclick: () => options.go(sheet) },
      h('td', { class: 'name' }, h('a', { class: 'with-icon', href: sheet, 'data-key': account.handle }, icon(symbolOf(types, account.type)), displayName)), h('td', {}, shown('transport'), shown('store')),
      h('td', {}, serverText(values), values.transport !== 'Maildir' && h('div', { class: 'under' }, securityText(values))), h('td', {}, loginText(values)), h('td', {}, shown('pollrate')), h('td', {}, countText(values)),
      h('td', {}, statusBadge(values.status), cause && h('div', { class: 'under cause' }, cause)),
      h('td', { class: 'actions' }, menuButton(icon('dots'), () => componentMenu({ ...account, path }, context.session, options), { label: t('Actions of {name}', { name: displayName }), class: 'plain icon-only small' })));
  };
  const draw = () => keepFocus(body, () => fill(body, accounts.length === 0 ? empty('mail', t('No account yet'), may && t('Make one with the buttons above.'))
    : scroller(t('Email accounts'), h('table', { class: 'accounts cards' }, tableHead(t('Name'), t('Transport'), t('Hostname'), t('Account'), t('Pollrate'), t('Mails'), t('Status'), null), h('tbody', {}, accounts.map(row))))));
  const load = inTurn(async () => {
    /** @type {Child[]} */ const children = [];
    for (let more = true; more;) {
      const page = await get(`${componentUrl(service.path)}/children?values=true&limit=${PAGE}&offset=${children.length}`);
      children.push(...page.items);
      more = Boolean(page.next);
    }
    accounts = children.filter((child) => typeIs(types, child.type, 'email:EmailAccount'));
    draw();
    options.page();
  });
  const again = settled(load, 150);
  const add = (/** @type {string} */ type) => addChild(service.path, undefined, type).then((path) => { if (path) options.go(pageUrl(path)); }, toastError);
  const fresh = may && h('div', {}, KINDS.map(([type, name]) => [h('button', { type: 'button', class: 'small', onclick: () => add(type) }, icon('plus'), t(name)), ' ']));
  await load();
  return {
    element: h('section', { class: 'card' }, h('header', {}, h('h2', {}, t('Email accounts')), fresh), body),
    watched: () => accounts.map(({ handle }) => handle),
    live: (kind, data) => {
      if (kind === 'reset' || (kind === 'component' && data.ord?.startsWith(`${service.ord}/`))) again();
      const account = kind === 'value' && accounts.find(({ handle }) => handle === data.handle);
      if (!account) return;
      account.values = { ...account.values, [data.slot]: data.value };
      draw();
    },
    leave: () => again.cancel(),
  };
}
