// SPDX-License-Identifier: Apache-2.0
// Trust: the stores and the Allowed Hosts. Approving asks for a reason and shows what is approved; a changed key shows
// old beside new.
import { h, fill, icon, banner, empty, inTurn, keepFocus, labelled, tableHead } from '../dom.js';
import { t, plural } from '../i18n.js';
import { get, hostUrl, post, remove } from '../api.js';
import { followed } from '../store/events.js';
import { dayText, pairs, timeText } from '../format.js';
import { details, nameCell, shield, validity, viewCertificate } from '../el/certificate.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { importKey, keyTable, newKey } from './keys.js';
import { toast, toastError } from '../el/toast.js';
/** @typedef {import('../types.js').Context} Context */
/** @typedef {import('../types.js').View} View */
/** @typedef {Record<string, any>} Row a certificate, or an Allowed Hosts row */

const TABS = [['keys', 'User Key Store'], ['system', 'System Trust Store'], ['user', 'User Trust Store'], ['recipients', 'Recipients'], ['hosts', 'Allowed Hosts']];
const HINTS = /** @type {Record<string, string>} */ ({
  hosts: 'Servers whose certificate could not be verified. Nothing was sent to them. Approve one only if you recognise its certificate.',
  user: 'Certificates of your own authorities. Connections are trusted when they lead to one of these.',
  system: 'Public authorities of the operating system. Read-only.',
  recipients: 'Certificates of people, by mail address. Mails are encrypted for them where an Email Recipient says so.',
  keys: 'The station’s own certificates with their private keys: what it shows to servers, and signs mails with.',
});
/** @param {Row} x @returns {any} */
function approval(x) {
  const changed = x.previous && !x.approved;
  return [x.approved ? shield('good', t('approved')) : shield(changed ? 'warn' : 'bad', t('not approved')), changed && h('div', { class: 'warning' }, t('key changed')),
    x.approved && h('div', { class: 'under' }, t('by {user}: {reason}', { user: x.approver, reason: x.reason })), x.approved && x.expires && h('div', { class: 'under' }, t('until {day}', { day: dayText(x.expires) })),
    x.needed === false && h('div', { class: 'under' }, t('no longer needed: delete it'))];
}

/** What a host showed; when its key has changed: old beside new. @param {Row} x @returns {any[]} */
function shown(x) {
  const certificate = { ...x.certificate, ...Object.fromEntries(Object.entries(x).filter(([key, value]) => value && ['subject', 'issuer', 'notBefore', 'notAfter', 'keyAlgorithm', 'keySize', 'spki', 'fingerprint'].includes(key))), reason: '' };
  if (!x.previous) return [details(certificate)];
  const names = /** @type {[string, string][]} */ ([[t('Subject'), 'subject'], [t('Issued by'), 'issuer'], [t('Not after'), 'notAfter'], ['SHA-256', 'fingerprint'], [t('Public key'), 'spki']]).filter(([, key]) => x[key] || x.previous[key]);
  const text = (/** @type {Row} */ row, /** @type {string} */ key) => (key === 'notAfter' ? timeText(row[key]) : ['fingerprint', 'spki'].includes(key) ? pairs(row[key]) : row[key]) || '–';
  const mono = (/** @type {string} */ key) => (['fingerprint', 'spki'].includes(key) ? 'mono' : '');
  return [!x.approved && banner('warn', t('The key of this server has changed since it was approved. Ask its administrator before you approve it again.')),
    h('div', { class: 'scroll' }, h('table', { class: 'compare' }, h('thead', {}, h('tr', {}, h('td', {}), [t('Before'), t('Now')].map((name) => h('th', { scope: 'col' }, name)))), h('tbody', {}, names.map(([label, key]) => h('tr', {}, h('th', { scope: 'row' }, label),
      h('td', { class: mono(key) }, text(x.previous, key)), h('td', { class: `${mono(key)} ${x.previous[key] !== x[key] ? 'differs' : ''}` }, text(x, key)))))))];
}

