// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// Mail to Debian's Postfix, read from Debian's Dovecot: over a private CA with both kinds of TLS, and to a self-signed
// server that is refused, approved, used, and refused again when its key has changed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailHost, needsRoot } from '../support/mailhost.mjs';
import { Pki, fingerprint } from '../support/pki.mjs';
import { ACCOUNT, IMPLICIT, STARTTLS, accountFailure, addContacts, basic, close, delivery, ledgerRow, open, setUpMail } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { eventually, logged } from '../support/wait.mjs';

const pki = new Pki();
const served = pki.server('served');
let host, station, api, contact;

before(async () => {
  if (needsRoot) return;
  [host, station] = await Promise.all([MailHost.start(served), Station.start()]);
  api = station.api;
  [contact] = await addContacts(api, 1);
});
after(async () => {
  host?.stop();
  await station?.stop();
});

const options = { skip: needsRoot };
const account = (mode) => ({ ...mode, emailAuthenticator: basic() });
const row = async (port) => (await api.get('/allowed-hosts')).items.find(({ host: name }) => name === `127.0.0.1:${port}`);

/** Postfix's log shows connections after the mark, one of them to its end, and in none of them an AUTH or an envelope. */
async function noCredentials(mark) {
  const log = await eventually('the end of a connection in the log', () => {
    const lines = host.connectionsSince(mark);
    return lines.some((line) => line.includes(': disconnect from')) && lines;
  });
  assert.deepEqual(log.filter((line) => /sasl_|auth=|mail=|client=/.test(line)), []);
}

/** The ledger's newest mail once all of it was accepted. */
const accepted = (subject) => ledgerRow(api, `accepted, with subject ${subject}`, (mail) => mail.subject === subject && mail.state === 'accepted', 30 * SLOWNESS);

async function deliver(port, mode, subject) {
  await setUpMail(api, { port, account: account(mode), recipient: { subject } });
  await close(api, contact);
  const mail = await accepted(subject);
  await host.waitForMail('bob', (text) => text.includes(`Subject: ${subject}`), 30 * SLOWNESS);
  await open(api, contact);
  return delivery(mail, 'bob@mail.test');
}

test('before the private CA is known, nothing is sent, and the account says why', options, async () => {
  const mark = host.logMark();
  await setUpMail(api, { port: host.submission, account: account(STARTTLS), recipient: { subject: 'unknown CA' } });
  await close(api, contact);
  await accountFailure(api, /trust|certificate|issuer/i, 20 * SLOWNESS);
  await noCredentials(mark);
  await open(api, contact);
});

test('the private CA is imported by REST', options, async () => {
  const answer = await api.send('POST', '/certificates/user', pki.root.pem, { 'Content-Type': 'application/x-pem-file' });
  assert.equal(answer.status, 201, answer.text);
  const { items } = await api.get('/certificates/user');
  assert.ok(items.some(({ subject, ca }) => /Plant Root CA/.test(subject) && ca), JSON.stringify(items));
});

test('the mail of the unknown CA was kept and arrives now', options, async () => {
  await host.waitForMail('bob', (text) => text.includes('Subject: unknown CA'), 60 * SLOWNESS);
});

test('STARTTLS on the submission port delivers into the mailbox', options, async () => {
  const { tlsVersion, cipher, fingerprint: seen, replyCode, queueId } = await deliver(host.submission, STARTTLS, 'by STARTTLS');
  assert.match(tlsVersion, /1\.3/);
  assert.ok(cipher);
  assert.equal(String(replyCode), '250');
  await logged(() => host.logText(), new RegExp(`${queueId}: client=`));
  assert.equal(seen.replaceAll(':', '').toLowerCase(), fingerprint(served.cert));
});

test('implicit TLS delivers into the mailbox', options, async () => {
  const { tlsVersion } = await deliver(host.smtps, IMPLICIT, 'by implicit TLS');
  assert.match(tlsVersion, /1\.3/);
});

test('a self-signed server is refused before any credential is sent', options, async () => {
  await host.useCertificate(pki.selfSigned('self1'));
  const mark = host.logMark();
  await setUpMail(api, { port: host.smtps, account: account(IMPLICIT), recipient: { subject: 'self-signed' } });
  await close(api, contact);
  const values = await accountFailure(api, /self-signed|not trusted|certificate/i, 20 * SLOWNESS);
  assert.ok(values.lastPollFailureCause.length > 20, values.lastPollFailureCause);
  const found = await eventually('an Allowed Hosts row', () => row(host.smtps));
  assert.equal(found.approved, false);
  assert.equal(found.fingerprint.replaceAll(':', '').toLowerCase(), fingerprint(`${pki.dir}/self1.pem`));
  assert.match(found.subject, /localhost/);
  assert.ok(found.cause, 'the row says why');
  await noCredentials(mark);
});

test('approved, the next attempt delivers', options, async () => {
  const answer = await api.post(`/allowed-hosts/127.0.0.1:${host.smtps}/approve`, { reason: 'the plant has its own server' });
  assert.equal(answer.approved, true);
  await accepted('self-signed');
  await host.waitForMail('bob', (text) => text.includes('Subject: self-signed'), 30 * SLOWNESS);
  const { values } = await api.component(ACCOUNT);
  assert.match(values.status, /ok/);
  const found = await row(host.smtps);
  assert.equal(found.approver, 'admin');
  assert.equal(found.reason, 'the plant has its own server');
  await open(api, contact);
});

test('another key at the same address is refused, old and new are shown', options, async () => {
  const old = fingerprint(`${pki.dir}/self1.pem`);
  const fresh = await host.useCertificate(pki.selfSigned('self2'));
  const mark = host.logMark();
  await setUpMail(api, { port: host.smtps, account: account(IMPLICIT), recipient: { subject: 'key changed' } });
  await close(api, contact);
  await accountFailure(api, /key|changed|certificate/i, 40 * SLOWNESS);
  const found = await eventually('a row without approval', async () => {
    const candidate = await row(host.smtps);
    return !candidate.approved && candidate;
  });
  assert.equal(found.fingerprint.replaceAll(':', '').toLowerCase(), fresh);
  assert.equal(found.previous.fingerprint.replaceAll(':', '').toLowerCase(), old);
  await noCredentials(mark);
});
