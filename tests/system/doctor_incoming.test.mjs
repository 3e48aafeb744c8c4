// SPDX-License-Identifier: Apache-2.0
// modes: release asan
// The mail doctor against Debian's Dovecot, by IMAP and POP3: what is wrong is found, said in plain words, and mended by what
// it offers. No password is in anything that it shows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const ACCOUNT = '/Services/EmailService/IncomingAccount';
const pki = new Pki();
let station, api, store;

before(async () => {
  [store, station] = await Promise.all([MailStore.start(pki.server('served')), Station.start()]);
  api = station.api;
});
after(async () => { await station?.stop(); store?.stop(); });

/** Sets the account up, and runs the doctor to its end. */
async function diagnose(protocol, mode, more = {}, settings = {}) {
  const { password = 'secret1', ...rest } = more;
  await api.patch(ACCOUNT, {
    hostname: '127.0.0.1', port: store[`${protocol}${mode === IMPLICIT ? 's' : ''}`], store: protocol === 'imap' ? 'Imap' : 'Pop3', ...mode, pollrate: '1h',
    idle: false, emailAuthenticator: basic('alice', password), ...rest,
  });
  return examine(settings);
}

async function examine(settings = {}) {
  const { result: job } = await api.post(`/components${ACCOUNT}/actions/diagnose`, settings);
  const diagnosis = await eventually('the diagnosis has ended', async () => {
    const d = await api.get('/mail/diagnosis?account=IncomingAccount');
    return d.state !== 'running' && d;
  }, { seconds: PATIENCE * SLOWNESS });
  assert.equal(diagnosis.job, job);
  for (const secret of ['secret1', 'wrong password', Buffer.from('\0alice\0secret1').toString('base64').slice(0, 14)]) assert.ok(!JSON.stringify(diagnosis).includes(secret), `${secret} is shown`);
  return diagnosis;
}
const last = (diagnosis) => diagnosis.findings.at(-1);

test('a server that nobody trusts: no login is sent, and what to do is said', async () => {
  for (const protocol of ['imap', 'pop3']) {
    const d = await diagnose(protocol, IMPLICIT);
    assert.equal(d.state, 'ill');
    assert.match(d.advice[0].text, /User Trust Store.*Allowed Hosts/);
    assert.ok(!d.lines.some(({ text }) => /AUTH|LOGIN|USER/.test(text)), JSON.stringify(d.lines));
  }
  await api.post('/certificates/user', { pem: pki.root.pem });
});

test('healthy, over each kind of connection; the dialogue is shown', async () => {
  for (const protocol of ['imap', 'pop3']) {
    for (const mode of [STARTTLS, IMPLICIT]) {
      const d = await diagnose(protocol, mode);
      assert.equal(d.state, 'healthy', JSON.stringify(d.findings));
      assert.deepEqual(d.advice, []);
      assert.ok(d.findings.some(({ step, ok }) => step === 'login' && ok), JSON.stringify(d.findings));
      assert.ok(d.lines.some(({ direction, text }) => direction === 'sent' && /AUTH/.test(text)), JSON.stringify(d.lines));
    }
  }
});

test('another TLS mode than the port has: the right one is offered, and mends it', async () => {
  for (const protocol of ['imap', 'pop3']) {
    const d = await diagnose(protocol, IMPLICIT, { port: store[protocol] });
    assert.equal(d.state, 'ill');
    const offer = d.advice.find(({ changes }) => changes);
    assert.deepEqual(offer?.changes, { useSsl: false, useStartTls: true, port: store[protocol] }, JSON.stringify(d, null, 1));
    await api.patch(ACCOUNT, offer.changes);
    assert.equal((await examine()).state, 'healthy');
  }
});

test('a wrong password, also one that is not saved', async () => {
  for (const protocol of ['imap', 'pop3']) {
    const d = await diagnose(protocol, IMPLICIT, { password: 'wrong password' });
    assert.equal(last(d).step, 'login');
    assert.match(d.advice[0].text, /account and password/);
    assert.equal((await examine({ account: 'alice', password: 'secret1' })).state, 'healthy');
  }
});

test('no TLS: the login is not sent unless that was allowed, and nothing is lowered by a click', async () => {
  for (const protocol of ['imap', 'pop3']) {
    const d = await diagnose(protocol, CLEAR, { allowClearTextCredentials: false });
    assert.equal(d.state, 'ill');
    assert.ok(!d.lines.some(({ direction, text }) => direction === 'sent' && /AUTH|LOGIN|PASS/.test(text)), JSON.stringify(d.lines));
    assert.ok(!d.advice.some(({ changes }) => changes?.allowClearTextCredentials), JSON.stringify(d.advice));
  }
});

test('the other protocol behind the port is named, and mends it', async () => {
  for (const [protocol, other, value] of [['imap', 'pop3', 'Pop3'], ['pop3', 'imap', 'Imap']]) {
    const d = await diagnose(protocol, STARTTLS, { port: store[other] });
    assert.match(d.advice[0].text, new RegExp(`Port \\d+ speaks ${other}, not ${protocol}\\.`, 'i'), JSON.stringify(d));
    assert.deepEqual(d.advice[0].changes, { store: value });
    await api.patch(ACCOUNT, d.advice[0].changes);
    assert.equal((await examine()).state, 'healthy');
  }
});
