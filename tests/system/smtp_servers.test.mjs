// SPDX-License-Identifier: Apache-2.0
// modes: debug
// timeout: 240
// Real servers: each way to secure the connection, each TLS version, each login that Postfix with Dovecot's SASL offers;
// and Exim, for another opinion.
// What is offered works, and is what was asked for; what is not offered has its sentence. An account a case, at once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Exim } from '../support/exim.mjs';
import { MailHost, USERS, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic, noAuth } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { eventually } from '../support/wait.mjs';

const options = { skip: needsRoot };
const MECHANISMS = { plain: 'PLAIN', login: 'LOGIN', cramMd5: 'CRAM-MD5', scramSha256: 'SCRAM-SHA-256' };
/* Where, how, and the TLS version that comes of it. */
const DOORS = [
  { door: 'plain', mode: { ...CLEAR, allowClearTextCredentials: true }, tls: '' },
  { door: 'submission', mode: STARTTLS, tls: 'TLS1.3' },
  { door: 'submission', mode: { ...STARTTLS, tlsMinProtocol: 'tlsV1_3' }, tls: 'TLS1.3' },
  { door: 'submission12', mode: STARTTLS, tls: 'TLS1.2' },
  { door: 'smtps', mode: IMPLICIT, tls: 'TLS1.3' },
  { door: 'smtps', mode: { ...IMPLICIT, tlsMinProtocol: 'tlsV1_3' }, tls: 'TLS1.3' },
  { door: 'smtps12', mode: IMPLICIT, tls: 'TLS1.2' },
];
const works = DOORS.flatMap(({ door, mode, tls }) => [...Object.keys(MECHANISMS), 'auto'].map((mechanism) => ({
  door, tls, mechanism, method: MECHANISMS[mechanism] ?? 'SCRAM-SHA-256',
  values: { ...mode, emailAuthenticator: { ...basic('carol', USERS.carol), mechanism } },
})));
works.push(...[CLEAR, STARTTLS].map((mode, i) => ({ door: 'smtp', mechanism: 'none', tls: i ? 'TLS1.3' : '', values: { ...mode, emailAuthenticator: noAuth() } })));

const fails = [
  { what: 'no AUTH on this port', door: 'smtp', values: { ...STARTTLS, emailAuthenticator: basic() }, words: /offers no login \(AUTH\), so no mail was sent/ },
  { what: 'no STARTTLS on this port', door: 'plain', values: { ...STARTTLS, emailAuthenticator: basic() }, words: /does not offer STARTTLS/ },
  { what: 'TLS 1.3 wanted of a server of TLS 1.2', door: 'smtps12', values: { ...IMPLICIT, tlsMinProtocol: 'tlsV1_3', emailAuthenticator: basic() }, words: /TLS 1\.3/ },
  { what: 'TLS on a port of STARTTLS', door: 'submission', values: { ...IMPLICIT, emailAuthenticator: basic() }, words: /STARTTLS/ },
  { what: 'a wrong password by PLAIN', door: 'smtps', values: { ...IMPLICIT, emailAuthenticator: { ...basic('alice', 'wrong-1'), mechanism: 'plain' } }, words: /refused the login of "alice": 535 5\.7\.8/ },
  { what: 'a wrong password by SCRAM', door: 'smtps', values: { ...IMPLICIT, emailAuthenticator: { ...basic('alice', 'wrong-1'), mechanism: 'scramSha256' } }, words: /refused the login of "alice": 535 5\.7\.8/ },
  { what: 'no login where one is wanted', door: 'submission', values: { ...STARTTLS, emailAuthenticator: noAuth() }, words: /Access denied/ },
];

/* Exim logs A=authenticator:user and X=TLS version. */
const exims = [['smtp', { ...CLEAR, allowClearTextCredentials: true }, ''], ['smtp', STARTTLS, 'TLS1.3'], ['smtps', IMPLICIT, 'TLS1.3']].flatMap(([door, mode, tls]) => [
  ...['plain', 'login', 'cramMd5', 'auto'].map((mechanism) => ({
    exim: true, door, tls, mechanism, logs: `A=${mechanism === 'auto' ? (tls ? 'plain' : 'cram') : mechanism.replace('Md5', '')}:alice`,
    values: { ...mode, emailAuthenticator: { ...basic(), mechanism } },
  })), { exim: true, door, tls, mechanism: 'none', values: { ...mode, emailAuthenticator: noAuth() } }]);

