// SPDX-License-Identifier: Apache-2.0
// Trust: the stores and the Allowed Hosts. Approving asks for a reason and shows what is approved; a changed key shows
// old beside new.
import { h, fill, ask, toast, labelled, confirmDialog } from '../dom.js';
import { get, post, remove } from '../api.js';
import { listen } from '../events.js';
import { timeText } from '../text.js';

const tabs = [['hosts', 'Allowed Hosts'], ['user', 'User Trust Store'], ['system', 'System Trust Store'], ['keys', 'User Key Store']];
const hints = {
  hosts: 'Servers whose certificate could not be verified. Nothing was sent to them. Approve one only if you recognise its certificate.',
  user: 'Certificates of your own authorities. Connections are trusted when they lead to one of these.',
  system: 'Public authorities of the operating system. Read-only.',
  keys: 'The station’s own certificates with their private keys.',
};

/** @param {any} c a certificate row */
function facts(c) {
  const row = (name, value) => (value === undefined || value === null || value === '' ? null : [h('dt', {}, name), h('dd', {}, value)]);
  return h('dl', { class: 'facts' }, row('Subject', c.subject), row('Issued by', c.issuer), row('Valid from', timeText(c.notBefore)), row('Valid until', timeText(c.notAfter)), row('Key', `${c.keyAlgorithm || ''} ${c.keySize || ''}`),
    row('Signature', c.signatureAlgorithm), row('Names', (c.sans || []).join(', ')), row('Serial', c.serial && h('span', { class: 'mono' }, c.serial)), row('SHA-256', h('span', { class: 'mono' }, c.fingerprints?.sha256 || c.fingerprint)),
    row('Public key', c.spki && h('span', { class: 'mono' }, c.spki)), row('Usage', [...(c.keyUsage || []), ...(c.extendedKeyUsage || [])].join(', ')), row('Remark', c.reason));
}

/** @param {any} c */
function view(c) {
  return ask(c.alias || c.host || 'Certificate', () => [facts(c)]);
}

/** @param {any} host */
function comparison(host) {
  if (!host.previous) return facts(host);
  const names = [['Subject', 'subject'], ['Fingerprint', 'fingerprint'], ['Public key', 'spki'], ['Issued by', 'issuer']];
  return h('div', {}, h('div', { class: 'banner warn' }, 'The key of this server has changed since it was approved. Ask its administrator before you approve it again.'),
    h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, h('tr', {}, ['', 'Before', 'Now'].map((t) => h('th', { scope: 'col' }, t)))), h('tbody', {}, names.map(([label, key]) => h('tr', {}, h('th', { scope: 'row' }, label),
      h('td', { class: 'mono' }, host.previous[key] || '–'), h('td', { class: `mono ${host.previous[key] !== host[key] ? 'differs' : ''}` }, host[key] || '–')))))));
}

/** @param {any} host @param {() => void} after */
async function approve(host, after) {
  const reason = h('input', { required: true, autocomplete: 'off' });
  const expires = h('input', { type: 'date' });
  const done = await ask(`Approve ${host.host}?`, () => [comparison(host), labelled('Reason', reason, 'Who told you that this certificate is right?'), labelled('Expires', expires, 'Optional: the approval ends on this day')], {
    ok: 'Approve',
    submit: async () => {
      if (!reason.value.trim()) throw new Error('A reason is needed.');
      const body = { reason: reason.value, spki: host.spki };
      if (expires.value) body.expires = `${expires.value}T00:00:00Z`;
      return (await post(`/allowed-hosts/${encodeURIComponent(host.host).replace('%3A', ':')}/approve`, body)) || true;
    },
  });
  if (done) { toast(`${host.host} is approved. The next attempt uses it.`); after(); }
}

/** @param {() => void} after */
async function importPem(after) {
  const alias = h('input', { autocomplete: 'off' });
  const pem = h('textarea', { spellcheck: 'false', placeholder: '-----BEGIN CERTIFICATE-----' });
  const file = h('input', { type: 'file', accept: '.pem,.crt,.cer', oninput: async () => { pem.value = await file.files[0].text(); } });
  const answer = /** @type {any} */ (await ask('Import a certificate', () => [labelled('File', file), labelled('PEM', pem, 'Choose a file, or paste the text here'), labelled('Alias', alias, 'Optional: the name in the store')], {
    ok: 'Import',
    submit: async () => {
      const text = pem.value || (file.files[0] ? await file.files[0].text() : ''); // a quick hand is before the file has been read
      return post('/certificates/user', alias.value ? { alias: alias.value, pem: text } : { pem: text });
    },
  }));
  if (!answer) return;
  toast(answer.warnings?.length ? answer.warnings[0].detail || answer.warnings[0] : 'Imported.');
  after();
}

