// SPDX-License-Identifier: Apache-2.0
// modes: release asan tsan
// timeout: 240
// Mail read from Debian's Dovecot: what is read and what is left alone, what is remembered over restarts, new numbers of
// the mailbox, IDLE, and a sentence for everything that does not work. Every way in: incoming_matrix.test.mjs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MailStore } from '../support/mailstore.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic, noAuth } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually } from '../support/wait.mjs';

const ACCOUNT = '/Services/EmailService/IncomingAccount';
const pki = new Pki();
const certificate = pki.server('served');
const ALL = 'plain login cram-md5 scram-sha-256';
let newer, older, station, api, counted;

before(async () => {
  [newer, older, station] = await Promise.all([
    MailStore.start(certificate, { mechanisms: ALL }), MailStore.start(certificate, { mechanisms: ALL, maxTls: 'TLSv1.2' }), Station.start(),
  ]);
  api = station.api;
});
after(async () => {
  newer?.stop();
  older?.stop();
  await station?.stop();
});

const values = () => api.component(ACCOUNT).then((component) => component.values);
const MODES = { none: CLEAR, STARTTLS, TLS: IMPLICIT };

/** Sets the account up for a store, without IDLE unless asked for, so that every checkNow is a session of its own. */
async function use(store, protocol, mode, more = {}) {
  counted = (await values()).numberReceived;
  const { mechanism = 'auto', user = 'alice', password = 'secret1', ...rest } = more;
  const port = store[`${protocol}${mode === 'TLS' ? 's' : ''}`];
  return api.patch(ACCOUNT, {
    hostname: '127.0.0.1', port, store: protocol === 'imap' ? 'Imap' : 'Pop3', ...MODES[mode], pollrate: '1h', idle: false,
    allowClearTextCredentials: mode === 'none', debug: true, deliveryPolicy: 'markAsRead', emailToRead: 'unread',
    emailAuthenticator: { ...basic(user, password), mechanism }, ...rest,
  });
}

/** Polls; resolves to the number of mails read since the last call or use(), or to the sentence of the failure. */
async function check() {
  const answer = await api.send('POST', `/components${ACCOUNT}/actions/checkNow`);
  if (answer.status >= 300) return answer.body.detail ?? answer.text;
  const before = counted;
  counted = (await values()).numberReceived;
  return counted - before;
}

test('before the private CA is known, nothing is sent', async () => {
  await use(newer, 'imap', 'TLS');
  assert.match(String(await check()), /not trusted|trust|issuer/i);
  assert.match((await values()).status, /down/);
  await eventually('an Allowed Hosts row', async () => (await api.get('/allowed-hosts')).items.some(({ host }) => host === `127.0.0.1:${newer.imaps}`));
  assert.doesNotMatch(newer.log(), /Login: user/);
  await api.post('/certificates/user', { pem: pki.root.pem });
});

test('each protocol logs in over each kind of connection', async () => {
  for (const protocol of ['imap', 'pop3']) {
    for (const mode of Object.keys(MODES)) {
      const user = `${protocol}-${mode}`.toLowerCase(); /* as Dovecot writes names */
      newer.deliver(user);
      await use(newer, protocol, mode, { user });
      assert.equal(await check(), 1, user);
    }
  }
});

test('no password is in the transcript or any answer', async () => {
  const everything = (await api.send('GET', '/mail/transcript?account=IncomingAccount')).text + (await api.send('GET', `/components${ACCOUNT}?depth=3`)).text + station.stderr;
  for (const form of ['secret1', Buffer.from('secret1').toString('base64'), Buffer.from('\0alice\0secret1').toString('base64')]) {
    assert.ok(!everything.includes(form), `${form} can be read`);
  }
});

