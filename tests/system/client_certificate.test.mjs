// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// The station shows a certificate of its User Key Store: to a Postfix that takes nobody without, to a Dovecot that reads the
// user's name out of it (SASL EXTERNAL), and to a server of ours. What is missing or not accepted is said on the account.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, CLEAR, IMPLICIT, accountFailure, addContacts, close, delivery, ledgerRow, noAuth, open, setUpMail } from '../support/plant.mjs';
import { freePorts, listening } from '../support/ports.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually, logged } from '../support/wait.mjs';

const pki = new Pki();
const served = pki.server('served');
const clientCa = join(pki.dir, 'clients.pem');
const options = { skip: needsRoot };
const external = (account = '') => ({ type: 'email:CertificateEmailClientAuthenticator', account });
let host, station, api, contact;

before(async () => {
  if (needsRoot) return;
  writeFileSync(clientCa, pki.root.pem + pki.intermediate.pem);
  [host, station] = await Promise.all([MailHost.start(served, { clientCa }), Station.start()]);
  api = station.api;
  [contact] = await addContacts(api, 1);
  await api.post('/certificates/user', { alias: 'plant', pem: pki.root.pem });
  await makeKey('alice', 'RSA');
  await api.post('/certificates/keys/generate', { alias: 'stranger', commonName: 'alice', usage: 'client' });
});
after(async () => {
  host?.stop();
  await station?.stop();
});

/** A key of the station whose certificate the issuing CA has signed. */
async function makeKey(name, keyAlgorithm) {
  await api.post('/certificates/keys/generate', { alias: name, commonName: name, usage: 'client', keyAlgorithm, keySize: keyAlgorithm === 'RSA' ? 2048 : 256 });
  const request = join(pki.dir, `${name}.csr`), signed = join(pki.dir, `${name}.signed`);
  writeFileSync(request, (await api.send('GET', `/certificates/keys/${name}/csr`)).text);
  execFileSync('openssl', ['x509', '-req', '-in', request, '-CA', pki.intermediate.cert, '-CAkey', pki.intermediate.key, '-days', '30', '-copy_extensions', 'copyall', '-out', signed], { stdio: 'pipe' });
  await api.post('/certificates/keys', { alias: name, pem: readFileSync(signed, 'utf8') + pki.intermediate.pem });
}

const raise = async (subject, port, account) => {
  await setUpMail(api, { port, account: { ...IMPLICIT, emailAuthenticator: noAuth(), clientCertificate: '', ...account }, recipient: { subject } });
  await close(api, contact);
};
const accepted = async (subject) => {
  const mail = await ledgerRow(api, `accepted, with subject ${subject}`, (row) => row.subject === subject && row.state === 'accepted', 30 * SLOWNESS);
  await open(api, contact);
  return delivery(mail, 'bob@mail.test');
};
const dovecotLog = () => readFileSync(join(host.dir, 'dovecot/dovecot.log'), 'utf8');
const choose = (clientCertificate) => api.patch(ACCOUNT, { clientCertificate });

test('a server that wants a certificate says so, and gets it', options, async () => {
  await raise('certified', host.certified, {});
  await accountFailure(api, /No client certificate presented/, 20 * SLOWNESS);
  await choose('stranger');
  await accountFailure(api, /Client certificate not trusted/i, 20 * SLOWNESS);
  await choose('alice');
  await accepted('certified');
  const mail = await host.waitForMail('bob', (text) => text.includes('Subject: certified'), 30 * SLOWNESS);
  assert.match(mail.toString(), /Client CN "alice", Issuer "Plant Issuing CA" \(verified OK\)/);
});

test('SASL EXTERNAL: Dovecot knows the user by the certificate', options, async () => {
  await raise('external', host.external, { emailAuthenticator: external() });
  await accountFailure(api, /login is by certificate, and none is chosen/, 20 * SLOWNESS);
  await choose('alice');
  await accepted('external');
  await host.waitForMail('bob', (text) => text.includes('Subject: external'), 30 * SLOWNESS);
  await logged(dovecotLog, /submission-login: Info: Login: user=<alice>, method=EXTERNAL/);
});

