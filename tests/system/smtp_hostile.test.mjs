// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// Mail servers that lack what was chosen, or lie: each fails closed, with a sentence of its own, before any credential
// or mail is sent. And what is never sent by mistake.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Pki } from '../support/pki.mjs';
import { ACCOUNT, CLEAR, IMPLICIT, STARTTLS, accountFailure, addContacts, basic, close, ledgerRow, noAuth, open, setUpMail } from '../support/plant.mjs';
import { SmtpServer } from '../support/smtp.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const pki = new Pki();
const certificate = pki.server('served');
const SECRET = 'Sesam-7391';
let station, api, contact;

before(async () => {
  station = await Station.start();
  api = station.api;
  await api.post('/certificates/user', { pem: pki.root.pem });
  [contact] = await addContacts(api, 1);
});
after(() => station.stop());

/** Raises an alarm towards such a server; waits until the account is down with a cause that matches, and the ledger has the
 * attempt with the stage that it came to. */
async function refused(options, mode, cause, stage, extra = {}) {
  const server = await SmtpServer.start({ certificate, ...options });
  const last = await api.value(ACCOUNT, 'lastPollFailure'); // of another server, with a cause of its own
  await setUpMail(api, { port: server.port, account: { ...mode, emailAuthenticator: basic('alice', SECRET), ...extra } });
  await close(api, contact);
  const values = await accountFailure(api, cause, 20 * SLOWNESS, last);
  const attempts = async () => (await Promise.all((await api.get('/mail')).items.map(({ id }) => api.get(`/mail/${id}`)))).flatMap((mail) => mail.attempts);
  await eventually(async () => `an attempt at ${stage}: ${JSON.stringify(await attempts())}`,
    async () => (await attempts()).some((attempt) => attempt.stage === stage && cause.test(attempt.replyText)), { seconds: PATIENCE * SLOWNESS });
  await open(api, contact);
  await server.stop();
  return { server, cause: values.lastPollFailureCause };
}

/** Neither name nor password, in clear or as base64, and no envelope. */
function nothingSent(server) {
  const base64 = Buffer.from(SECRET).toString('base64').slice(0, 10);
  assert.ok(!server.received.includes(SECRET) && !server.received.includes(base64), server.received);
  assert.doesNotMatch(server.received, /^(AUTH|MAIL|RCPT|DATA)/im);
  assert.equal(server.messages.length, 0);
}

const causes = new Map();

test('STARTTLS chosen and not offered', async () => {
  const { server, cause } = await refused({ tls: 'none' }, STARTTLS, /STARTTLS/, 'ehlo');
  nothingSent(server);
  causes.set('STARTTLS', cause);
});

test('AUTH wanted and not offered', async () => {
  const { server, cause } = await refused({ tls: 'starttls', auth: '' }, STARTTLS, /AUTH|log ?in|credential|authentic/i, 'ehlo');
  nothingSent(server);
  causes.set('AUTH', cause);
});

test('text injected behind the answer to STARTTLS', async () => {
  const inject = '250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n235 2.7.0 ok\r\n';
  const { server, cause } = await refused({ tls: 'starttls', inject }, STARTTLS, /inject|behind|after|before|extra|unexpected/i, 'starttls');
  nothingSent(server);
  causes.set('inject', cause);
});

test('a server of TLS 1.1 only', async () => {
  const { server, cause } = await refused({ tls: 'implicit', minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }, IMPLICIT, /TLS/, 'connect');
  nothingSent(server);
  causes.set('TLS 1.1', cause);
});

test('a name that is not in the certificate', async () => {
  const other = pki.server('other', { names: 'DNS:other.example', subject: '/CN=other.example' });
  const { server, cause } = await refused({ tls: 'implicit', certificate: other }, IMPLICIT, /name|other\.example/i, 'connect');
  nothingSent(server);
  causes.set('name', cause);
});

test('an expired certificate', async () => {
  const expired = pki.server('expired', { days: -1 });
  const { server, cause } = await refused({ tls: 'implicit', certificate: expired }, IMPLICIT, /expired/i, 'connect');
  nothingSent(server);
  causes.set('expired', cause);
});