test('what is not offered, and what is wrong, has its sentence', async () => {
  const poor = await MailStore.start(certificate, { mechanisms: 'plain' });
  const rows = [
    [poor, 'imap', 'TLS', { mechanism: 'scramSha256' }, /offers .*PLAIN.*SCRAM-SHA-256/s],
    [poor, 'pop3', 'STARTTLS', { mechanism: 'cramMd5' }, /offers .*PLAIN.*CRAM-MD5/s],
    [newer, 'imap', 'TLS', { password: 'wrong' }, /refused the login of "alice"/],
    [newer, 'pop3', 'TLS', { password: 'wrong' }, /refused the login of "alice"/],
    [newer, 'imap', 'none', { allowClearTextCredentials: false }, /without TLS/],
    [newer, 'pop3', 'none', { allowClearTextCredentials: false }, /without TLS/],
    [older, 'imap', 'TLS', { tlsMinProtocol: 'tlsV1_3' }, /TLS/],
    [newer, 'imap', 'TLS', { port: newer.imap }, /TLS|handshake/],
    [newer, 'imap', 'none', { port: newer.pop3 }, /which is no IMAP/],
    [newer, 'pop3', 'none', { port: newer.imap }, /which is no POP3/],
  ];
  for (const [store, protocol, mode, more, sentence] of rows) {
    await use(store, protocol, mode, { ...more, connectionTimeout: '5s', tlsMinProtocol: more.tlsMinProtocol ?? 'tlsV1_2' });
    const answer = String(await check());
    assert.match(answer, sentence, `${protocol} ${mode} ${JSON.stringify(more)}`);
    assert.match((await values()).status, /down/);
    assert.equal((await values()).lastPollFailureCause, answer);
  }
  await api.patch(ACCOUNT, { tlsMinProtocol: 'tlsV1_2' });
  poor.stop();
});

test('a mail that is nobody\'s is read once and left as it is', async () => {
  for (const protocol of ['imap', 'pop3']) {
    const user = `${protocol}-nobody`;
    newer.deliver(user, { subject: 'one' });
    newer.deliver(user, { subject: 'two' });
    await use(newer, protocol, 'TLS', { user, deliveryPolicy: 'delete' });
    assert.equal(await check(), 2);
    assert.equal(await check(), 0);
    const marks = newer.mails(user).map(({ flags }) => flags);
    assert.deepEqual(marks, ['', ''], 'they look as if somebody had read them');
    newer.deliver(user, { subject: 'three' });
    assert.equal(await check(), 1);
  }
});

test('what was looked at is remembered over a restart', async () => {
  await use(newer, 'imap', 'TLS');
  await check();
  newer.deliver('alice');
  await station.stop();
  await station.launch();
  api = station.api;
  await eventually('the new mail was read', async () => (await values()).numberReceived === 1);
  counted = 1;
  assert.equal(await check(), 0);
});

test('a mailbox that is numbered anew is read anew', async () => {
  await newer.wipe('alice');
  newer.deliver('alice');
  assert.equal(await check(), 1);
});

test('unread mails only, or all', async () => {
  newer.deliver('readers', { flags: 'S' });
  newer.deliver('readers');
  await use(newer, 'imap', 'TLS', { user: 'readers' });
  assert.equal(await check(), 1);
  newer.deliver('everything', { flags: 'S' });
  await use(newer, 'imap', 'TLS', { user: 'everything', emailToRead: 'all' });
  assert.equal(await check(), 1);
});

test('more than a poll may read is read in the next ones, newest first', async () => {
  for (let i = 0; i < 5; i++) newer.deliver('bob', { body: `${'x'.repeat(70)}\r\n`.repeat(10) });
  const received = (await values()).numberReceived;
  await use(newer, 'imap', 'TLS', { sizeLimitPerPoll: 2, user: 'bob' });
  await check();
  await eventually('all are read', async () => (await values()).numberReceived === received + 5 && (await values()).underFlood === false);
  await api.patch(ACCOUNT, { sizeLimitPerPoll: 10240 });
});

test('a mail that cannot be read is counted and left alone; the next one is read', async () => {
  newer.deliver('carol', { raw: `${Array.from({ length: 400 }, (_, i) => `X-${i}: y\r\n`).join('')}\r\nx` });
  newer.deliver('carol', { subject: 'fine' });
  const { numberUnreadable } = await values();
  await use(newer, 'imap', 'TLS', { user: 'carol' });
  assert.equal(await check(), 2);
  assert.equal((await values()).numberUnreadable, numberUnreadable + 1);
});

test('IDLE tells of new mail at once', async () => {
  await use(newer, 'imap', 'TLS', { idle: true });
  await check();
  await eventually('it idles', async () => (await api.get('/mail/transcript?account=IncomingAccount')).items.at(-1)?.text.startsWith('+'));
  const { numberReceived } = await values();
  newer.deliver('alice');
  await eventually('the mail was read', async () => (await values()).numberReceived === numberReceived + 1, { seconds: PATIENCE * SLOWNESS });
});

test('an account without a login is refused on the sheet', async () => {
  const answer = await api.send('PATCH', `/components${ACCOUNT}`, { values: { emailAuthenticator: noAuth() } });
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.text, /read with a login/);
  await use(newer, 'imap', 'TLS', { user: '' });
  assert.match(String(await check()), /No login is set/);
});