/** Runs the doctor to its end. */
async function diagnose(settings = {}) {
  const { result: job } = await api.post(`/components${ACCOUNT}/actions/diagnose`, settings);
  return eventually('the diagnosis has ended', async () => {
    const d = await api.get('/mail/diagnosis?account=OutgoingAccount');
    return d.job === job && d.state !== 'running' && d;
  }, { seconds: PATIENCE * SLOWNESS });
}

test('the doctor says what is wrong with the certificate, and what it offers mends it', options, async () => {
  const ill = async (finding, advice, settings = { testAddress: 'bob@mail.test' }) => {
    const d = await diagnose(settings);
    assert.equal(d.state, 'ill', JSON.stringify(d));
    const row = d.findings.find(({ ok }) => !ok);
    assert.equal(row.step, 'clientCertificate', JSON.stringify(d));
    assert.match(row.text, finding);
    assert.match(d.advice[0].text, advice);
    return d.advice[0].changes;
  };
  await setUpMail(api, { port: host.certified, account: { ...IMPLICIT, emailAuthenticator: noAuth(), clientCertificate: '' } });
  const wants = /The server wants a certificate of this station\. Show it "alice".*which an authority that it names has signed/;
  assert.deepEqual(await ill(/No client certificate presented/, wants), { clientCertificate: 'alice' });
  await choose('stranger');
  const offered = await ill(/Client certificate not trusted/i, /does not accept the certificate that is chosen\. Show it "alice"/);
  await choose('nobody');
  await ill(/holds no key "nobody"/, /certificate that is chosen is gone\. Show it "alice"/);
  await api.patch(ACCOUNT, offered);
  const healthy = await diagnose({ testAddress: 'bob@mail.test' });
  assert.equal(healthy.state, 'healthy', JSON.stringify(healthy));
  assert.match(healthy.findings.find(({ step }) => step === 'clientCertificate').text, /was shown "alice"/);
});

test('a login by certificate without one has its row, and one click chooses it', options, async () => {
  await setUpMail(api, { port: host.external, account: { ...IMPLICIT, emailAuthenticator: external(), clientCertificate: '' } });
  const ill = await diagnose();
  const row = ill.findings.find(({ ok }) => !ok);
  assert.deepEqual([ill.state, row.step], ['ill', 'clientCertificate'], JSON.stringify(ill));
  assert.match(row.text, /login is by certificate, and none is chosen/);
  const click = ill.advice.find(({ changes }) => changes?.clientCertificate === 'alice');
  assert.match(click?.text ?? JSON.stringify(ill.advice), /none is chosen\. Show it "alice"/);
  await api.patch(ACCOUNT, click.changes);
  const healthy = await diagnose();
  assert.equal(healthy.state, 'healthy', JSON.stringify(healthy));
});

test('a login by certificate in clear has its row, and one click encrypts it', options, async () => {
  await setUpMail(api, { port: host.external, account: { ...CLEAR, emailAuthenticator: external(), clientCertificate: 'alice' } });
  const ill = await diagnose();
  assert.deepEqual([ill.state, ill.findings.some(({ ok }) => !ok)], ['ill', true], JSON.stringify(ill));
  const click = ill.advice.find(({ changes }) => changes?.useSsl);
  assert.match(click?.text ?? JSON.stringify(ill), /with TLS from the first byte/);
  await api.patch(ACCOUNT, click.changes);
  const healthy = await diagnose();
  assert.equal(healthy.state, 'healthy', JSON.stringify(healthy));
});

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`a server that ends the handshake over it is understood, ${version}`, options, async () => {
    const [port] = await freePorts(1);
    const server = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', served.cert, '-key', served.key, '-cert_chain', served.cert, version, '-Verify', '1', '-verify_return_error', '-CAfile', clientCa, '-quiet'], { stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      await listening(port, 'openssl s_server');
      await raise('alert', port, {});
      await accountFailure(api, /wants a certificate of this station.*choose it as clientCertificate/, 20 * SLOWNESS);
      await choose('stranger');
      await accountFailure(api, /does not accept the certificate "stranger" of this station/, 20 * SLOWNESS);
      const d = await diagnose();
      assert.deepEqual([d.findings.at(-1).step, d.advice[0].changes], ['clientCertificate', { clientCertificate: 'alice' }], JSON.stringify(d));
      await choose('');
      await open(api, contact);
    } finally {
      server.kill();
    }
  });
}

