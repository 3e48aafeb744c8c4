// SPDX-License-Identifier: Apache-2.0
// timeout: 240
// Every way into Debian's Dovecot: IMAP and POP3, without encryption, by STARTTLS and TLS, TLS 1.2 and 1.3, every login.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic } from '../support/plant.mjs';
import { Station } from '../support/station.mjs';

const ACCOUNT = '/Services/EmailService/IncomingAccount';
const pki = new Pki();
const certificate = pki.server('served');
const mechanisms = 'plain login cram-md5 scram-sha-256';
let newer, older, station, api;

before(async () => {
  [newer, older, station] = await Promise.all([
    MailStore.start(certificate, { mechanisms }), MailStore.start(certificate, { mechanisms, maxTls: 'TLSv1.2' }), Station.start(),
  ]);
  api = station.api;
  await api.post('/certificates/user', { pem: pki.root.pem });
});
after(async () => {
  newer?.stop();
  older?.stop();
  await station?.stop();
});

const MODES = { none: CLEAR, STARTTLS, TLS: IMPLICIT };
const matrix = ['imap', 'pop3'].flatMap((protocol) => Object.keys(MODES).flatMap((mode) => (mode === 'none' ? [''] : ['1.2', '1.3']).flatMap((version) =>
  ['plain', 'login', 'cramMd5', 'scramSha256', 'auto'].map((mechanism) => ({ protocol, mode, version, mechanism })))));

for (const [i, { protocol, mode, version, mechanism }] of matrix.entries()) {
  test(`${protocol} ${mode} ${version} ${mechanism}`, async () => {
    const store = version === '1.2' ? older : newer;
    const port = store[`${protocol}${mode === 'TLS' ? 's' : ''}`];
    store.deliver(`user${i}`);
    await api.patch(ACCOUNT, {
      hostname: '127.0.0.1', port, store: protocol === 'imap' ? 'Imap' : 'Pop3', ...MODES[mode], pollrate: '1h', idle: false,
      allowClearTextCredentials: mode === 'none', debug: true, emailAuthenticator: { ...basic(`user${i}`), mechanism },
    });
    await api.invoke(ACCOUNT, 'checkNow');
    assert.equal(await api.value(ACCOUNT, 'numberReceived'), i + 1);
    const { items } = await api.get('/mail/transcript?account=IncomingAccount');
    const note = items.findLast(({ text }) => /^TLS|^connected to/.test(text)).text;
    assert.match(note, mode === 'none' ? /^connected/ : new RegExp(`^TLS${version}`));
    assert.equal(await api.value(ACCOUNT, 'status'), '{ok}');
  });
}