test('no TLS chosen: credentials are not sent in clear unless that was allowed', async () => {
  const { server, cause } = await refused({ tls: 'none' }, CLEAR, /clear|encrypt/i, 'ehlo');
  nothingSent(server);
  causes.set('clear', cause);
});

test('each of these has a sentence of its own', () => {
  assert.equal(causes.size, 7, 'not all of the tests above have passed');
  assert.equal(new Set(causes.values()).size, causes.size, JSON.stringify([...causes]));
  for (const cause of causes.values()) assert.match(cause, /^[A-Z0-9].{20,}[.!]?$/s);
});

test('clear text, when it was allowed, works with AUTH PLAIN', async () => {
  const server = await SmtpServer.start();
  await setUpMail(api, {
    port: server.port, account: { ...CLEAR, emailAuthenticator: basic('alice', SECRET), allowClearTextCredentials: true },
  });
  await close(api, contact);
  await eventually('a mail', () => server.messages.length > 0, { seconds: 40 * SLOWNESS });
  assert.equal(server.messages[0].user, 'alice');
  assert.equal(server.sessions[0].password, SECRET);
  await open(api, contact);
  await server.stop();
});

test('AUTH LOGIN is used when it is all there is', async () => {
  const server = await SmtpServer.start({ tls: 'starttls', auth: 'LOGIN', certificate });
  await setUpMail(api, { port: server.port, account: { ...STARTTLS, emailAuthenticator: basic('alice', SECRET) } });
  await close(api, contact);
  await eventually('a mail', () => server.messages.length > 0, { seconds: 40 * SLOWNESS });
  const session = server.sessions.find(({ user }) => user);
  assert.deepEqual([session.mechanism, session.user, session.password], ['LOGIN', 'alice', SECRET]);
  assert.ok(!session.receivedInClear.includes('AUTH'));
  await open(api, contact);
  await server.stop();
});

test('no password is in the transcript, the log or any answer', async () => {
  const server = await SmtpServer.start({ tls: 'starttls', certificate });
  await setUpMail(api, { port: server.port, account: { ...STARTTLS, emailAuthenticator: basic('alice', SECRET), debug: true } });
  await close(api, contact);
  await eventually('a mail', () => server.messages.length > 0, { seconds: 40 * SLOWNESS });
  const transcript = await eventually('a transcript', async () => {
    const { items } = await api.get('/mail/transcript?account=OutgoingAccount');
    return items.some(({ text }) => /DATA|\b354\b|queued/.test(text)) && items;
  });
  assert.ok(transcript.some(({ text }) => /^AUTH|AUTH PLAIN/.test(text)), 'the transcript shows that there was an AUTH');
  const account = await api.send('GET', `/components${ACCOUNT}?depth=3`);
  const everything = JSON.stringify(transcript) + account.text + station.stderr + (await api.send('GET', '/audit')).text;
  for (const form of [SECRET, Buffer.from(SECRET).toString('base64'), Buffer.from(`\0alice\0${SECRET}`).toString('base64')]) {
    assert.ok(!everything.includes(form), `${form} can be read`);
  }
  assert.deepEqual(account.body.values.emailAuthenticator.password, { set: true });
  await open(api, contact);
  await server.stop();
});

test('a line cut behind the final dot: the mail comes again, with the same Message-ID', async () => {
  let cut;
  const server = await SmtpServer.start({ afterMessage: (message) => { cut ??= message; return message === cut ? false : undefined; } });
  await setUpMail(api, { port: server.port, account: { ...CLEAR, emailAuthenticator: noAuth() }, recipient: { subject: 'cut' } });
  await close(api, contact);
  await ledgerRow(api, 'accepted after a cut', (mail) => mail.subject === 'cut' && mail.state === 'accepted', 40 * SLOWNESS);
  await eventually('a second attempt of the same message', () => server.messages.some(({ messageId }) => messageId === cut.messageId), { seconds: 40 * SLOWNESS });
  await open(api, contact);
  await server.stop();
});
