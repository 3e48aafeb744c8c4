// SPDX-License-Identifier: Apache-2.0
// The User Key Store: keys are made, sent to be signed, imported, exported under a password, and deleted.
import { h, fill, download, labelled, tableHead } from '../dom.js';
import { t } from '../i18n.js';
import { post, remove } from '../api.js';
import { dayText } from '../format.js';
import { nameCell, validity, viewCertificate } from '../el/certificate.js';
import { ask, confirmDialog } from '../el/dialog.js';
import { toast } from '../el/toast.js';
/** @typedef {import('../el/certificate.js').Row} Row */

const SIZES = /** @type {Record<string, number[]>} */ ({ EC: [256, 384, 521], RSA: [2048, 3072, 4096], Ed25519: [256] });
const USAGES = [['client', 'Client: the station shows it when it connects'], ['email', 'Mail: signs mails (S/MIME)'], ['server', 'Server: a TLS server shows it'], ['ca', 'Authority: signs other certificates']];
/** Name, label, help, attributes of each text of a new key, in the order of the dialog. @type {[string, string, string, Record<string, any>][]} */
const TEXTS = [
  ['alias', 'Alias', 'Its name in this store', { maxlength: 120, required: true }],
  ['commonName', 'Common name', 'Whose it is: a name of a host or of a person', { maxlength: 64, required: true }],
  ['organizationalUnit', 'Organizational unit', '', { maxlength: 64 }], ['organization', 'Organization', '', { maxlength: 64 }],
  ['locality', 'Locality', '', { maxlength: 64 }], ['state', 'State or province', '', { maxlength: 64 }], ['country', 'Country', 'Two letters, as DE', { maxlength: 2 }],
  ['email', 'Mail address', 'Needed for mail: the address that the station sends from', { maxlength: 254, type: 'email' }],
];

/** @param {string[][]} choices value and text @param {Record<string, any>} [attributes] @returns {any} */
function select(choices, attributes = {}) {
  return h('select', attributes, choices.map(([value, text]) => h('option', { value }, t(text))));
}

/** @param {string} autocomplete @returns {any} */
const secret = (autocomplete) => h('input', { type: 'password', autocomplete });

/** Shows what an import or a generation has said. @param {Row} row @param {string} text @returns {void} */
function said(row, text) {
  const warning = row.warnings?.[0]?.detail;
  toast(warning || text, Boolean(warning));
}

/** @returns {Promise<void>} */
export async function newKey() {
  const texts = TEXTS.map(([, , , attributes]) => h('input', { autocomplete: 'off', ...attributes }));
  const sans = h('textarea', { rows: 2, spellcheck: 'false' });
  const usage = select(USAGES);
  const size = h('select', {});
  const sizes = () => fill(size, SIZES[algorithm.value].map((n) => h('option', { value: n }, t('{n} bits', { n }))));
  const algorithm = select(Object.keys(SIZES).map((name) => [name, name]), { oninput: sizes });
  const days = h('input', { type: 'number', min: 1, max: 7300, value: 365 });
  const password = secret('new-password');
  sizes();
  const fields = TEXTS.map(([, label, help], i) => labelled(t(label), texts[i], help && t(help)));
  const row = await ask({
    title: t('New key'), wide: true, ok: t('Make'),
    body: [h('div', { class: 'fields' }, fields.slice(0, 2), labelled(t('Usage'), usage), labelled(t('Days of validity'), days), labelled(t('Key algorithm'), algorithm), labelled(t('Key size'), size), fields.slice(2),
      labelled(t('Further names'), sans, t('DNS names, addresses, URIs; one a line')), labelled(t('Export password'), password, t('Optional: encrypts exports that name no password')))],
    submit: () => {
      const given = TEXTS.map(([name], i) => [name, texts[i].value.trim()]).filter(([name, text], i) => text || i < 2);
      return post('/certificates/keys/generate', { ...Object.fromEntries(given), usage: usage.value, keyAlgorithm: algorithm.value, keySize: Number(size.value), days: Number(days.value),
        sans: sans.value.split(/\s+/).filter(Boolean), ...(password.value ? { password: password.value } : {}) });
    },
  });
  if (row) toast(t('{name} is made. It is self-signed: have its certificate request signed, and import what comes back.', { name: row.alias }));
}

/** The bytes of a file in base64. @param {File} file @returns {Promise<string>} */
async function base64(file) {
  return btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
}