/** @param {Row} x @returns {Promise<void>} */
async function approve(x) {
  const reason = h('input', { autocomplete: 'off' });
  const expires = h('input', { type: 'date' });
  const done = await ask({
    title: t('Approve {host}?', { host: x.host }), wide: true, ok: t('Approve'),
    body: [x.cause && h('p', {}, x.cause), ...shown(x), labelled(t('Reason'), reason, t('Who told you that this certificate is right?')), labelled(t('Expires'), expires, t('Optional: the approval ends on this day'))],
    submit: async () => {
      if (!reason.value.trim()) {
        reason.setAttribute('aria-invalid', 'true');
        reason.focus();
        throw new Error(t('A reason is needed.'));
      }
      const body = { reason: reason.value.trim(), spki: x.spki, ...(expires.value ? { expires: new Date(`${expires.value}T00:00:00`).toISOString() } : {}) };
      return (await post(`${hostUrl(x.host)}/approve`, body)) ?? true;
    },
  });
  if (done) toast(t('{host} is approved. The next attempt uses it.', { host: x.host }));
}

/** @param {string} tab @returns {Promise<void>} */
async function importPem(tab) {
  const name = tab === 'recipients' ? 'address' : 'alias';
  const alias = h('input', { autocomplete: 'off' });
  const pem = h('textarea', { spellcheck: 'false', rows: 8, placeholder: '-----BEGIN CERTIFICATE-----' });
  const file = h('input', { type: 'file', accept: '.pem,.crt,.cer', oninput: async () => { if (file.files[0]) pem.value = await file.files[0].text(); } });
  const answer = await ask({ title: t('Import a certificate'), wide: true, ok: t('Import'),
    body: [labelled(t('File'), file), labelled('PEM', pem, t('Choose a file, or paste the text here')), name === 'address' ? labelled(t('Address'), alias, t('Optional: else the one that the certificate is made out to')) : labelled(t('Alias'), alias, t('Optional: the name in the store'))],
    submit: async () => {
      const text = pem.value || (file.files[0] ? await file.files[0].text() : ''); // a quick hand is before the file has been read
      return post(`/certificates/${tab}`, { ...(alias.value.trim() ? { [name]: alias.value.trim() } : {}), pem: text });
    } });
  if (!answer) return;
  const warning = answer.warnings?.[0];
  toast(warning ? warning.detail || warning : t('Imported.'), Boolean(warning));
}

/** What the tables need to know of the page: may changes be made, which store it is. @typedef {{may: boolean, tab: string, act: (doing: Promise<any>) => void}} Surroundings */

/** @param {Row[]} items @param {Surroundings} page @returns {any} */
function certificateTable(items, { may, tab, act }) {
  const own = tab !== 'system';
  const meaning = tab === 'recipients' ? t('Mails are not encrypted for this address any more.') : t('Servers that it vouches for are not trusted any more.');
  const drop = async (/** @type {Row} */ c) => { if (await confirmDialog(t('Delete {name}?', { name: c.alias }), meaning, t('Delete'))) await remove(`/certificates/${tab}/${encodeURIComponent(c.alias)}`); };
  return h('table', {}, tableHead(t('Alias'), t('Subject'), t('Issued by'), t('Not after'), t('Key'), t('Valid'), null), h('tbody', {}, items.map((c) => h('tr', {}, h('td', { class: 'name' }, c.alias), nameCell(c.subject),
    c.selfSigned ? h('td', { class: 'muted' }, t('itself')) : nameCell(c.issuer), h('td', { class: 'nowrap' }, dayText(c.notAfter)), h('td', { class: 'nowrap muted small' }, `${c.keyAlgorithm} ${c.keySize}`), h('td', { class: 'valid' }, validity(c)),
    h('td', { class: 'actions' }, h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'small', 'data-key': `view ${c.alias}`, 'aria-label': t('View {name}', { name: c.alias }), onclick: () => viewCertificate(c) }, t('View')),
      may && own && h('button', { type: 'button', class: 'small danger', 'data-key': `drop ${c.alias}`, 'aria-label': t('Delete {name}', { name: c.alias }), onclick: () => act(drop(c)) }, t('Delete'))))))));
}

