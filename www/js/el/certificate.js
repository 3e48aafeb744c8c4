// SPDX-License-Identifier: Apache-2.0
// A certificate as people look at it: its shield, its names, all that it says. Used by the tables of every store.
import { h, icon, facts } from '../dom.js';
import { t, plural } from '../i18n.js';
import { pairs, timeText } from '../format.js';
import { ask } from './dialog.js';
/** @typedef {Record<string, any>} Row a certificate, or an Allowed Hosts row */

const EXPIRES_SOON = 30;

/** @param {'good'|'warn'|'bad'} kind @param {string} text @returns {any} */
export function shield(kind, text) {
  return h('span', { class: `shield ${kind}` }, icon({ good: 'shield-check', warn: 'shield-alert', bad: 'shield-cross' }[kind]), text);
}

/** @param {Row} c @returns {any} */
export function validity(c) {
  if (!c.valid) return [shield('bad', t('not valid')), c.reason && h('div', { class: 'under' }, c.reason)];
  const days = Math.floor((new Date(c.notAfter).getTime() - Date.now()) / 86400000);
  if (days < EXPIRES_SOON) return shield('warn', plural(days, 'expires in 1 day', 'expires in {n} days'));
  return c.selfSigned && !c.ca ? shield('warn', t('valid, self-signed')) : shield('good', t('valid'));
}

/** The name that people know: the CN, or else all of it. @param {string|undefined} dn @returns {string} */
function commonName(dn) {
  return dn?.match(/(?:^|,)CN=((?:\\.|[^,\\])+)/)?.[1].replace(/\\(.)/g, '$1') || dn || '–';
}

/** @param {string|undefined} dn @returns {any} */
export function nameCell(dn) {
  const name = commonName(dn);
  return h('td', { class: 'name' }, name, name !== dn && h('div', { class: 'under' }, dn));
}

/** Everything about a certificate. @param {Row} c @returns {any} */
export function details(c) {
  const mono = (/** @type {string|undefined} */ hex) => hex && h('span', { class: 'mono' }, pairs(hex));
  return facts([[t('Subject'), c.subject], [t('Issued by'), c.issuer], [t('Self-signed'), c.selfSigned === undefined ? '' : c.selfSigned ? t('yes') : t('no')], [t('Not before'), timeText(c.notBefore)], [t('Not after'), timeText(c.notAfter)],
    [t('Key'), [c.keyAlgorithm, c.keySize].filter(Boolean).join(' ')], [t('Signature'), c.signatureAlgorithm], [t('Names'), (c.sans || []).join(', ')], [t('Authority'), c.ca === undefined ? '' : c.ca ? t('yes') : t('no')], [t('Usage'), [...(c.keyUsage || []), ...(c.extendedKeyUsage || [])].join(', ')],
    [t('Version'), c.version], [t('Serial number'), mono(c.serial)], ['SHA-1', mono(c.fingerprints?.sha1)], ['SHA-256', mono(c.fingerprints?.sha256 || c.fingerprint)], [t('Public key'), mono(c.spki)], [t('Remark'), c.reason]]);
}

/** @param {Row} c @returns {Promise<any>} */
export function viewCertificate(c) {
  const pem = c.pem && h('details', {}, h('summary', {}, 'PEM'), h('pre', { class: 'pem' }, c.pem));
  return ask({ title: c.alias || t('Certificate'), wide: true, body: [h('div', {}, validity(c)), details(c), pem] });
}