/** @returns {Promise<void>} */
export async function importKey() {
  const alias = h('input', { autocomplete: 'off', maxlength: 120 });
  const file = h('input', { type: 'file', accept: '.pem,.crt,.cer,.key,.p12,.pfx' });
  const pem = h('textarea', { spellcheck: 'false', rows: 6, placeholder: '-----BEGIN CERTIFICATE-----' });
  const password = secret('off');
  const row = await ask({ title: t('Import a key or a signed certificate'), wide: true, ok: t('Import'),
    body: [labelled(t('File'), file, t('PEM or PKCS#12')), labelled('PEM', pem, t('Or paste the text here. A certificate without a key renews the one it was signed for.')), labelled(t('Password'), password, t('That the file is encrypted with')),
      labelled(t('Alias'), alias, t('Optional: the name in the store'))],
    submit: async () => {
      const chosen = file.files[0], binary = chosen && /\.(p12|pfx)$/i.test(chosen.name);
      const what = binary ? { pkcs12: await base64(chosen) } : { pem: pem.value || (chosen ? await chosen.text() : '') };
      return post('/certificates/keys', { ...(alias.value.trim() ? { alias: alias.value.trim() } : {}), ...(password.value ? { password: password.value } : {}), ...what });
    } });
  if (row) said(row, t('Imported as {name}.', { name: row.alias }));
}

/** @param {string} base64Text @returns {Uint8Array<ArrayBuffer>} */
const bytesOf = (base64Text) => Uint8Array.from(atob(base64Text), (c) => c.charCodeAt(0));

/** @param {Row} c @returns {Promise<void>} */
async function exportKey(c) {
  const password = secret('new-password'), again = secret('new-password'), current = secret('current-password');
  const format = h('select', {}, h('option', { value: 'pkcs12' }, 'PKCS#12 (.p12)'), h('option', { value: 'pem' }, 'PEM (.pem)'));
  const made = await ask({ title: t('Export {name}', { name: c.alias }), ok: t('Export'),
    body: [h('p', {}, t('The file holds the private key, encrypted with the password that you choose here. Whoever has both can act as this station.')),
      labelled(t('Format'), format), labelled(t('Password of the file'), password, t('At least 8 characters')), labelled(t('The same again'), again), labelled(t('Your own password'), current, t('To prove that it is you'))],
    submit: () => {
      if (password.value !== again.value) throw new Error(t('The two passwords are not the same.'));
      return post(`/certificates/keys/${encodeURIComponent(c.alias)}/export`, { format: format.value, password: password.value, currentPassword: current.value });
    } });
  if (made) download(`${c.alias}.${made.pkcs12 ? 'p12' : 'pem'}`, made.pkcs12 ? bytesOf(made.pkcs12) : made);
}

/** @param {Row} c @returns {Promise<void>} */
async function drop(c) {
  if (await confirmDialog(t('Delete {name}?', { name: c.alias }), t('The private key is gone then.'), t('Delete'))) await remove(`/certificates/keys/${encodeURIComponent(c.alias)}`);
}

/** @param {Row[]} items @param {{may: boolean, act: (doing: Promise<any>) => void}} page @returns {any} */
export function keyTable(items, { may, act }) {
  const button = (/** @type {Row} */ c, /** @type {string} */ text, /** @type {string} */ look, /** @type {() => any} */ run) => h('button', { type: 'button', class: `small ${look}`, 'data-key': `${text} ${c.alias}`, 'aria-label': `${text} ${c.alias}`, onclick: run }, text);
  const request = (/** @type {Row} */ c) => h('a', { class: 'button small', 'data-key': `request ${c.alias}`, 'aria-label': t('Certificate request of {name}', { name: c.alias }), href: `/api/v1/certificates/keys/${encodeURIComponent(c.alias)}/csr`, download: `${c.alias}.csr` }, t('Request'));
  return h('table', {}, tableHead(t('Alias'), t('Subject'), t('Issued by'), t('Not after'), t('Key'), t('Valid'), null), h('tbody', {}, items.map((c) => h('tr', { 'data-alias': c.alias }, h('td', { class: 'name' }, c.alias), nameCell(c.subject),
    c.selfSigned ? h('td', { class: 'muted' }, t('itself')) : nameCell(c.issuer), h('td', { class: 'nowrap' }, dayText(c.notAfter)), h('td', { class: 'small' }, `${c.keyAlgorithm} ${c.keySize}`, h('div', { class: 'under nowrap' }, (c.usage || []).join(', '))), h('td', { class: 'valid' }, validity(c), c.usedBy && h('div', { class: 'under' }, t('used by {who}', { who: c.usedBy }))),
    h('td', { class: 'actions' }, h('div', { class: 'buttons' }, button(c, t('View'), '', () => viewCertificate(c)),
      may && c.alias !== 'default' && [request(c), button(c, t('Export'), '', () => act(exportKey(c))), button(c, t('Delete'), 'danger', () => act(drop(c)))]))))));
}