/** @param {Row[]} items @param {Surroundings} page @returns {any} */
function hostTable(items, { may, act }) {
  const drop = async (/** @type {Row} */ x) => { if (await confirmDialog(t('Delete {name}?', { name: x.host }), t('The row comes back when the server is refused again.'), t('Delete'))) await remove(hostUrl(x.host)); };
  const button = (/** @type {Row} */ x, /** @type {string} */ text, /** @type {string} */ look, /** @type {() => any} */ run) => h('button', { type: 'button', class: `small ${look}`, 'data-key': `${text} ${x.host}`, 'aria-label': `${text} ${x.host}`, onclick: run }, text);
  return h('table', {}, tableHead(t('Host'), t('Approval'), t('Subject'), t('Issued by'), t('Seen'), t('Cause'), null), h('tbody', {}, items.map((x) => h('tr', { 'data-host': x.host }, h('td', { class: 'mono' }, x.host), h('td', { class: 'valid' }, approval(x)),
    nameCell(x.subject), nameCell(x.issuer), h('td', { class: 'nowrap' }, dayText(x.created)), h('td', { class: 'small cause' }, x.cause),
    h('td', { class: 'actions' }, h('div', { class: 'buttons' }, button(x, t('View'), '', () => ask({ title: x.host, wide: true, body: [h('div', {}, approval(x)), x.cause && h('p', {}, x.cause), ...shown(x), x.previous && details({ ...x.certificate, ...x, reason: '' })] })),
      may && (x.approved ? button(x, t('Unapprove'), '', () => act(post(`${hostUrl(x.host)}/unapprove`))) : button(x, t('Approve'), 'primary', () => act(approve(x)))),
      may && button(x, t('Delete'), 'danger', () => act(drop(x)))))))));
}

/** @param {string} tab @param {boolean} any are there rows, of which none matches? @returns {any} */
function nothing(tab, any) {
  if (any) return empty('search', t('Nothing matches'));
  if (tab === 'hosts') return empty('shield-check', t('No server has been refused'), t('A server whose certificate cannot be verified appears here, to be looked at and approved.'));
  if (tab === 'user') return empty('shield', t('No certificate has been imported yet'), t('Import the CA of your mail server when it is a private one.'));
  if (tab === 'recipients') return empty('shield', t('Nobody’s certificate is here yet'), t('Import the S/MIME certificate of somebody whom mails are to be encrypted for.'));
  return empty('shield', t('There is nothing in this store'));
}

const TABLES = /** @type {Record<string, (items: Row[], page: Surroundings) => any>} */ ({ hosts: hostTable, user: certificateTable, recipients: certificateTable, system: certificateTable, keys: keyTable });

/** What a tab offers above its table. @param {string} tab @param {(doing: Promise<any>) => void} act @returns {any} */
function tools(tab, act) {
  const button = (/** @type {string} */ look, /** @type {string} */ symbol, /** @type {string} */ text, /** @type {() => Promise<any>} */ run) =>
    h('button', { type: 'button', class: look, onclick: () => act(run()) }, icon(symbol), text);
  if (tab === 'user' || tab === 'recipients') return button('primary', 'upload', t('Import'), () => importPem(tab));
  return tab === 'keys' && [button('', 'upload', t('Import'), importKey), button('primary', 'plus', t('New'), newKey)];
}

/** @param {Context} context @returns {Promise<View>} */
export async function certificatesView({ rest, session, root }) {
  const tab = TABS.find(([id]) => rest === `/${id}`)?.[0] || 'hosts';
  const may = session.permissions.configure;
  const body = h('div', { class: 'scroll', tabindex: '-1' });
  const search = h('input', { type: 'search', 'aria-label': t('Search'), placeholder: t('Search') });
  const count = h('span', { class: 'muted small', role: 'status' });
  /** @type {Row[]} */
  let items = [];
  const load = inTurn(async () => {
    items = (await get(tab === 'hosts' ? '/allowed-hosts' : `/certificates/${tab}`)).items;
    draw();
  });
  const act = (/** @type {Promise<any>} */ doing) => doing.then(load).catch(toastError);
  const draw = () => {
    const wanted = search.value.toLowerCase();
    const found = items.filter((i) => [i.alias, i.host, i.subject, i.issuer].join(' ').toLowerCase().includes(wanted));
    count.textContent = plural(found.length, '1 object', '{n} objects');
    const page = { may, tab, act };
    keepFocus(body, () => fill(body, found.length === 0 ? nothing(tab, items.length > 0) : TABLES[tab](found, page)));
  };
  search.addEventListener('input', draw);
  fill(root, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, t('Certificates')), h('div', { class: 'sub' }, t(HINTS[tab]))), count),
    h('nav', { class: 'tabs', 'aria-label': t('Stores') }, TABS.map(([id, name]) => h('a', { href: `/certificates/${id}`, 'aria-current': id === tab ? 'page' : null }, t(name)))),
    h('div', { class: 'toolbar' }, search, h('span', { class: 'space' }), may && tools(tab, act)),
    h('section', { class: 'card' }, body));
  const leave = await followed(load, 100, (kind) => tab === 'hosts' && (kind === 'allowedHost' || kind === 'reset'));
  return { title: t('Certificates'), leave };
}