const path = (name) => `/Services/EmailService/${name}`;
let station, api, host, exim;

before(async () => {
  if (needsRoot) return;
  const pki = new Pki();
  const served = pki.server('served');
  [host, exim, station] = await Promise.all([MailHost.start(served, { mechanisms: 'plain login cram-md5 scram-sha-256' }),
    Exim.start(served, { name: 'alice', password: USERS.alice }), Station.start()]);
  api = station.api;
  await api.post('/certificates/user', { pem: pki.root.pem });
  const all = [...works, ...fails, ...exims];
  all.forEach((c, i) => { c.name = `Account${i}`; });
  await api.post('/batch', all.map((c) => ({
    op: 'add', path: '/Services/EmailService', name: c.name, type: 'email:OutgoingAccount',
    values: { hostname: '127.0.0.1', port: (c.exim ? exim : host)[c.door], from: 'alice@mail.test', connectionTimeout: '60s', retryInterval: '1s', ...c.values },
  })));
});
after(() => Promise.all([station?.stop(), host?.stop(), exim?.stop()]));

const patience = { seconds: 60 * SLOWNESS, every: 200 };

const accepted = (c, id) => eventually(async () => `acceptance: ${JSON.stringify([await api.get(`/mail/${id}`), (await api.component(path(c.name))).values.lastPollFailureCause])}`,
  async () => { const mail = await api.get(`/mail/${id}`); return mail.state === 'accepted' && mail; }, patience);

test('every mechanism, over every kind of connection', { ...options, concurrency: 100 }, async (t) => {
  await Promise.all(works.map((c) => t.test(`${c.mechanism} at ${c.door}, ${c.tls || 'no TLS'}`, async () => {
    const id = await api.invoke(path(c.name), 'sendTest', 'bob@mail.test');
    const mail = await accepted(c, id);
    const [delivery] = mail.deliveries;
    assert.equal(delivery.tlsVersion, c.tls);
    const logged = await eventually(`Postfix's word on ${delivery.queueId}`, () => host.logText().split('\n').find((line) => line.includes(`${delivery.queueId}: client=`)), patience);
    if (c.method) assert.match(logged, new RegExp(`sasl_method=${c.method}, sasl_username=carol`));
    else assert.doesNotMatch(logged, /sasl_/);
  })));
});

test('what cannot work says why', { ...options, concurrency: 100 }, async (t) => {
  await Promise.all(fails.map((c) => t.test(c.what, async () => {
    const id = await api.invoke(path(c.name), 'sendTest', 'bob@mail.test');
    await eventually(async () => `words like ${c.words}: ${JSON.stringify([(await api.component(path(c.name))).values.lastPollFailureCause, await api.get(`/mail/${id}`)])}`,
      async () => {
        const [{ values }, mail] = [await api.component(path(c.name)), await api.get(`/mail/${id}`)];
        return c.words.test(values.lastPollFailureCause) || mail.deliveries.some(({ replyText }) => c.words.test(replyText));
      }, patience);
  })));
});

test('Exim', { ...options, concurrency: 100 }, async (t) => {
  await Promise.all(exims.map((c) => t.test(`${c.mechanism} at ${c.door}, ${c.tls || 'no TLS'}`, async () => {
    const id = await api.invoke(path(c.name), 'sendTest', 'bob@mail.test');
    const { deliveries: [delivery] } = await accepted(c, id);
    assert.equal(delivery.tlsVersion, c.tls);
    const logged = await eventually(`Exim's word on ${delivery.queueId}`, () => exim.logText().split('\n').find((line) => line.includes(`${delivery.queueId} <= `)), patience);
    if (c.logs) assert.ok(logged.includes(c.logs), logged);
    else assert.doesNotMatch(logged, / A=/);
  })));
});
