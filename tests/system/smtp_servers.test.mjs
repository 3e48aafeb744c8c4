// SPDX-License-Identifier: Apache-2.0
// modes: release
// timeout: 240
// Real servers: each way to secure the connection, each TLS version, each login that Postfix with Dovecot's SASL offers,
// tokens of a real authorization server among them; and Exim, for another opinion.
// What is offered works, and is what was asked for; what is not offered has its sentence. An account a case, at once.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Exim } from '../support/exim.mjs';
import { Identity } from '../support/identity.mjs';
import { MailHost, USERS, needsRoot } from '../support/mailhost.mjs';
import { Pki } from '../support/pki.mjs';
import { CLEAR, IMPLICIT, STARTTLS, basic, noAuth } from '../support/plant.mjs';
import { SLOWNESS, Station } from '../support/station.mjs';
import { PATIENCE, eventually, logged } from '../support/wait.mjs';

const options = { skip: needsRoot };
const PASSWORDS = { plain: 'PLAIN', login: 'LOGIN', cramMd5: 'CRAM-MD5', scramSha256: 'SCRAM-SHA-256', auto: 'SCRAM-SHA-256' };
const TOKENS = { xoauth2: 'XOAUTH2', oauthbearer: 'OAUTHBEARER' };
const METHODS = { ...PASSWORDS, ...TOKENS };
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
const works = DOORS.flatMap(({ door, mode, tls }) => Object.keys(METHODS).map((mechanism) => ({ door, tls, mechanism, values: mode })));
works.push(...[['smtp', CLEAR, ''], ['plain', CLEAR, ''], ['smtp', STARTTLS, 'TLS1.3']].map(([door, values, tls]) => ({ door, mechanism: 'none', tls, values })));

const fails = [
  ...Object.keys(METHODS).flatMap((mechanism) => [{ ...CLEAR, allowClearTextCredentials: true }, STARTTLS].map((values) => ({
    what: 'no AUTH on this port', door: 'smtp', mechanism, values, words: /offers no login \(AUTH\), so no mail was sent/,
  }))),
  ...DOORS.filter(({ tls }) => tls).map(({ door, mode, tls }) => ({ what: `a login is wanted, ${tls}`, door, mechanism: 'none', values: mode, words: /Access denied/ })),
  { what: 'no STARTTLS on this port', door: 'plain', mechanism: 'auto', values: STARTTLS, words: /does not offer STARTTLS/ },
  { what: 'TLS 1.3 wanted of a server of TLS 1.2', door: 'smtps12', mechanism: 'auto', values: { ...IMPLICIT, tlsMinProtocol: 'tlsV1_3' }, words: /TLS 1\.3/ },
  { what: 'TLS on a port of STARTTLS', door: 'submission', mechanism: 'auto', values: IMPLICIT, words: /STARTTLS/ },
  ...['plain', 'scramSha256'].map((mechanism) => ({ what: 'a wrong password', door: 'smtps', mechanism, password: 'wrong-1', values: IMPLICIT, words: /refused the login of "carol": 535 5\.7\.8/ })),
];

/* Exim logs A=authenticator:user and X=TLS version. */
const exims = [['smtp', { ...CLEAR, allowClearTextCredentials: true }, ''], ['smtp', STARTTLS, 'TLS1.3'], ['smtps', IMPLICIT, 'TLS1.3']].flatMap(([door, values, tls]) => [
  ...['plain', 'login', 'cramMd5', 'auto'].map((mechanism) => ({
    exim: true, door, tls, mechanism, values, logs: `A=${mechanism === 'auto' ? (tls ? 'plain' : 'cram') : mechanism.replace('Md5', '')}:alice`,
  })), { exim: true, door, tls, mechanism: 'none', values },
]);
fails.push(...exims.filter(({ mechanism }) => mechanism === 'none').flatMap(({ door, values }) => ['scramSha256', 'xoauth2', 'oauthbearer'].map((mechanism) => ({
  what: 'not offered by Exim', exim: true, door, mechanism, values, words: new RegExp(`offers the login mechanisms PLAIN LOGIN CRAM-MD5, but not ${METHODS[mechanism]}`),
}))));

/** The authenticator of a case. Exim knows alice alone; carol's password has everything in it that could go wrong. */
function login({ mechanism, exim, password }) {
  if (mechanism === 'none') return noAuth();
  if (mechanism in TOKENS) return identity.login(mechanism);
  return { ...(exim ? basic() : basic('carol', password ?? USERS.carol)), mechanism };
}

const path = (name) => `/Services/EmailService/${name}`;
let station, api, host, exim, identity;

before(async () => {
  if (needsRoot) return;
  const pki = new Pki();
  const served = pki.server('served');
  identity = await Identity.start(pki.server('identity'));
  [host, exim, station] = await Promise.all([MailHost.start(served, { mechanisms: 'plain login cram-md5 scram-sha-256', publicKey: identity.publicKey }),
    Exim.start(served, { name: 'alice', password: USERS.alice }), Station.start()]);
  api = station.api;
  await api.post('/certificates/user', { pem: pki.root.pem });
  const all = [...works, ...fails, ...exims];
  all.forEach((c, i) => { c.name = `Account${i}`; });
  await api.post('/batch', all.map((c) => ({
    op: 'add', path: '/Services/EmailService', name: c.name, type: 'email:OutgoingAccount',
    values: { hostname: '127.0.0.1', port: (c.exim ? exim : host)[c.door], from: 'alice@mail.test', connectionTimeout: '60s', retryInterval: '1s', ...c.values, emailAuthenticator: login(c) },
  })));
});
after(() => Promise.all([station?.stop(), host?.stop(), exim?.stop(), identity?.stop()]));

const patience = { seconds: PATIENCE * SLOWNESS, every: 200 };

const accepted = (c, id) => eventually(async () => `acceptance: ${JSON.stringify([await api.get(`/mail/${id}`), (await api.component(path(c.name))).values.lastPollFailureCause])}`,
  async () => { const mail = await api.get(`/mail/${id}`); return mail.state === 'accepted' && mail; }, patience);

test('every mechanism, over every kind of connection', { ...options, concurrency: 100 }, async (t) => {
  await Promise.all(works.map((c) => t.test(`${c.mechanism} at ${c.door}, ${c.tls || 'no TLS'}`, async () => {
    const id = await api.invoke(path(c.name), 'sendTest', 'bob@mail.test');
    const mail = await accepted(c, id);
    const [delivery] = mail.deliveries;
    assert.equal(delivery.tlsVersion, c.tls);
    const line = await logged(() => host.logText(), new RegExp(`${delivery.queueId}: client=`));
    const method = METHODS[c.mechanism];
    if (method) assert.match(line, new RegExp(`sasl_method=${method}, sasl_username=${c.mechanism in TOKENS ? 'alice' : 'carol'}`));
    else assert.doesNotMatch(line, /sasl_/);
  })));
});

test('what cannot work says why', { ...options, concurrency: 100 }, async (t) => {
  await Promise.all(fails.map((c) => t.test(`${c.what}: ${c.mechanism} at ${c.door}`, async () => {
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
    const line = await logged(() => exim.logText(), new RegExp(`${delivery.queueId} <= `));
    if (c.logs) assert.ok(line.includes(c.logs), line);
    else assert.doesNotMatch(line, / A=/);
  })));
});