test('a key that is gone is named, and its return heals the account', options, async () => {
  const pem = (await api.send('POST', '/certificates/keys/alice/export', { password: 'correct horse' })).text;
  await api.delete('/certificates/keys/alice');
  await raise('healed', host.certified, { clientCertificate: 'alice' });
  await accountFailure(api, /Client Certificate: The User Key Store holds no key "alice"/, 20 * SLOWNESS);
  assert.match(await api.value(ACCOUNT, 'faultCause'), /The User Key Store holds no key "alice"/);
  const { body } = await api.send('PATCH', `/components${ACCOUNT}`, { values: { clientCertificate: 'nobody' } });
  assert.match(JSON.stringify(body.warnings), /holds no key \\"nobody\\"/);
  await choose('alice');
  await api.post('/certificates/keys', { alias: 'alice', pem, password: 'correct horse' });
  await accepted('healed');
  assert.equal(await api.value(ACCOUNT, 'faultCause'), '');
});

test('a mailbox is read by certificate too, and one without says so', options, async () => {
  const incoming = '/Services/EmailService/IncomingAccount';
  await api.patch(incoming, { hostname: '127.0.0.1', port: host.imaps, store: 'Imap', idle: false, ...IMPLICIT, emailAuthenticator: external(), clientCertificate: 'gone', pollrate: '1s', enabled: true });
  const values = () => api.component(incoming).then((c) => c.values);
  await eventually(async () => `a failure that names the key: ${JSON.stringify(await values())}`, async () => /no key "gone"/.test((await values()).lastPollFailureCause), { seconds: PATIENCE * SLOWNESS });
  await api.patch(incoming, { clientCertificate: 'alice' });
  await eventually(async () => `a poll by certificate: ${JSON.stringify(await values())}`, async () => (await values()).lastPollSuccess, { seconds: PATIENCE * SLOWNESS });
  await logged(dovecotLog, /imap-login: Info: Login: user=<alice>, method=EXTERNAL/);
  await api.patch(incoming, { enabled: false });
});

test('EXTERNAL as it goes over the wire: with and without a name, and never without TLS', options, async () => {
  const lines = [];
  const server = await SmtpServer.start({ tls: 'implicit', certificate: served, auth: 'PLAIN EXTERNAL',
    reply: (line) => { if (/^AUTH/.test(line)) { lines.push(line); return '235 2.7.0 known by certificate'; } return undefined; } });
  try {
    await raise('wire', server.port, { emailAuthenticator: external(), clientCertificate: 'alice' });
    await accepted('wire');
    await raise('name', server.port, { emailAuthenticator: external('alice@mail.test'), clientCertificate: 'alice' });
    await accepted('name');
    assert.deepEqual([...new Set(lines)], ['AUTH EXTERNAL =', `AUTH EXTERNAL ${Buffer.from('alice@mail.test').toString('base64')}`]);
    await raise('clear', server.port, { ...CLEAR, emailAuthenticator: external(), clientCertificate: 'alice' });
    await accountFailure(api, /needs TLS/, 20 * SLOWNESS);
  } finally {
    await server.stop();
  }
});