/** @param {any[]} items @param {boolean} may @param {boolean} own @param {() => void} after */
function certificateTable(items, may, own, after) {
  return h('table', {}, h('thead', {}, h('tr', {}, ['Alias', 'Subject', 'Issued by', 'Not after', 'Valid', ''].map((t) => h('th', { scope: 'col' }, t || h('span', { class: 'visually-hidden' }, 'Actions'))))), h('tbody', {}, items.map((c) => h('tr', {}, h('td', {}, c.alias), h('td', {}, c.subject), h('td', {}, c.issuer), h('td', {}, timeText(c.notAfter)),
    h('td', {}, h('span', { class: c.valid ? 'badge good' : 'badge bad' }, c.valid ? 'valid' : 'not valid')), h('td', {}, h('div', { class: 'with-unit' }, h('button', { type: 'button', onclick: () => view(c) }, 'View'),
      may && own && h('button', { type: 'button', class: 'danger', onclick: async () => { if (await confirmDialog(`Delete ${c.alias}?`, 'Servers that it vouches for are not trusted any more.', 'Delete')) remove(`/certificates/user/${encodeURIComponent(c.alias)}`).then(after, (e) => toast(e.message, true)); } }, 'Delete')))))));
}

/** @param {any[]} items @param {boolean} may @param {() => void} after */
function hostTable(items, may, after) {
  const path = (host) => `/allowed-hosts/${encodeURIComponent(host.host).replace('%3A', ':')}`;
  const act = (promise) => promise.then(after, (e) => toast(e.message, true));
  return h('table', {}, h('thead', {}, h('tr', {}, ['Host', 'Approval', 'Subject', 'Issued by', 'Cause', ''].map((t) => h('th', { scope: 'col' }, t || h('span', { class: 'visually-hidden' }, 'Actions'))))), h('tbody', {}, items.map((x) => h('tr', { 'data-host': x.host }, h('td', { class: 'mono' }, x.host),
    h('td', {}, h('span', { class: x.approved ? 'badge good' : 'badge bad' }, x.approved ? 'approved' : 'not approved'), x.previous && !x.approved && h('div', { class: 'warning' }, 'key changed'), x.needed === false && h('div', { class: 'was' }, 'no longer needed: delete it'), x.approved && h('div', { class: 'was' }, `by ${x.approver}: ${x.reason}`)),
    h('td', {}, x.subject), h('td', {}, x.issuer), h('td', {}, x.cause), h('td', {}, h('div', { class: 'with-unit' }, h('button', { type: 'button', onclick: () => ask(x.host, () => [comparison(x), x.previous && facts(x)]) }, 'View'),
      may && !x.approved && h('button', { type: 'button', class: 'primary', onclick: () => approve(x, after) }, 'Approve'), may && x.approved && h('button', { type: 'button', onclick: () => act(post(`${path(x)}/unapprove`)) }, 'Unapprove'),
      may && h('button', { type: 'button', class: 'danger', onclick: async () => { if (await confirmDialog(`Delete ${x.host}?`, 'The row comes back when the server is refused again.', 'Delete')) act(remove(path(x))); } }, 'Delete')))))));
}

/** @param {any} context @returns {Promise<() => void>} */
export async function certificatesView({ main, rest, session }) {
  const tab = tabs.find(([id]) => rest === `/${id}`)?.[0] || 'hosts';
  const may = session.permissions.configure;
  const table = h('div', { class: 'scroll' });
  const search = h('input', { type: 'search', 'aria-label': 'Search', placeholder: 'Search' });
  let items = [];
  const load = async () => {
    items = (await get(tab === 'hosts' ? '/allowed-hosts' : `/certificates/${tab}`)).items;
    draw();
  };
  const empty = { hosts: 'No server has been refused.', user: 'No certificate has been imported yet.', system: 'The system has no certificates.', keys: 'There are no keys.' };
  const draw = () => {
    const found = items.filter((i) => JSON.stringify([i.alias, i.host, i.subject, i.issuer]).toLowerCase().includes(search.value.toLowerCase()));
    fill(table, found.length === 0 ? h('p', { class: 'empty' }, items.length ? 'Nothing matches.' : empty[tab]) : tab === 'hosts' ? hostTable(found, may, load) : certificateTable(found, may, tab === 'user', load));
  };
  search.addEventListener('input', draw);
  fill(main, h('div', { class: 'head' }, h('div', { class: 'grow' }, h('h1', {}, 'Certificates'), h('div', { class: 'sub' }, hints[tab])), h('div', {}, search), may && tab === 'user' && h('button', { type: 'button', class: 'primary', onclick: () => importPem(load) }, 'Import')),
    h('nav', { class: 'tabs', 'aria-label': 'Stores' }, tabs.map(([id, name]) => h('a', { href: `/certificates/${id}`, 'aria-current': id === tab ? 'page' : null }, name))), h('section', { class: 'card' }, table));
  await load();
  return listen((kind) => { if (kind === 'allowedHost' && tab === 'hosts') load().catch(() => {}); });
}
